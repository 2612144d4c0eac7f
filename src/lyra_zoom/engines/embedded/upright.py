"""Walls set upright: what stands on the ground neither leans back nor bends.

For a level camera every vertical surface has the same disparity from foot to top. Networks let
the tops of walls recede; from the side that looks as if they fell. So slopes along columns that
are neither ground nor a step are taken out of the map, and the map is put together again from
the gradients that are left (a screened Poisson equation, solved by cosine transform: Bhat,
Curless, Cohen and Zitnick, 2008).
"""

from __future__ import annotations

import cv2
import numpy as np

from lyra_zoom.engines.embedded.ground import Ground
from lyra_zoom.geometry.image import Mask, Plane

LEAN_BELOW, SLOPE_ABOVE = 0.5, 1.1  # of the ground's slope: less is leaning, more is real
USUAL_SLOPE = 1.5  # of the ground: disparity over the height of a picture, where there is none
STRENGTH = 0.85  # share of a lean that is taken out
SCREEN = 1e-4  # pull of the map as it was, per squared pixel of the network's grid
ON_GROUND = 0.06  # disparity off the plane up to which a pixel is ground


def set_upright(disparity: Plane, ground: Ground | None, solid: Mask) -> Plane:
    """The map, `(H, W)` 0 to 1 at network resolution, with leaning surfaces set upright."""
    height, width = (disparity.shape[0] // 2 * 2, disparity.shape[1] // 2 * 2)
    disparity_even = disparity[:height, :width]
    down = np.diff(disparity_even, axis=0)
    slope = np.abs(down) * height
    usual = USUAL_SLOPE if ground is None else float(ground.coefficients[1])
    t = np.clip((slope / usual - LEAN_BELOW) / (SLOPE_ABOVE - LEAN_BELOW), 0, 1)
    kept = 1 - STRENGTH * (1 - t * t * (3 - 2 * t))
    standing = _standing(disparity_even, ground) & solid[:height, :width]
    down = np.where(standing[1:] & standing[:-1], down * kept, down)
    across = np.diff(disparity_even, axis=1)
    straight = _integrate(across, down, disparity_even)
    result = disparity.copy()
    result[:height, :width] = np.where(solid[:height, :width], straight, disparity_even)
    return np.clip(result, 0, 1).astype(np.float32)


def _standing(disparity: Plane, ground: Ground | None) -> Mask:
    if ground is None:
        return np.ones(disparity.shape, bool)
    height, width = disparity.shape
    x = (np.arange(width) + 0.5)[None] / width
    y = (np.arange(height) + 0.5)[:, None] / height
    return np.abs(disparity - ground.disparity(x, y)) > ON_GROUND


def _integrate(across: np.ndarray, down: np.ndarray, values: Plane) -> Plane:
    """The map whose gradients come closest to the given ones and that stays near `values`.

    `across` is `(H, W - 1)`, `down` is `(H - 1, W)`.
    """
    height, width = values.shape
    divergence = np.zeros(values.shape, np.float64)
    divergence[:, :-1] += across
    divergence[:, 1:] -= across
    divergence[:-1] += down
    divergence[1:] -= down
    wave_x = 2 - 2 * np.cos(np.pi * np.arange(width) / width)
    wave_y = 2 - 2 * np.cos(np.pi * np.arange(height) / height)[:, None]
    spectrum = cv2.dct(SCREEN * values - divergence) / (wave_x + wave_y + SCREEN)
    return cv2.idct(spectrum).astype(np.float32)
