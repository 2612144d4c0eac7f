"""Reads filtered colours from a texture pyramid; knows nothing of geometry.

A pyramid is one flat uint8 array: level after level, row after row, RGBA premultiplied, each
level with `PAD` texels repeated beyond its borders, so that a 4x4 neighbourhood of any point
inside the picture can be read without a test.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numba import njit

from lyra_zoom.engines.embedded.vector_kernels import CHANNELS, blend

PAD = 2
STEP_BITS = 8
STEPS = 1 << STEP_BITS
"""Places between two texels at which colours are looked up: to 1/256 of a texel."""

FIRST_STEP = (PAD - 0.5) * STEPS + 0.5
"""Of the picture's border, from the centre of the padding's first texel, and half to round."""

Rgba: TypeAlias = tuple[np.float32, np.float32, np.float32, np.float32]
"""0 to 255, premultiplied; cubic filtering may overshoot."""

blend_4x4 = blend(4)
blend_2x2 = blend(2)


def cubic_weights(t: np.ndarray) -> np.ndarray:
    """Weights of texels -1, 0, 1, 2 for points `t` past texel 0. Catmull, Rom 1974."""
    square = t * t
    return np.stack(
        [
            t * (t * (1 - t / 2) - 1 / 2),
            1 + square * (1.5 * t - 2.5),
            t * (1 / 2 + t * (2 - 1.5 * t)),
            square * (t / 2 - 1 / 2),
        ],
        axis=-1,
    )


def _table(weights: np.ndarray) -> np.ndarray:
    """Weights per step as the kernels load them: each as often as a texel has channels."""
    return np.repeat(weights, CHANNELS, axis=-1).astype(np.float32).ravel()


_T = np.arange(STEPS) / STEPS
CUBIC = _table(cubic_weights(_T))
LINEAR = _table(np.stack([1 - _T, _T], axis=-1))


class Pyramid(NamedTuple):
    """A texture as the kernels take it."""

    texels: np.ndarray  # uint8 (n,)
    places: np.ndarray  # int64 (L, 2): first byte of each level, bytes per row
    limits: np.ndarray  # float32 (L, 2): width and height without the padding


@njit(cache=True, nogil=True, forceinline=True)
def _within(value: np.float32, limit: np.float32) -> np.float32:
    """`value` kept within 0 and `limit`; 0 for a value that is not a number."""
    return min(value, limit) if value > np.float32(0) else np.float32(0)


@njit(cache=True, nogil=True, forceinline=True)
def _steps(value: np.float32, limit: np.float32) -> np.int64:
    """A texture coordinate in steps from the centre of the padding's first texel."""
    return np.int64(_within(value, limit) * np.float32(STEPS) + np.float32(FIRST_STEP))


@njit(cache=True, nogil=True, forceinline=True)
def sample_cubic(pyramid: Pyramid, level: int, u: np.float32, v: np.float32) -> Rgba:
    """Catmull-Rom over 4x4 texels at (u, v) of the level; may overshoot."""
    x = _steps(u, pyramid.limits[level, 0])
    y = _steps(v, pyramid.limits[level, 1])
    stride = pyramid.places[level, 1]
    first = (
        pyramid.places[level, 0]
        + ((y >> STEP_BITS) - 1) * stride
        + ((x >> STEP_BITS) - 1) * CHANNELS
    )
    across = (x & (STEPS - 1)) * (4 * CHANNELS)
    down = (y & (STEPS - 1)) * (4 * CHANNELS)
    return blend_4x4(pyramid.texels, first, stride, CUBIC, across, down)


@njit(cache=True, nogil=True, forceinline=True)
def sample_linear(pyramid: Pyramid, level: int, u: np.float32, v: np.float32) -> Rgba:
    """Bilinear over 2x2 texels at (u, v) of the level."""
    x = _steps(u, pyramid.limits[level, 0])
    y = _steps(v, pyramid.limits[level, 1])
    stride = pyramid.places[level, 1]
    first = pyramid.places[level, 0] + (y >> STEP_BITS) * stride + (x >> STEP_BITS) * CHANNELS
    across = (x & (STEPS - 1)) * (2 * CHANNELS)
    down = (y & (STEPS - 1)) * (2 * CHANNELS)
    return blend_2x2(pyramid.texels, first, stride, LINEAR, across, down)


@njit(cache=True, nogil=True, forceinline=True)
def _mix(below: Rgba, above: Rgba, share: np.float32) -> Rgba:
    """`below` with `share` of `above`."""
    rest = np.float32(1) - share
    return (
        below[0] * rest + above[0] * share,
        below[1] * rest + above[1] * share,
        below[2] * rest + above[2] * share,
        below[3] * rest + above[3] * share,
    )


@njit(cache=True, nogil=True, forceinline=True)
def sample(pyramid: Pyramid, u: np.float32, v: np.float32, footprint: np.float32) -> Rgba:
    """The colour at (u, v) of level 0 for a screen pixel `sqrt(footprint)` texels wide.

    Up to one texel: Catmull-Rom. Beyond: between two levels, in proportion to the width, the
    finest by Catmull-Rom and all others bilinear; continuous throughout.
    """
    if not footprint > np.float32(1):
        return sample_cubic(pyramid, 0, u, v)
    level = 0
    last = pyramid.limits.shape[0] - 1
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
