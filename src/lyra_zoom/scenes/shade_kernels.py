"""One ray to one colour, one picture to its colours or its depth."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from lyra_zoom.scenes.hit_kernels import (
    local_normal,
    surface_uv,
    terrain_height,
    to_local,
)
from lyra_zoom.scenes.layout import (
    CENTRE,
    COLOUR_A,
    FACADE,
    GLOSS,
    GLOW,
    LEAVES,
    MATERIAL,
    RADIUS,
    ROCK,
    ROTATION,
    SCALE,
    TEXTURE,
    TEXTURE_SEED,
    WATER,
    Vector,
    World,
)
from lyra_zoom.scenes.light_kernels import NOTHING, TERRAIN_INDEX, fogged, lit, nearest, sky
from lyra_zoom.scenes.noise_kernels import fbm2, noise3
from lyra_zoom.scenes.texture_kernels import albedo


@njit(cache=True, nogil=True)
def frame_at(world: World, which: int, p: Vector, d: Vector) -> tuple[float, ...]:
    """Unit normal that faces the ray, and metres (u, v) on the surface."""
    if which == TERRAIN_INDEX:
        heights, place = world.heights, world.place
        e = place[2]
        dx = terrain_height(heights, place, p[0] + e, p[2]) - terrain_height(
            heights, place, p[0] - e, p[2]
        )
        dz = terrain_height(heights, place, p[0], p[2] + e) - terrain_height(
            heights, place, p[0], p[2] - e
        )
        nx, ny, nz, u, v = -dx, -2 * e, -dz, p[0], p[2]
        if abs(dx) + abs(dz) > 1e3:
            nx, nz = 0.0, 0.0
    else:
        row = world.rows[which]
        x, y, z = to_local(
            row, p[0] - row[CENTRE], p[1] - row[CENTRE + 1], p[2] - row[CENTRE + 2]
        )
        n = local_normal(row, x, y, z)
        u, v = surface_uv(row, x, y, z, n)
        r = ROTATION
        nx = row[r] * n[0] + row[r + 3] * n[1] + row[r + 6] * n[2]
        ny = row[r + 1] * n[0] + row[r + 4] * n[1] + row[r + 7] * n[2]
        nz = row[r + 2] * n[0] + row[r + 5] * n[1] + row[r + 8] * n[2]
    length = math.sqrt(nx * nx + ny * ny + nz * nz)
    if nx * d[0] + ny * d[1] + nz * d[2] > 0:
        length = -length
    return nx / length, ny / length, nz / length, u, v


@njit(cache=True, nogil=True)
def roughened(row: np.ndarray, p: Vector, n: Vector, footprint: float) -> Vector:
    """The normal that light sees on leaves and rock: bumpy, unless a pixel covers the bumps."""
    kind, seed = int(row[TEXTURE]), int(row[TEXTURE_SEED])
    if kind not in (LEAVES, ROCK) or footprint >= 2 * row[SCALE]:
        return n
    f, amount = 1.3 / row[SCALE], 1.3 if kind == LEAVES else 0.9
    x = n[0] + amount * (noise3(p[0] * f, p[1] * f, p[2] * f, seed + 21) - 0.5)
    y = n[1] + amount * (noise3(p[0] * f, p[1] * f, p[2] * f, seed + 22) - 0.5)
    z = n[2] + amount * (noise3(p[0] * f, p[1] * f, p[2] * f, seed + 23) - 0.5)
    length = math.sqrt(x * x + y * y + z * z) + 1e-9
    return x / length, y / length, z / length


@njit(cache=True, nogil=True)
def rippled(row: np.ndarray, p: Vector, n: Vector, footprint: float) -> Vector:
    """The normal that mirrors see on water: waves, flatter where a pixel covers many."""
    if int(row[TEXTURE]) != WATER:
        return n
    w, seed = row[SCALE], int(row[TEXTURE_SEED])
    fade = min(1.0, w / (footprint + 1e-6)) * 0.16
    x = n[0] + fade * (fbm2(p[0] / w, p[2] / (w * 0.5), footprint / w, seed) - 0.5)
    z = n[2] + fade * (fbm2(p[0] / w + 31, p[2] / (w * 0.5), footprint / w, seed + 9) - 0.5)
    length = math.sqrt(x * x + n[1] * n[1] + z * z)
    return x / length, n[1] / length, z / length


@njit(cache=True, nogil=True)
def surface(
    world: World, which: int, p: Vector, d: Vector, footprint: float
) -> tuple[Vector, Vector, float]:
    """Colour of the surface that was hit, the normal that mirrors there, and how much."""
    nx, ny, nz, u, v = frame_at(world, which, p, d)
    row = world.materials[0 if which == TERRAIN_INDEX else int(world.rows[which, MATERIAL])]
    if which == TERRAIN_INDEX and -ny < 0.72 + 0.1 * noise3(p[0] / 9, p[1] / 9, p[2] / 9, 3):
        row = world.materials[1]  # steep ground is rock
    r, g, b, window = albedo(row, u, v, p, footprint)
    lift = 2e-3 + 1e-4 * abs(p[2])
    start = (p[0] + nx * lift, p[1] + ny * lift, p[2] + nz * lift)
    er, eg, eb = lit(world, start, roughened(row, p, (nx, ny, nz), footprint))
    glow = row[GLOW]
    if int(row[TEXTURE]) == FACADE:  # only some windows shine, and warmly
        colour = (
            r * er + 2.0 * glow * window,
            g * eg + 1.5 * glow * window,
            b * eb + 0.8 * glow * window,
        )
    else:
        a = COLOUR_A
        colour = (
            r * er + 3 * glow * row[a],
            g * eg + 3 * glow * row[a + 1],
            b * eb + 3 * glow * row[a + 2],
        )
    return colour, rippled(row, p, (nx, ny, nz), footprint), row[GLOSS]


@njit(cache=True, nogil=True)
def colour_of(
    world: World, few: np.ndarray, count: int, o: Vector, d: Vector, pixel: float
) -> Vector:
    """Linear colour along one ray, with one mirror bounce on glossy surfaces."""
    light = world.light
    length = math.sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2])
    e = (d[0] / length, d[1] / length, d[2] / length)
    t, which = nearest(world, few, count, o, d)
    if which == NOTHING:
        return sky(light, e)
    p = (o[0] + t * d[0], o[1] + t * d[1], o[2] + t * d[2])
    (r, g, b), (nx, ny, nz), gloss = surface(world, which, p, d, t * length * pixel)
    if gloss > 0.01:
        along = e[0] * nx + e[1] * ny + e[2] * nz
        q = (e[0] - 2 * along * nx, e[1] - 2 * along * ny, e[2] - 2 * along * nz)
        start = (p[0] + nx * 4e-3, p[1] + ny * 4e-3, p[2] + nz * 4e-3)
        everything = np.arange(world.rows.shape[0])
        t2, which2 = nearest(world, everything, everything.shape[0], start, q)
        if which2 == NOTHING:
            mirrored = sky(light, q)
        else:
            p2 = (start[0] + t2 * q[0], start[1] + t2 * q[1], start[2] + t2 * q[2])
            colour2, _, _ = surface(world, which2, p2, q, (t * length + t2) * pixel)
            mirrored = fogged(light, colour2, t2)
        fresnel = gloss * (0.12 + 0.88 * (1 - min(1.0, abs(along))) ** 3)
        r = r * (1 - fresnel) + mirrored[0] * fresnel
        g = g * (1 - fresnel) + mirrored[1] * fresnel
        b = b * (1 - fresnel) + mirrored[2] * fresnel
    return fogged(light, (r, g, b), t * length)


@njit(cache=True, nogil=True)
def listed(rows: np.ndarray, o: Vector, axis: Vector, spread: float, into: np.ndarray) -> int:
    """Indices of the primitives whose ball touches a cone from `o`; returns how many."""
    count = 0
    for k in range(rows.shape[0]):
        radius = rows[k, RADIUS]
        keep = radius > 1e6
        if not keep:
            x, y, z = (
                rows[k, CENTRE] - o[0],
                rows[k, CENTRE + 1] - o[1],
                rows[k, CENTRE + 2] - o[2],
            )
            far = math.sqrt(x * x + y * y + z * z)
            keep = far <= radius
            if not keep:
                cosine = (x * axis[0] + y * axis[1] + z * axis[2]) / far
                angle = math.acos(min(1.0, max(-1.0, cosine)))
                keep = angle - math.asin(radius / far) <= spread
        if keep:
            into[count] = k
            count += 1
    return count


@njit(cache=True, nogil=True)
def ray(camera: np.ndarray, x: float, y: float) -> Vector:
    """The world direction of an image point, with depth 1."""
    return (
        camera[3] + x * camera[6] + y * camera[9],
        camera[4] + x * camera[7] + y * camera[10],
        camera[5] + x * camera[8] + y * camera[11],
    )


@njit(cache=True, nogil=True)
def cone(camera: np.ndarray, x0: int, y0: int) -> tuple[Vector, float]:
    """Axis (unit) and half-angle of a cone around a tile of 16x16 pixels."""
    a = ray(camera, x0 + 8.0, y0 + 8.0)
    length = math.sqrt(a[0] ** 2 + a[1] ** 2 + a[2] ** 2)
    a = (a[0] / length, a[1] / length, a[2] / length)
    spread = 0.0
    for corner in range(4):
        b = ray(camera, x0 + 16.0 * (corner & 1), y0 + 16.0 * (corner >> 1))
        length = math.sqrt(b[0] ** 2 + b[1] ** 2 + b[2] ** 2)
        cosine = (a[0] * b[0] + a[1] * b[1] + a[2] * b[2]) / length
        spread = max(spread, math.acos(min(1.0, max(-1.0, cosine))))
    return a, spread + 1e-3


@njit(cache=True, nogil=True)
def paint(world: World, camera: np.ndarray, colour: np.ndarray) -> None:
    """Fill `colour` `(H, W, 3)` with linear light, 16x16 pixels at a time.

    `camera`: centre (3), then the world directions of the image's corner, of one pixel to
    the right and of one pixel down, each with depth 1 along the axis.
    """
    height, width, _ = colour.shape
    few = np.empty(world.rows.shape[0], np.int64)
    o = (camera[0], camera[1], camera[2])
    pixel = math.sqrt(camera[6] ** 2 + camera[7] ** 2 + camera[8] ** 2)
    for y0 in range(0, height, 16):
        for x0 in range(0, width, 16):
            axis, spread = cone(camera, x0, y0)
            count = listed(world.rows, o, axis, spread, few)
            for y in range(y0, min(height, y0 + 16)):
                for x in range(x0, min(width, x0 + 16)):
                    d = ray(camera, x + 0.5, y + 0.5)
                    r, g, b = colour_of(world, few, count, o, d, pixel)
                    colour[y, x, 0], colour[y, x, 1], colour[y, x, 2] = r, g, b


@njit(cache=True, nogil=True)
def measure(world: World, camera: np.ndarray, depth: np.ndarray, normals: np.ndarray) -> None:
    """Fill `depth` (z along the axis, inf for sky) and `normals` (world axes, 0 for sky)."""
    height, width = depth.shape
    few = np.empty(world.rows.shape[0], np.int64)
    o = (camera[0], camera[1], camera[2])
    for y0 in range(0, height, 16):
        for x0 in range(0, width, 16):
            axis, spread = cone(camera, x0, y0)
            count = listed(world.rows, o, axis, spread, few)
            for y in range(y0, min(height, y0 + 16)):
                for x in range(x0, min(width, x0 + 16)):
                    d = ray(camera, x + 0.5, y + 0.5)
                    t, which = nearest(world, few, count, o, d)
                    depth[y, x] = np.inf if which == NOTHING else t
                    if which == NOTHING:
                        continue
                    p = (o[0] + t * d[0], o[1] + t * d[1], o[2] + t * d[2])
                    nx, ny, nz, _, _ = frame_at(world, which, p, d)
                    normals[y, x, 0], normals[y, x, 1], normals[y, x, 2] = nx, ny, nz
