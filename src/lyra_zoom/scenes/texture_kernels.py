"""Colour of a surface from its material and where it was hit; patterns fade below a pixel."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from lyra_zoom.scenes.layout import (
    AMOUNT, ASPECT, BOOKS, BRICKS, CHECKS, COBBLES, COLOUR_A, COLOUR_B, FACADE, GRAIN, LEAVES,
    PATCHES, PLANKS, PLASTER, ROAD, ROCK, SCALE, SOIL, STRIPES, TEXTURE, TEXTURE_SEED, TILES, WATER,
)  # fmt: skip
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
    shifted = u + stagger * (int(row) & 1) + (hash01(int(row), 5, 0, seed) if stagger > 0.6 else 0.0)
    tone = hash01(int(math.floor(shifted)), int(row), 7, seed)
    return max(joint(shifted, 0.025), joint(v, 0.05)), tone


@njit(cache=True, nogil=True)
def facade(u: float, v: float, seed: int) -> tuple[float, float]:
    """A wall of windows: 0 wall, 1 frame, 2 glass; and the number of this window."""
    iu, iv = int(math.floor(u)), int(math.floor(v))
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
def blend_of(row: np.ndarray, u: float, v: float, at: tuple, footprint: float) -> tuple:
    """How far to go from colour A to colour B (0 to 1), and a brightness around 1."""
    kind, seed = int(row[TEXTURE]), int(row[TEXTURE_SEED])
    scale, aspect, amount = row[SCALE], row[ASPECT], row[AMOUNT]
    s, t, fp = u / (scale * aspect), v / scale, footprint / scale
    shown = min(1.0, max(0.0, 1.6 - 1.5 * fp))
    if kind == BRICKS or kind == PLANKS or kind == TILES:
        gap, tone = laid(s, t, 0.5 if kind == BRICKS else (0.7 if kind == PLANKS else 0.0), seed)
        rough = fbm2(s * 3, t * 6, fp * 6, seed + 40)
        if kind == PLANKS:
            rough = fbm2(s * 2, t * 14, fp * 14, seed + int(tone * 977))
        dark = 1.0 - 0.55 * gap * shown
        return 0.5 + (tone - 0.5) * shown * 0.9, dark * (1 + amount * (rough - 0.5))
    if kind == STRIPES:
        f = s - math.floor(s)
        return 0.5 + ((1.0 if f < 0.5 else 0.0) - 0.5) * shown, 1.0
    if kind == CHECKS:
        odd = (int(math.floor(s)) + int(math.floor(t))) & 1
        return 0.5 + (odd - 0.5) * shown, 1 + amount * (fbm2(s * 2, t * 2, fp * 2, seed) - 0.5)
    if kind == PATCHES:
        edge, number = cells2(s, t, seed)
        return number, 1.0 + amount * (fbm2(s * 4, t * 4, fp * 4, seed) - 0.5)
    if kind == COBBLES:
        edge, number = cells2(s, t, seed)
        gap = 1.0 if edge < 0.12 else 0.0
        return 0.5 + (number - 0.5) * shown, (1 - 0.6 * gap * shown) * (
            1 + amount * (noise2(s * 5, t * 5, seed) - 0.5) * shown
        )
    if kind == GRAIN:
        wave = fbm2(s * 0.7, t * 5, fp * 5, seed) * 6
        return fbm2(s, t * 12, fp * 12, seed + 3), 1 + amount * 0.5 * math.sin(wave * 6) * shown
    if kind == BOOKS:
        column = int(math.floor(s))
        height = 0.6 + 0.35 * hash01(column, int(math.floor(t)), 2, seed)
        inside = (t - math.floor(t)) > 1 - height
        tone = hash01(column, int(math.floor(t)), 3, seed)
        return tone, (0.5 + tone if inside else 0.12) * (1 - 0.5 * joint(s, 0.08) * shown)
    if kind == LEAVES:
        fine = fbm3(at[0] / scale, at[1] / scale, at[2] / scale, fp, seed)
        return fine, 1 + amount * 2.4 * (fine - 0.5)
    if kind == ROCK:
        warp = fbm3(at[0] / scale, at[1] / scale, at[2] / scale, fp, seed)
        layer = fbm3(at[0] * 0.3 / scale, at[1] * 2.5 / scale, at[2] * 0.3 / scale, fp, seed + 9)
        return layer, 1 + amount * 2.0 * (warp - 0.5)
    if kind == SOIL:
        large, fine = fbm2(s * 0.23, t * 0.23, fp * 0.23, seed), fbm2(s * 4, t * 4, fp * 4, seed + 7)
        return large, 1 + amount * 2.0 * (fine - 0.5)
    if kind == ROAD:
        fine = fbm2(t * 9, s * 9, fp * 9, seed)
        line = abs(u) < 0.08 * scale and (t * 0.12 - math.floor(t * 0.12)) < 0.5
        return (1.0 if line else 0.0), 1 + amount * (fine - 0.5)
    if kind == PLASTER:
        stain, streak = fbm2(s, t, fp, seed), fbm2(s * 5, t * 0.6, fp * 5, seed + 2)
        return stain, 1 + amount * (streak - 0.5) + amount * (fbm2(s * 9, t * 9, fp * 9, seed) - 0.5)
    grains = fbm2(s, t, fp, seed)
    return 0.5 + amount * (grains - 0.5), 1 + amount * 0.5 * (grains - 0.5)


@njit(cache=True, nogil=True)
def albedo(row: np.ndarray, u: float, v: float, at: tuple, footprint: float) -> tuple:
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
    if kind == BOOKS or kind == PATCHES:  # many colours, not only two
        turn = blend * 6.2832
        return (
            (row[COLOUR_A] * 0.5 + 0.3 + 0.3 * math.sin(turn)) * bright * row[COLOUR_B],
            (row[COLOUR_A + 1] * 0.5 + 0.3 + 0.3 * math.sin(turn * 1.7 + 2)) * bright * row[COLOUR_B + 1],
            (row[COLOUR_A + 2] * 0.5 + 0.3 + 0.3 * math.sin(turn * 2.3 + 4)) * bright * row[COLOUR_B + 2],
            0.0,
        )
    return (
        (row[COLOUR_A] * (1 - blend) + row[COLOUR_B] * blend) * bright,
        (row[COLOUR_A + 1] * (1 - blend) + row[COLOUR_B + 1] * blend) * bright,
        (row[COLOUR_A + 2] * (1 - blend) + row[COLOUR_B + 2] * blend) * bright,
        0.0,
    )
