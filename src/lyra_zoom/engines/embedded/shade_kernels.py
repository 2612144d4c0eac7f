"""Colours the drawn layers, front to back; knows nothing of meshes.

The canvas is premultiplied RGBA, uint8. A layer is put *under* what is there already and only
where that is not opaque, so what the front hides costs nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from lyra_zoom.engines.embedded.raster_kernels import Target
from lyra_zoom.engines.embedded.texel_kernels import Pyramid, sample

OPAQUE = 252
"""Of 255: from here on nothing is put under a pixel, and its colour is scaled up to 255."""

HOLE_BELOW = 32
"""Of 255: a pixel with less alpha than this has no colour of its own."""


class Look(NamedTuple):
    """How colours are read: see `shade.Shading`, which says what the numbers mean."""

    footprint_gain: np.float32
    fade_start: np.float32
    fade_per_depth: np.float32


@njit(cache=True, nogil=True)
def shade_under(canvas: np.ndarray, target: Target, pyramid: Pyramid, look: Look) -> None:
    """Put a drawn layer under the canvas, in place."""
    height, width = target.inverse_depth.shape
    for y in range(height):
        for x in range(width):
            over = canvas[y, x, 3]
            if over >= OPAQUE or not target.inverse_depth[y, x] > np.float32(0):
                continue
            _shade_pixel(
                canvas[y, x], target.planes[target.surface[y, x]], (x, y), pyramid, look
            )


@njit(cache=True, nogil=True)
def _shade_pixel(
    pixel: np.ndarray, plane: np.ndarray, at: tuple[int, int], pyramid: Pyramid, look: Look
) -> None:
    dx = np.float32(at[0]) + np.float32(0.5) - plane[0]
    dy = np.float32(at[1]) + np.float32(0.5) - plane[1]
    depth = np.float32(1) / (plane[2] + plane[3] * dx + plane[4] * dy)
    u = (plane[5] + plane[6] * dx + plane[7] * dy) * depth
    v = (plane[8] + plane[9] * dx + plane[10] * dy) * depth
    u_along_x = plane[6] - u * plane[3]  # times depth, as the next three
    v_along_x = plane[9] - v * plane[3]
    u_along_y = plane[7] - u * plane[4]
    v_along_y = plane[10] - v * plane[4]
    widest = max(
        u_along_x * u_along_x + v_along_x * v_along_x,
        u_along_y * u_along_y + v_along_y * v_along_y,
    )
    colour = sample(pyramid, u, v, widest * depth * depth * look.footprint_gain)
    share = (depth - look.fade_start) * look.fade_per_depth
    share = min(max(share, np.float32(0)), np.float32(1))
    over = pixel[3]
    if over > 0:
        share *= (np.float32(255) - np.float32(over)) * np.float32(1 / 255)
    for c in range(4):
        total = np.float32(pixel[c]) + colour[c] * share + np.float32(0.5)
        pixel[c] = np.uint8(min(total, np.float32(255)))


@njit(cache=True, nogil=True)
def flatten(canvas: np.ndarray, frame: np.ndarray, holes: np.ndarray) -> int:
    """Write the canvas as RGB to `frame`; mark pixels without colour in `holes` and count them."""
    count = 0
    for y in range(canvas.shape[0]):
        for x in range(canvas.shape[1]):
            alpha = canvas[y, x, 3]
            hole = alpha < HOLE_BELOW
            holes[y, x] = hole
            count += int(hole)
            if alpha == 255 or hole:
                for c in range(3):
                    frame[y, x, c] = canvas[y, x, c]
            else:
                gain = np.float32(255) / np.float32(alpha)
                for c in range(3):
                    full = np.float32(canvas[y, x, c]) * gain + np.float32(0.5)
                    frame[y, x, c] = np.uint8(min(full, np.float32(255)))
    return count
