"""One disparity of two readings of a photograph: shape of the small, outlines of the large.

A depth network judges a room best when it sees it small, and an outline when it sees it
large. It also says less of every jump than there is. Source: Miangoleh et al. 2021, who merge
readings at two sizes by a network; here a blur tells shape from detail.
"""

from __future__ import annotations

import cv2
import numpy as np

from lyra_zoom.geometry.image import Plane

BANDS = ((0.02, 2.0), (0.08, 1.5))
"""Detail, finest first: blurs that bound each band (standard deviations, shares of the long
side), and how much more of it there is than the network says.

Measured on photographs with `training.evaluate`: twice the detail finds three times the jumps.
"""


def with_detail(small: Plane, large: Plane, seen: Plane) -> Plane:
    """The shape of `small` with the detail of `large`.

    Shapes: all (H, W); `seen` weighs the pixels, 0 where there is sky. Both readings are of
    disparity, known up to scale and shift; the answer has the scale of `small`, at least 0.
    """
    rest = matched(large, small, seen)
    detail = np.zeros_like(rest)
    for share, gain in BANDS:
        coarser = _blurred(rest, share * max(rest.shape))
        detail += np.float32(gain) * (rest - coarser)
        rest = coarser
    shape = small
    for share, _ in BANDS:
        shape = _blurred(shape, share * max(shape.shape))
    return np.maximum(shape + detail, 0)


def matched(reading: Plane, like: Plane, weight: Plane) -> Plane:
    """A reading with the mean and the mean absolute deviation of another."""
    total = max(float(weight.sum()), 1.0)

    def mean(plane: Plane) -> float:
        return float((plane * weight).sum()) / total

    off, wanted = reading - np.float32(mean(reading)), like - np.float32(mean(like))
    scale = mean(np.abs(wanted)) / max(mean(np.abs(off)), 1e-6)
    return np.float32(mean(like)) + np.float32(scale) * off


def _blurred(plane: Plane, sigma: float) -> Plane:
    return cv2.GaussianBlur(plane, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
