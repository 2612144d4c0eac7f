"""How alike two pictures are, how much texture one has, how restless a film is.

Pictures are sRGB, 0 to 255. A mask says which pixels count; a figure over fewer than
`FEWEST_PIXELS` of them is NaN, since it would be chance.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from lyra_zoom.geometry.image import Mask, Plane, RgbImage

FEWEST_PIXELS = 64

WINDOW_SIGMA = 1.5
WINDOW_PX = 11
"""Gaussian window of SSIM. Source: Wang et al. 2004, section III.B."""

STABILISERS = ((0.01 * 255) ** 2, (0.03 * 255) ** 2)
"""C1 and C2 of SSIM. Source: the same paper, equations 7 and 9."""


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


def restlessness(moved: RgbImage, picture: RgbImage, mask: Mask) -> float:
    """Mean grey difference of a frame and its neighbour, already moved onto it by true flow."""
    if int(mask.sum()) < FEWEST_PIXELS:
        return math.nan
    return float(np.abs(_luma(moved) - _luma(picture))[mask].mean())


def _luma(picture: RgbImage) -> np.ndarray:
    """Weighted grey, float64, 0 to 255. Weights: ITU-R BT.601."""
    return picture.astype(np.float64) @ np.array([0.299, 0.587, 0.114])


def _windowed(values: np.ndarray) -> np.ndarray:
    size = (WINDOW_PX, WINDOW_PX)
    return cv2.GaussianBlur(values, size, WINDOW_SIGMA, borderType=cv2.BORDER_REFLECT)
