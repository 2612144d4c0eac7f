"""Reads filtered colours from a texture pyramid; knows nothing of geometry.

A pyramid is one flat uint8 array: level after level, row after row, RGBA premultiplied, each
level with `PAD` texels repeated beyond its borders, so that a 4x4 neighbourhood of any point
inside the picture can be read without a test.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numba import njit

from lyra_zoom.engines.embedded.vector_kernels import CHANNELS, blend_texels

PAD = 2
OFFSET, STRIDE, WIDTH, HEIGHT = range(4)
"""Columns of `Pyramid.levels`: first texel in bytes, bytes per row, size without the
padding."""

Rgba: TypeAlias = tuple[np.float32, np.float32, np.float32, np.float32]
"""0 to 255, premultiplied; cubic filtering may overshoot."""


class Pyramid(NamedTuple):
    """A texture as the kernels take it."""

    texels: np.ndarray  # uint8 (n,)
    levels: np.ndarray  # int64 (L, 4)


@njit(cache=True, nogil=True)
def cubic_weights(t: np.float32) -> Rgba:
    """Weights of texels -1, 0, 1, 2 for a point `t` past texel 0. Catmull, Rom 1974."""
    half = np.float32(0.5)
    one = np.float32(1)
    square = t * t
    return (
        t * (t * (one - half * t) - half),
        one + square * (np.float32(1.5) * t - np.float32(2.5)),
        t * (half + t * (np.float32(2) - np.float32(1.5) * t)),
        square * (half * t - half),
    )


@njit(cache=True, nogil=True)
def _within(value: np.float32, limit: np.float32) -> np.float32:
    """`value` kept within 0 and `limit`; 0 for a value that is not a number."""
    return min(value, limit) if value > np.float32(0) else np.float32(0)


@njit(cache=True, nogil=True)
def sample_cubic(pyramid: Pyramid, level: int, u: np.float32, v: np.float32) -> Rgba:
    """Catmull-Rom over 4x4 texels at (u, v) of the level, kept within what a colour can be."""
    row = pyramid.levels[level]
    x = _within(u, np.float32(row[WIDTH])) + np.float32(PAD - 0.5)
    y = _within(v, np.float32(row[HEIGHT])) + np.float32(PAD - 0.5)
    i = np.int64(x)
    j = np.int64(y)
    first = row[OFFSET] + (j - 1) * row[STRIDE] + (i - 1) * CHANNELS
    across = cubic_weights(x - np.float32(i))
    down = cubic_weights(y - np.float32(j))
    r, g, b, a = blend_texels(pyramid.texels, first, row[STRIDE], across, down)
    a = min(max(a, np.float32(0)), np.float32(255))
    return _within(r, a), _within(g, a), _within(b, a), a


@njit(cache=True, nogil=True)
def sample_linear(pyramid: Pyramid, level: int, u: np.float32, v: np.float32) -> Rgba:
    """Bilinear over 2x2 texels at (u, v) of the level."""
    row = pyramid.levels[level]
    x = _within(u, np.float32(row[WIDTH])) + np.float32(PAD - 0.5)
    y = _within(v, np.float32(row[HEIGHT])) + np.float32(PAD - 0.5)
    i = np.int64(x)
    j = np.int64(y)
    s = x - np.float32(i)
    t = y - np.float32(j)
    across = (np.float32(1) - s, s)
    down = (np.float32(1) - t, t)
    return blend_texels(
        pyramid.texels, row[OFFSET] + j * row[STRIDE] + i * CHANNELS, row[STRIDE], across, down
    )


@njit(cache=True, nogil=True)
def _mix(below: Rgba, above: Rgba, share: np.float32) -> Rgba:
    """`below` with `share` of `above`."""
    rest = np.float32(1) - share
    return (
        below[0] * rest + above[0] * share,
        below[1] * rest + above[1] * share,
        below[2] * rest + above[2] * share,
        below[3] * rest + above[3] * share,
    )


@njit(cache=True, nogil=True)
def sample(pyramid: Pyramid, u: np.float32, v: np.float32, footprint: np.float32) -> Rgba:
    """The colour at (u, v) of level 0 for a screen pixel `sqrt(footprint)` texels wide.

    Up to one texel: Catmull-Rom. Beyond: between two levels, in proportion to the width, the
    finest by Catmull-Rom and all others bilinear; continuous throughout.
    """
    if not footprint > np.float32(1):
        return sample_cubic(pyramid, 0, u, v)
    level = 0
    last = pyramid.levels.shape[0] - 1
    scale = np.float32(1)
    while footprint > np.float32(4) and level < last:
        footprint *= np.float32(0.25)
        scale *= np.float32(0.5)
        level += 1
    if level == 0:
        fine = sample_cubic(pyramid, 0, u, v)
    else:
        fine = sample_linear(pyramid, level, u * scale, v * scale)
    if level == last:
        return fine
    scale *= np.float32(0.5)
    coarse = sample_linear(pyramid, level + 1, u * scale, v * scale)
    share = np.sqrt(footprint) - np.float32(1)
    return _mix(fine, coarse, share)
