"""Value noise and cells from integer hashes; all are functions of position and seed alone."""

from __future__ import annotations

import math

from numba import njit


@njit(cache=True, nogil=True)
def hash01(x: int, y: int, z: int, seed: int) -> float:
    """A number in [0, 1) that looks random, from three integers and a seed."""
    h = (x * 374761393 + y * 668265263 + z * 1440662683 + seed * 915488749) & 0xFFFFFFFF
    h = ((h ^ (h >> 15)) * 739982445) & 0xFFFFFFFF
    h = ((h ^ (h >> 12)) * 695872825) & 0xFFFFFFFF
    h = h ^ (h >> 15)
    return h / 4294967296.0


@njit(cache=True, nogil=True)
def noise2(x: float, y: float, seed: int) -> float:
    """Smooth value noise of a point in the plane, 0 to 1, about one feature per unit."""
    fx, fy = math.floor(x), math.floor(y)
    ix, iy = int(fx), int(fy)
    u, v = x - fx, y - fy
    u, v = u * u * (3 - 2 * u), v * v * (3 - 2 * v)
    top = hash01(ix, iy, 0, seed) * (1 - u) + hash01(ix + 1, iy, 0, seed) * u
    bottom = hash01(ix, iy + 1, 0, seed) * (1 - u) + hash01(ix + 1, iy + 1, 0, seed) * u
    return top * (1 - v) + bottom * v


@njit(cache=True, nogil=True)
def noise3(x: float, y: float, z: float, seed: int) -> float:
    """Smooth value noise of a point in space, 0 to 1, about one feature per unit."""
    fx, fy, fz = math.floor(x), math.floor(y), math.floor(z)
    ix, iy, iz = int(fx), int(fy), int(fz)
    u, v, w = x - fx, y - fy, z - fz
    u, v, w = u * u * (3 - 2 * u), v * v * (3 - 2 * v), w * w * (3 - 2 * w)
    total = 0.0
    for corner in range(8):
        cx, cy, cz = corner & 1, (corner >> 1) & 1, corner >> 2
        share = (u if cx else 1 - u) * (v if cy else 1 - v) * (w if cz else 1 - w)
        total += share * hash01(ix + cx, iy + cy, iz + cz, seed)
    return total


@njit(cache=True, nogil=True)
def fbm2(x: float, y: float, footprint: float, seed: int) -> float:
    """Five octaves of `noise2`, 0 to 1; octaves finer than `footprint` are left out."""
    total, weight, share, scale = 0.0, 0.0, 0.5, 1.0
    for octave in range(5):
        visible = 1.0 if footprint * scale < 0.5 else max(0.0, 1.5 - footprint * scale)
        value = noise2(x * scale, y * scale, seed + octave) if visible > 0 else 0.5
        total += share * (0.5 + (value - 0.5) * visible)
        weight += share
        share *= 0.55
        scale *= 2.03
    return total / weight


@njit(cache=True, nogil=True)
def fbm3(x: float, y: float, z: float, footprint: float, seed: int) -> float:
    """Four octaves of `noise3`, 0 to 1; octaves finer than `footprint` are left out."""
    total, weight, share, scale = 0.0, 0.0, 0.5, 1.0
    for octave in range(4):
        visible = 1.0 if footprint * scale < 0.5 else max(0.0, 1.5 - footprint * scale)
        value = noise3(x * scale, y * scale, z * scale, seed + octave) if visible > 0 else 0.5
        total += share * (0.5 + (value - 0.5) * visible)
        weight += share
        share *= 0.55
        scale *= 2.03
    return total / weight


@njit(cache=True, nogil=True)
def cells2(x: float, y: float, seed: int) -> tuple[float, float]:
    """Irregular cells: distance to the nearest border, and the cell's own number."""
    ix, iy = math.floor(x), math.floor(y)
    first, second, number = 9.0, 9.0, 0.0
    for j in range(-1, 2):
        for i in range(-1, 2):
            cx = ix + i + hash01(ix + i, iy + j, 1, seed)
            cy = iy + j + hash01(ix + i, iy + j, 2, seed)
            distance = (cx - x) ** 2 + (cy - y) ** 2
            if distance < first:
                second, first = first, distance
                number = hash01(ix + i, iy + j, 3, seed)
            elif distance < second:
                second = distance
    return math.sqrt(second) - math.sqrt(first), number
