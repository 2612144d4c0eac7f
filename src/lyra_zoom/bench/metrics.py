"""How alike two pictures are, how much texture one has, how restless a film is.

Pictures are sRGB, 0 to 255. A mask says which pixels count; a figure over fewer than
`FEWEST_PIXELS` of them is NaN, since it would be chance.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from lyra_zoom.geometry.camera import Pixels, pixel_centres
from lyra_zoom.geometry.image import Mask, Plane, RgbImage, Size

FEWEST_PIXELS = 64

WINDOW_SIGMA = 1.5
WINDOW_PX = 11
"""Gaussian window of SSIM. Source: Wang et al. 2004, section III.B."""

STABILISERS = ((0.01 * 255) ** 2, (0.03 * 255) ** 2)
"""C1 and C2 of SSIM. Source: the same paper, equations 7 and 9."""


PATCH_PX = 7
OCTAVES = 3
PATCHES, DIRECTIONS = 4096, 128
"""At most so many patches of an octave, seen along so many directions: means to 1 %."""

PATCH_SEED = 7
LEAST_SPREAD = 2.0
"""Grey levels: what varies less counts as smooth, so that no noise of a clear sky is judged."""


def psnr(picture: RgbImage, truth: RgbImage, mask: Mask | None = None) -> float:
    """Peak signal to noise ratio in dB; infinite for equal pictures."""
    squares = (picture.astype(np.float64) - truth) ** 2
    chosen = squares.reshape(-1) if mask is None else squares[mask].reshape(-1)
    if chosen.size < 3 * FEWEST_PIXELS:
        return math.nan
    mean = float(chosen.mean())
    return math.inf if mean == 0 else 10 * math.log10(255**2 / mean)


def ssim(picture: RgbImage, truth: RgbImage, mask: Mask | None = None) -> float:
    """Structural similarity of luma, 1 for equal pictures."""
    similarity = ssim_map(picture, truth)
    chosen = similarity.reshape(-1) if mask is None else similarity[mask]
    return math.nan if chosen.size < FEWEST_PIXELS else float(chosen.mean())


def ssim_map(picture: RgbImage, truth: RgbImage) -> Plane:
    """Structural similarity round each pixel. Source: Wang et al. 2004, equation 13."""
    a, b = _luma(picture), _luma(truth)
    mean_a, mean_b = _windowed(a), _windowed(b)
    variance_a = _windowed(a * a) - mean_a**2
    variance_b = _windowed(b * b) - mean_b**2
    covariance = _windowed(a * b) - mean_a * mean_b
    c1, c2 = STABILISERS
    alike = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    all_ = (mean_a**2 + mean_b**2 + c1) * (variance_a + variance_b + c2)
    return (alike / all_).astype(np.float32)


def texture_ratio(picture: RgbImage, truth: RgbImage, mask: Mask) -> float:
    """Energy of fine detail (squared Laplacian of luma) divided by the truth's; 1 is right."""
    if int(mask.sum()) < FEWEST_PIXELS:
        return math.nan
    own, real = (
        float((cv2.Laplacian(_luma(image), cv2.CV_64F)[mask] ** 2).mean())
        for image in (picture, truth)
    )
    return own / real if real > 0 else math.nan


def patch_distance(picture: RgbImage, truth: RgbImage, mask: Mask) -> float:
    """Sliced Wasserstein distance between the patches of two pictures; 0 for equal ones.

    In units of the truth's own spread, mean over octaves: where the truth has texture, an even
    colour has 0.6 to 0.8. Patches are compared as a crowd, wherever they lie, so texture of the
    right kind in the wrong place is near, and a blur is far. Source: Karras et al. 2018,
    section 5; unlike there, both are scaled by the truth's spread, or a blur would be undone.
    """
    rng = np.random.default_rng(PATCH_SEED)
    own, real = (_octaves(image.astype(np.float32)) for image in (picture, truth))
    distances = [
        _octave_distance(a, b, _shrunk(mask, Size.of(a)), rng)
        for a, b in zip(own, real, strict=True)
    ]
    known = [distance for distance in distances if not math.isnan(distance)]
    return float(np.mean(known)) if known else math.nan


