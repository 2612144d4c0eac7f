"""One ray to one colour, one picture to its depth: visibility, light, sky, water and fog."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from lyra_zoom.scenes.hit_kernels import (
    FAR,
    hit,
    hit_terrain,
    local_normal,
    out_of_reach,
    passes_by,
    surface_uv,
    terrain_height,
    to_local,
)
from lyra_zoom.scenes.layout import (
    AMBIENT_DOWN,
    AMBIENT_UP,
    CENTRE,
    CLOUD_SIZE,
    CLOUDS,
    COLOUR_A,
    FOG,
    FOG_COLOUR,
    GLOSS,
    GLOW,
    HORIZON,
    LAMP_AT,
    LAMP_COLOUR,
    LEAVES,
    LIGHT_SEED,
    MATERIAL,
    RADIUS,
    ROCK,
    ROTATION,
    SCALE,
    STARS,
    SUN_COLOUR,
    SUN_TO,
    TEXTURE,
    TEXTURE_SEED,
    WATER,
    ZENITH,
    Vector,
    World,
)
from lyra_zoom.scenes.noise_kernels import fbm2, hash01, noise2, noise3
from lyra_zoom.scenes.texture_kernels import albedo

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


@njit(cache=True, nogil=True)
def surface(
    world: World, which: int, p: Vector, d: Vector, footprint: float
) -> tuple[float, ...]:
    """Colour of the surface that was hit, its normal and how much it mirrors."""
    nx, ny, nz, u, v = frame_at(world, which, p, d)
    row = world.materials[0 if which == TERRAIN_INDEX else int(world.rows[which, MATERIAL])]
    kind = int(row[TEXTURE])
    if which == TERRAIN_INDEX and -ny < 0.72 + 0.1 * noise3(p[0] / 9, p[1] / 9, p[2] / 9, 3):
        row = world.materials[1]  # steep ground is rock
    r, g, b, glow = albedo(row, u, v, p, footprint)
    bx, by, bz = nx, ny, nz
    seed = int(row[TEXTURE_SEED])
    if (kind in (LEAVES, ROCK)) and footprint < 2 * row[SCALE]:
        f, amount = 1.3 / row[SCALE], 1.3 if kind == LEAVES else 0.9
        bx += amount * (noise3(p[0] * f, p[1] * f, p[2] * f, seed + 21) - 0.5)
        by += amount * (noise3(p[0] * f, p[1] * f, p[2] * f, seed + 22) - 0.5)
        bz += amount * (noise3(p[0] * f, p[1] * f, p[2] * f, seed + 23) - 0.5)
        length = math.sqrt(bx * bx + by * by + bz * bz) + 1e-9
        bx, by, bz = bx / length, by / length, bz / length
    lift = 2e-3 + 1e-4 * abs(p[2])
    start = (p[0] + nx * lift, p[1] + ny * lift, p[2] + nz * lift)
    er, eg, eb = lit(world, start, (bx, by, bz))
    shine = row[GLOW] * (1.0 if kind != 4 else glow)
    if kind == WATER:
        w = row[SCALE]
        fade = min(1.0, w / (footprint + 1e-6)) * 0.16
        nx += fade * (fbm2(p[0] / w, p[2] / (w * 0.5), footprint / w, seed) - 0.5)
        nz += fade * (fbm2(p[0] / w + 31, p[2] / (w * 0.5), footprint / w, seed + 9) - 0.5)
        length = math.sqrt(nx * nx + ny * ny + nz * nz)
        nx, ny, nz = nx / length, ny / length, nz / length
    return (
        r * er + shine * row[COLOUR_A] * 3 if kind != 4 else r * er + shine * 2.0,
        g * eg + shine * row[COLOUR_A + 1] * 3 if kind != 4 else g * eg + shine * 1.5,
        b * eb + shine * row[COLOUR_A + 2] * 3 if kind != 4 else b * eb + shine * 0.8,
        nx,
        ny,
        nz,
        row[GLOSS],
    )


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
    r, g, b, nx, ny, nz, gloss = surface(world, which, p, d, t * length * pixel)
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
            r2, g2, b2, _, _, _, _ = surface(world, which2, p2, q, (t * length + t2) * pixel)
            mirrored = fogged(light, (r2, g2, b2), t2)
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
