"""Draws a depth map as a mesh of one quad per pixel, triangle by triangle, with a z-buffer.

Written to be obviously right, not fast: it judges the engine's own rasteriser.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def draw_grid(
    screen: np.ndarray,
    uv: np.ndarray,
    disparity: np.ndarray,
    limits: tuple[float, float],
    target: np.ndarray,
) -> None:
    """Draw the quads of a grid of vertices into `target`, keeping what is nearest.

    `screen` is (rows, columns, 3): pixel x, pixel y and depth per vertex; `uv` is texture
    coordinates; `limits` is the near plane and the largest step of `disparity` within a
    triangle. `target` is (H, W, 3): 1/depth (0 where nothing is), u and v.
    """
    near, largest_step = limits
    rows, columns = disparity.shape
    corners = np.empty((3, 2), np.int64)
    for j in range(rows - 1):
        for i in range(columns - 1):
            for half in range(2):
                corners[0, 0], corners[0, 1] = j, i + 1
                corners[1, 0], corners[1, 1] = j + 1, i
                corners[2, 0], corners[2, 1] = (j, i) if half == 0 else (j + 1, i + 1)
                if _is_drawn(screen, disparity, corners, near, largest_step):
                    _draw_triangle(screen, uv, corners, target)


@njit(cache=True, nogil=True)
def _is_drawn(
    screen: np.ndarray,
    disparity: np.ndarray,
    corners: np.ndarray,
    near: float,
    largest_step: float,
) -> bool:
    low, high = np.inf, -np.inf
    for k in range(3):
        j, i = corners[k, 0], corners[k, 1]
        if screen[j, i, 2] < near:
            return False
        low = min(low, disparity[j, i])
        high = max(high, disparity[j, i])
    return high - low <= largest_step


@njit(cache=True, nogil=True)
def _draw_triangle(
    screen: np.ndarray, uv: np.ndarray, corners: np.ndarray, target: np.ndarray
) -> None:
    """Fill one triangle with 1/depth and perspective-correct texture coordinates."""
    a = screen[corners[0, 0], corners[0, 1]]
    b = screen[corners[1, 0], corners[1, 1]]
    c = screen[corners[2, 0], corners[2, 1]]
    area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    if area == 0:
        return
    height, width = target.shape[:2]
    x0 = max(0, math.ceil(min(a[0], min(b[0], c[0])) - 0.5))
    x1 = min(width - 1, math.floor(max(a[0], max(b[0], c[0])) - 0.5))
    y0 = max(0, math.ceil(min(a[1], min(b[1], c[1])) - 0.5))
    y1 = min(height - 1, math.floor(max(a[1], max(b[1], c[1])) - 0.5))
    for y in range(y0, y1 + 1):
        for x in range(x0, x1 + 1):
            px, py = x + 0.5, y + 0.5
            wa = ((b[0] - px) * (c[1] - py) - (b[1] - py) * (c[0] - px)) / area
            wb = ((c[0] - px) * (a[1] - py) - (c[1] - py) * (a[0] - px)) / area
            wc = 1.0 - wa - wb
            if wa < 0 or wb < 0 or wc < 0:
                continue
            inverse = wa / a[2] + wb / b[2] + wc / c[2]
            if inverse <= target[y, x, 0]:
                continue
            target[y, x, 0] = inverse
            for k in range(2):
                target[y, x, 1 + k] = (
                    wa / a[2] * uv[corners[0, 0], corners[0, 1], k]
                    + wb / b[2] * uv[corners[1, 0], corners[1, 1], k]
                    + wc / c[2] * uv[corners[2, 0], corners[2, 1], k]
                ) / inverse