def restlessness(picture: RgbImage, neighbour: RgbImage, flow: Pixels, mask: Mask) -> float:
    """Mean grey difference of a frame and its neighbour, looked up along the flow."""
    if int(mask.sum()) < FEWEST_PIXELS:
        return math.nan
    x, y = (flow[..., k].astype(np.float32) - np.float32(0.5) for k in (0, 1))
    moved = cv2.remap(neighbour, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return float(np.abs(_luma(moved) - _luma(picture))[mask].mean())


def own_flow(picture: RgbImage, neighbour: RgbImage) -> Pixels:
    """Where each pixel went, as far as two pictures tell. Source: Kroeger et al. 2016 (DIS).

    Patches of 8x8 pixels move as one and their field is smoothed: what changes without moving
    stays a difference.
    """
    grey = [cv2.cvtColor(one, cv2.COLOR_RGB2GRAY) for one in (picture, neighbour)]
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    nowhere = np.zeros((*grey[0].shape, 2), np.float32)
    return pixel_centres(Size.of(picture)) + dis.calc(grey[0], grey[1], nowhere)


def inner(mask: Mask, margin_px: int) -> Mask:
    """The marked pixels that are farther than a margin from every unmarked one."""
    side = 2 * margin_px + 1
    return cv2.erode(mask.astype(np.uint8), np.ones((side, side), np.uint8)) > 0


def _luma(picture: RgbImage) -> np.ndarray:
    """Weighted grey, float64, 0 to 255. Weights: ITU-R BT.601."""
    return picture.astype(np.float64) @ np.array([0.299, 0.587, 0.114])


def _windowed(values: np.ndarray) -> np.ndarray:
    size = (WINDOW_PX, WINDOW_PX)
    return cv2.GaussianBlur(values, size, WINDOW_SIGMA, borderType=cv2.BORDER_REFLECT)


def _octaves(picture: np.ndarray) -> list[np.ndarray]:
    """The picture's detail of one octave after the other, and what is left at last."""
    bands = []
    for _ in range(OCTAVES - 1):
        height, width = picture.shape[:2]
        smaller = cv2.pyrDown(picture)
        bands.append(picture - cv2.pyrUp(smaller, dstsize=(width, height)))
        picture = smaller
    return [*bands, picture]


def _shrunk(mask: Mask, size: Size) -> Mask:
    share = cv2.resize(
        mask.astype(np.float32), (size.width, size.height), interpolation=cv2.INTER_AREA
    )
    return share > 0.5


def _octave_distance(
    own: np.ndarray, real: np.ndarray, mask: Mask, rng: np.random.Generator
) -> float:
    """Mean difference of sorted projections of the patches round the pixels of a mask."""
    places = np.flatnonzero(mask)
    if places.size < FEWEST_PIXELS:
        return math.nan
    if places.size > PATCHES:
        places = rng.choice(places, PATCHES, replace=False)
    rows, columns = np.unravel_index(places, mask.shape)
    directions = rng.normal(size=(3 * PATCH_PX**2, DIRECTIONS)).astype(np.float32)
    directions /= np.linalg.norm(directions, axis=0)
    spread = np.maximum(real[mask].std(axis=0), LEAST_SPREAD)
    a, b = (
        np.sort(_patches(image / spread, rows, columns) @ directions, axis=0)
        for image in (own, real)
    )
    return float(np.abs(a - b).mean())


def _patches(picture: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """The squares round the given pixels, one a row; a picture goes on as its mirror."""
    half = PATCH_PX // 2
    padded = cv2.copyMakeBorder(picture, half, half, half, half, cv2.BORDER_REFLECT)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (PATCH_PX, PATCH_PX), (0, 1))
    return windows[rows, columns].reshape(len(rows), -1)
