"""Fills unknown pixels from known ones by a pyramid of averages; invents no texture."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float32

from lyra_zoom.geometry.image import Plane

SMALLEST_SIDE_PX = 2  # of the coarsest level
WEIGHT_GAIN = 2.0  # per level: half a window of known pixels counts as fully known
TINY_WEIGHT = 1e-6  # below this a level knows nothing about a pixel


def push_pull(
    values: Float32[np.ndarray, "H W *C"], weight: Plane
) -> Float32[np.ndarray, "H W *C"]:
    """The picture with its unknown pixels filled by ever wider averages of the known ones.

    `weight` in [0, 1] says how far a value is known: 1 keeps it exactly, 0 ignores it. Where
    nothing at all is known the answer is the plain mean. Source: Gortler et al., "The
    Lumigraph", 1996, section 3.4, with Gaussian instead of box windows.
    """
    picture = values.reshape(*weight.shape, -1)
    if not weight.any():
        return np.broadcast_to(values.mean(axis=(0, 1)), values.shape).astype(np.float32)
    filled = _filled_level(picture, weight)
    np.copyto(filled, picture, where=(weight >= 1)[..., None])
    return filled.reshape(values.shape)


def _filled_level(picture: np.ndarray, weight: Plane) -> np.ndarray:
    """One level of push-pull: from itself where known, from the coarser levels elsewhere."""
    coarser = _coarser(picture, weight)
    if coarser is None:
        total = weight.sum(dtype=np.float64)
        mean = (picture * weight[..., None]).sum(axis=(0, 1), dtype=np.float64) / total
        return _mix(np.broadcast_to(mean.astype(np.float32), picture.shape), picture, weight)
    coarse_picture, coarse_weight = coarser
    coarse_filled = _filled_level(coarse_picture, np.minimum(1, WEIGHT_GAIN * coarse_weight))
    return _mix(_finer(coarse_filled, picture), picture, weight)


def _coarser(picture: np.ndarray, weight: Plane) -> tuple[np.ndarray, np.ndarray] | None:
    """Weighted averages at half the size and what stands behind each, or None at the top."""
    if min(weight.shape) < 2 * SMALLEST_SIDE_PX:
        return None
    summed = cv2.pyrDown(_with_channels(picture * weight[..., None]))
    coarse_weight = cv2.pyrDown(weight)
    divisor = np.maximum(coarse_weight, np.float32(TINY_WEIGHT))
    averages = _with_channels(summed)
    averages /= divisor[..., None]
    return averages, coarse_weight


def _finer(coarse: np.ndarray, like: np.ndarray) -> np.ndarray:
    """The coarse picture at the size of `like`."""
    return _with_channels(cv2.pyrUp(coarse, dstsize=(like.shape[1], like.shape[0])))


def _mix(below: np.ndarray, above: np.ndarray, weight: Plane) -> np.ndarray:
    mixed = above - below
    mixed *= weight[..., None]
    mixed += below
    return mixed


def _with_channels(picture: np.ndarray) -> np.ndarray:
    """OpenCV drops a single channel's axis; this puts it back."""
    return picture if picture.ndim == 3 else picture[..., None]
