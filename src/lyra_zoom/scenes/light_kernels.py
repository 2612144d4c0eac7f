"""What a ray meets first, what light reaches a point, what the air and the sky look like."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from lyra_zoom.scenes.hit_kernels import (
    FAR,
    hit,
    hit_terrain,
    out_of_reach,
    passes_by,
)
from lyra_zoom.scenes.layout import (
    AMBIENT_DOWN,
    AMBIENT_UP,
    CLOUD_SIZE,
    CLOUDS,
    FOG,
    FOG_COLOUR,
    HORIZON,
    LAMP_AT,
    LAMP_COLOUR,
    LIGHT_SEED,
    STARS,
    SUN_COLOUR,
    SUN_TO,
    ZENITH,
    Vector,
    World,
)
from lyra_zoom.scenes.noise_kernels import fbm2, hash01, noise2

TERRAIN_INDEX = -2
NOTHING = -1


@njit(cache=True, nogil=True)
def nearest(
    world: World, few: np.ndarray, count: int, o: Vector, d: Vector
) -> tuple[float, int]:
    """The first hit among the listed primitives and the terrain, and which it was."""
    best, which = FAR, NOTHING
    d2 = d[0] * d[0] + d[1] * d[1] + d[2] * d[2]
    for k in range(count):
        row = world.rows[few[k]]
        if passes_by(row, o, d, d2):
            continue
        t = hit(row, o, d, 1e-4)
        if t < best:
            best, which = t, few[k]
    if world.heights.shape[0] > 1:
        t = hit_terrain(world.heights, world.place, o, d, 1e-3, best)
        if t < best:
            best, which = t, TERRAIN_INDEX
    return best, which


@njit(cache=True, nogil=True)
def blocked(world: World, o: Vector, d: Vector, reach: float) -> bool:
    """Whether anything lies between the point and `reach` along the direction."""
    d2 = d[0] * d[0] + d[1] * d[1] + d[2] * d[2]
    length = min(1e9, reach) * math.sqrt(d2)
    for k in range(world.rows.shape[0]):
        if out_of_reach(world.rows[k], o, length) or passes_by(world.rows[k], o, d, d2):
            continue
        if hit(world.rows[k], o, d, 2e-3) < reach:
            return True
    if world.heights.shape[0] == 1:
        return False
    return hit_terrain(world.heights, world.place, o, d, world.place[2], reach) < reach


@njit(cache=True, nogil=True)
def sky(light: np.ndarray, d: Vector) -> Vector:
    """Colour of the sky in a unit direction."""
    up = max(0.0, -d[1])
    k = up**0.55
    glow = max(0.0, d[0] * light[SUN_TO] + d[1] * light[SUN_TO + 1] + d[2] * light[SUN_TO + 2])
    halo = 0.25 * glow**12 + 4.0 * glow**600
    cover, seed = light[CLOUDS], int(light[LIGHT_SEED])
    white = 0.0
    if cover > 0 and up > 0.01:
        size = light[CLOUD_SIZE]
        thick = fbm2(d[0] / (up + 0.12) / size, d[2] / (up + 0.12) / size, 0.0, seed)
        white = min(1.0, max(0.0, (thick - 1 + cover) * 3.5)) * min(1.0, up * 9)
    star = 0.0
    if light[STARS] > 0:
        spot = hash01(int(d[0] * 260), int(d[1] * 260), int(d[2] * 260), seed)
        star = 0.8 if spot > 0.997 else 0.0
    bright = light[HORIZON] * 0.3 + light[HORIZON + 1] * 0.4 + light[HORIZON + 2] * 0.3
    shade = noise2(d[0] * 3, d[2] * 3, seed + 4) * 0.3 + 0.75
    r = light[HORIZON] * (1 - k) + light[ZENITH] * k
    g = light[HORIZON + 1] * (1 - k) + light[ZENITH + 1] * k
    b = light[HORIZON + 2] * (1 - k) + light[ZENITH + 2] * k
    cloud = bright * 1.15 * shade
    r = r * (1 - white) + cloud * white + halo * light[SUN_COLOUR] * (1 - white) + star
    g = g * (1 - white) + cloud * white + halo * light[SUN_COLOUR + 1] * (1 - white) + star
    b = b * (1 - white) + cloud * white + halo * light[SUN_COLOUR + 2] * (1 - white) + star
    return r, g, b


@njit(cache=True, nogil=True)
def openness(world: World, p: Vector, n: Vector) -> float:
    """Share of four slanted feelers, standing for the hemisphere, that touch nothing near."""
    reach, tilt, count, free = 1.6, 0.45, 0, 0.0
    close = np.empty(48, np.int64)
    for k in range(world.rows.shape[0]):
        if count < close.shape[0] and not out_of_reach(world.rows[k], p, 2.4):
            close[count] = k
            count += 1
    for feeler in range(4):
        a = 1.5708 * feeler + 0.6
        d = (n[0] + tilt * math.cos(a), n[1] - 0.35, n[2] + tilt * math.sin(a))
        d2 = d[0] * d[0] + d[1] * d[1] + d[2] * d[2]
        touched = False
        for k in range(count):
            row = world.rows[close[k]]
            if not passes_by(row, p, d, d2) and hit(row, p, d, 2e-3) < reach:
                touched = True
                break
        free += 0.0 if touched else 0.25
    return free


@njit(cache=True, nogil=True)
def lit(world: World, p: Vector, n: Vector) -> Vector:
    """Light that arrives at a point: sky and ground, the sun, one lamp; with their shadows."""
    light = world.light
    k = 0.5 - 0.5 * n[1]
    near = 0.45 + 0.55 * openness(world, p, n)
    r = (light[AMBIENT_UP] * k + light[AMBIENT_DOWN] * (1 - k)) * near
    g = (light[AMBIENT_UP + 1] * k + light[AMBIENT_DOWN + 1] * (1 - k)) * near
    b = (light[AMBIENT_UP + 2] * k + light[AMBIENT_DOWN + 2] * (1 - k)) * near
    s = (light[SUN_TO], light[SUN_TO + 1], light[SUN_TO + 2])
    facing = n[0] * s[0] + n[1] * s[1] + n[2] * s[2]
    if facing > 0 and light[SUN_COLOUR] > 0 and not blocked(world, p, s, FAR):
        r += facing * light[SUN_COLOUR]
        g += facing * light[SUN_COLOUR + 1]
        b += facing * light[SUN_COLOUR + 2]
    if light[LAMP_COLOUR] > 0:
        x, y, z = light[LAMP_AT] - p[0], light[LAMP_AT + 1] - p[1], light[LAMP_AT + 2] - p[2]
        far2 = x * x + y * y + z * z
        facing = (n[0] * x + n[1] * y + n[2] * z) / math.sqrt(far2)
        if facing > 0 and not blocked(world, p, (x, y, z), 0.97):
            fall = facing / (0.3 + far2)
            r += fall * light[LAMP_COLOUR]
            g += fall * light[LAMP_COLOUR + 1]
            b += fall * light[LAMP_COLOUR + 2]
    return r, g, b


@njit(cache=True, nogil=True)
def fogged(light: np.ndarray, colour: Vector, distance: float) -> Vector:
    """The colour behind `distance` metres of air."""
    k = 1 - math.exp(-distance * light[FOG])
    f = FOG_COLOUR
    return (
        colour[0] * (1 - k) + light[f] * k,
        colour[1] * (1 - k) + light[f + 1] * k,
        colour[2] * (1 - k) + light[f + 2] * k,
    )
