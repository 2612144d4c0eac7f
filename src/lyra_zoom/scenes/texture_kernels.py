"""Colour of a surface from its material and where it was hit; patterns fade below a pixel."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from lyra_zoom.scenes.layout import (
    AMOUNT,
    ASPECT,
    BOOKS,
    BRICKS,
    CHECKS,
    COBBLES,
    COLOUR_A,
    COLOUR_B,
    FACADE,
    GRAIN,
    LEAVES,
    PATCHES,
    PLANKS,
    PLASTER,
    ROAD,
    ROCK,
    SCALE,
    SOIL,
    STRIPES,
    TEXTURE,
    TEXTURE_SEED,
    TILES,
    WATER,
    Vector,
)
from lyra_zoom.scenes.noise_kernels import cells2, fbm2, fbm3, hash01, noise2


@njit(cache=True, nogil=True)
def joint(u: float, width: float) -> float:
    """1 within `width` of an integer, 0 elsewhere."""
    f = u - math.floor(u)
    return 1.0 if f < width or f > 1 - width else 0.0


@njit(cache=True, nogil=True)
def laid(u: float, v: float, stagger: float, seed: int) -> tuple[float, float]:
    """Bricks, planks and tiles: whether at a joint, and the tone of this piece."""
    row = math.floor(v)
    shifted = (
        u + stagger * (int(row) & 1) + (hash01(int(row), 5, 0, seed) if stagger > 0.6 else 0.0)
    )
    tone = hash01((math.floor(shifted)), int(row), 7, seed)
    return max(joint(shifted, 0.025), joint(v, 0.05)), tone


@njit(cache=True, nogil=True)
def facade(u: float, v: float, seed: int) -> tuple[float, float]:
    """A wall of windows: 0 wall, 1 frame, 2 glass; and the number of this window."""
    iu, iv = (math.floor(u)), (math.floor(v))
    fu, fv = abs(u - iu - 0.5), abs(v - iv - 0.5)
    wide = 0.18 + 0.2 * hash01(seed, 3, 1, 0)
    high = 0.24 + 0.16 * hash01(seed, 4, 1, 0)
    number = hash01(iu, iv, 9, seed)
    if fu > wide or fv > high:
        ledge = v - iv
        return (1.0 if ledge > 0.93 and hash01(seed, 5, 1, 0) > 0.5 else 0.0), number
    bar = 0.035
    if fu > wide - bar or fv > high - bar or fu < bar * 0.5 or abs(fv - high * 0.3) < bar * 0.4:
        return 1.0, number
    return 2.0, number


@njit(cache=True, nogil=True)
def built(row: np.ndarray, u: float, v: float, footprint: float) -> tuple[float, float]:
    """Blend and brightness of bricks, planks, tiles, stripes, checks and book spines."""
    kind, seed = int(row[TEXTURE]), int(row[TEXTURE_SEED])
    scale, amount = row[SCALE], row[AMOUNT]
    s, t, fp = u / (scale * row[ASPECT]), v / scale, footprint / scale
    shown = min(1.0, max(0.0, 1.6 - 1.5 * fp))
    if kind == STRIPES:
        return 0.5 + ((1.0 if s - math.floor(s) < 0.5 else 0.0) - 0.5) * shown, 1.0
    if kind == CHECKS:
        odd = (math.floor(s) + math.floor(t)) & 1
        return 0.5 + (odd - 0.5) * shown, 1 + amount * (fbm2(s * 2, t * 2, fp * 2, seed) - 0.5)
    if kind == BOOKS:
        column, line = math.floor(s), math.floor(t)
        tone = hash01(column, line, 3, seed)
        spine = t - line > 0.4 - 0.35 * hash01(column, line, 2, seed)
        return tone, (0.5 + tone if spine else 0.12) * (1 - 0.5 * joint(s, 0.08) * shown)
    stagger = 0.5 if kind == BRICKS else (0.7 if kind == PLANKS else 0.0)
    gap, tone = laid(s, t, stagger, seed)
    if kind == PLANKS:
        rough = fbm2(s * 2, t * 14, fp * 14, seed + int(tone * 977))
    else:
        rough = fbm2(s * 3, t * 6, fp * 6, seed + 40)
    dark = 1.0 - 0.55 * gap * shown
    return 0.5 + (tone - 0.5) * shown * 0.9, dark * (1 + amount * (rough - 0.5))


@njit(cache=True, nogil=True)
def celled(row: np.ndarray, u: float, v: float, footprint: float) -> tuple[float, float]:
    """Blend and brightness of cobbles and of coloured patches."""
    kind, seed = int(row[TEXTURE]), int(row[TEXTURE_SEED])
    scale, amount = row[SCALE], row[AMOUNT]
    s, t, fp = u / (scale * row[ASPECT]), v / scale, footprint / scale
    border, number = cells2(s, t, seed)
    if kind == PATCHES:
        return number, 1.0 + amount * (fbm2(s * 4, t * 4, fp * 4, seed) - 0.5)
    shown = min(1.0, max(0.0, 1.6 - 1.5 * fp))
    dark = 1 - (0.6 * shown if border < 0.12 else 0.0)
    rough = amount * (noise2(s * 5, t * 5, seed) - 0.5) * shown
    return 0.5 + (number - 0.5) * shown, dark * (1 + rough)


@njit(cache=True, nogil=True)
def grown(row: np.ndarray, at: Vector, footprint: float) -> tuple[float, float]:
    """Blend and brightness of leaves and rock, which vary in space, not along the surface."""
    seed, scale, amount = int(row[TEXTURE_SEED]), row[SCALE], row[AMOUNT]
    x, y, z, fp = at[0] / scale, at[1] / scale, at[2] / scale, footprint / scale
    fine = fbm3(x, y, z, fp, seed)
    if int(row[TEXTURE]) == LEAVES:
        return fine, 1 + amount * 2.4 * (fine - 0.5)
    strata = fbm3(x * 0.3, y * 2.5, z * 0.3, fp, seed + 9)
    return strata, 1 + amount * 2.0 * (fine - 0.5)


@njit(cache=True, nogil=True)
def spread(row: np.ndarray, u: float, v: float, footprint: float) -> tuple[float, float]:
    """Blend and brightness of soil, roads, plaster, wood grain and plain paint."""
    kind, seed = int(row[TEXTURE]), int(row[TEXTURE_SEED])
    scale, amount = row[SCALE], row[AMOUNT]
    s, t, fp = u / (scale * row[ASPECT]), v / scale, footprint / scale
    if kind == GRAIN:
        wave = math.sin(fbm2(s * 0.7, t * 5, fp * 5, seed) * 36)
        shown = min(1.0, max(0.0, 1.6 - 1.5 * fp))
        return fbm2(s, t * 12, fp * 12, seed + 3), 1 + amount * 0.5 * wave * shown
    if kind == SOIL:
        fine = fbm2(s * 4, t * 4, fp * 4, seed + 7)
        large = fbm2(s * 0.23, t * 0.23, fp * 0.23, seed)
        return large, 1 + amount * 2.0 * (fine - 0.5)
    if kind == ROAD:
        fine = fbm2(t * 9, s * 9, fp * 9, seed)
        line = abs(u) < 0.08 * scale and t * 0.12 - math.floor(t * 0.12) < 0.5
        return (1.0 if line else 0.0), 1 + amount * (fine - 0.5)
    if kind == PLASTER:
        streak, fine = fbm2(s * 5, t * 0.6, fp * 5, seed + 2), fbm2(s * 9, t * 9, fp * 9, seed)
        return fbm2(s, t, fp, seed), 1 + amount * (streak + fine - 1)
    grains = fbm2(s, t, fp, seed)
    return 0.5 + amount * (grains - 0.5), 1 + amount * 0.5 * (grains - 0.5)


@njit(cache=True, nogil=True)
def blend_of(
    row: np.ndarray, u: float, v: float, at: Vector, footprint: float
) -> tuple[float, float]:
    """How far to go from colour A to colour B (0 to 1), and a brightness around 1."""
    kind = int(row[TEXTURE])
    if kind in (BRICKS, PLANKS, TILES, STRIPES, CHECKS, BOOKS):
        return built(row, u, v, footprint)
    if kind in (COBBLES, PATCHES):
        return celled(row, u, v, footprint)
    if kind in (LEAVES, ROCK):
        return grown(row, at, footprint)
    return spread(row, u, v, footprint)


@njit(cache=True, nogil=True)
def albedo(
    row: np.ndarray, u: float, v: float, at: Vector, footprint: float
) -> tuple[float, ...]:
    """Linear colour (r, g, b) and glow, 0 where the surface does not shine by itself.

    `u`, `v` are metres on the surface, `at` is the point in the world, `footprint` the width
    in metres that one pixel covers there.
    """
    kind = int(row[TEXTURE])
    if kind == WATER:
        return row[COLOUR_A], row[COLOUR_A + 1], row[COLOUR_A + 2], 0.0
    if kind == FACADE:
        seed, scale = int(row[TEXTURE_SEED]), row[SCALE]
        part, number = facade(u / (scale * row[ASPECT]), v / scale, seed)
        wall = 1 + row[AMOUNT] * (fbm2(u * 0.9, v * 0.9, footprint, seed) - 0.5)
        wall *= 1 - 0.25 * joint(v / 0.28, 0.06) * max(0.0, 1 - footprint * 8)
        if part < 0.5:
            return row[COLOUR_A] * wall, row[COLOUR_A + 1] * wall, row[COLOUR_A + 2] * wall, 0.0
        if part < 1.5:
            return row[COLOUR_B] * 0.9, row[COLOUR_B + 1] * 0.9, row[COLOUR_B + 2] * 0.9, 0.0
        deep = 0.02 + 0.22 * number * number
        return deep * 0.9, deep, deep * 1.15, (1.0 if number > 0.6 else 0.0)
    blend, bright = blend_of(row, u, v, at, footprint)
    blend, bright = min(1.0, max(0.0, blend)), max(0.05, bright)
    if kind in (BOOKS, PATCHES):  # many colours, not only two
        turn = blend * 6.2832
        return (
            (row[COLOUR_A] * 0.5 + 0.3 + 0.3 * math.sin(turn)) * bright * row[COLOUR_B],
            (row[COLOUR_A + 1] * 0.5 + 0.3 + 0.3 * math.sin(turn * 1.7 + 2))
            * bright
            * row[COLOUR_B + 1],
            (row[COLOUR_A + 2] * 0.5 + 0.3 + 0.3 * math.sin(turn * 2.3 + 4))
            * bright
            * row[COLOUR_B + 2],
            0.0,
        )
    return (
        (row[COLOUR_A] * (1 - blend) + row[COLOUR_B] * blend) * bright,
        (row[COLOUR_A + 1] * (1 - blend) + row[COLOUR_B + 1] * blend) * bright,
        (row[COLOUR_A + 2] * (1 - blend) + row[COLOUR_B + 2] * blend) * bright,
        0.0,
    )
