"""Where a ray meets one primitive or the terrain; rays are `origin + t * direction`.

`direction` need not have unit length: with a camera ray whose z part is 1, t is depth.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from lyra_zoom.scenes.layout import (
    ARCH,
    BOX,
    CENTRE,
    CUT,
    CUT_A,
    CUT_B,
    CUT_C,
    DISC,
    ELLIPSOID,
    EXTRA_A,
    EXTRA_B,
    FRUSTUM,
    GRILLE,
    HALF,
    KIND,
    LEAFY,
    PLANE,
    RADIUS,
    RAILING,
    RIDGE,
    ROTATION,
    SEED,
    WINDOWS,
    Vector,
)
from lyra_zoom.scenes.noise_kernels import fbm2, noise3

FAR = 1e30


@njit(cache=True, nogil=True)
def to_local(row: np.ndarray, x: float, y: float, z: float) -> Vector:
    """A direction of the world in the primitive's own axes."""
    r = ROTATION
    return (
        row[r] * x + row[r + 1] * y + row[r + 2] * z,
        row[r + 3] * x + row[r + 4] * y + row[r + 5] * z,
        row[r + 6] * x + row[r + 7] * y + row[r + 8] * z,
    )


@njit(cache=True, nogil=True)
def slab(o: float, d: float, half: float) -> tuple[float, float]:
    """Entry and exit of |x| <= half along one axis; (FAR, -FAR) when never inside."""
    if abs(d) < 1e-12:
        return (-FAR, FAR) if abs(o) <= half else (FAR, -FAR)
    a, b = (-half - o) / d, (half - o) / d
    return (a, b) if a < b else (b, a)


@njit(cache=True, nogil=True)
def quadratic(a: float, b: float, c: float) -> tuple[float, float]:
    """Roots of a t^2 + 2 b t + c in order; (FAR, -FAR) when there are none."""
    under = b * b - a * c
    if under < 0 or abs(a) < 1e-14:
        return FAR, -FAR
    root = math.sqrt(under)
    low, high = (-b - root) / a, (-b + root) / a
    return (low, high) if low < high else (high, low)


@njit(cache=True, nogil=True)
def meet_box(o: Vector, d: Vector, hx: float, hy: float, hz: float) -> tuple[float, float]:
    """Entry and exit of a box around the origin."""
    ax, bx = slab(o[0], d[0], hx)
    ay, by = slab(o[1], d[1], hy)
    az, bz = slab(o[2], d[2], hz)
    return max(ax, max(ay, az)), min(bx, min(by, bz))


@njit(cache=True, nogil=True)
def meet_ellipsoid(
    o: Vector, d: Vector, hx: float, hy: float, hz: float
) -> tuple[float, float]:
    """Entry and exit of an ellipsoid around the origin."""
    ox, oy, oz, dx, dy, dz = o[0] / hx, o[1] / hy, o[2] / hz, d[0] / hx, d[1] / hy, d[2] / hz
    return quadratic(
        dx * dx + dy * dy + dz * dz,
        ox * dx + oy * dy + oz * dz,
        ox * ox + oy * oy + oz * oz - 1,
    )


@njit(cache=True, nogil=True)
def meet_frustum(
    o: Vector, d: Vector, top: float, hy: float, bottom: float
) -> tuple[float, float]:
    """Entry and exit of a cylinder or truncated cone along y."""
    ay, by = slab(o[1], d[1], hy)
    if ay > by:
        return FAR, -FAR
    slope = (bottom - top) / (2 * hy)
    ro, rd = (top + bottom) / 2 + slope * o[1], slope * d[1]
    a = d[0] * d[0] + d[2] * d[2] - rd * rd
    b = o[0] * d[0] + o[2] * d[2] - ro * rd
    c = o[0] * o[0] + o[2] * o[2] - ro * ro
    if a > 1e-14:
        low, high = quadratic(a, b, c)
        return max(ay, low), min(by, high)
    # Steeper than the side: inside before the first root or after the second.
    low, high = quadratic(a, b, c)
    if low > high:
        return (ay, by) if c < 0 else (FAR, -FAR)
    if ro + rd * ay > 0 and (a * ay + 2 * b) * ay + c <= 0:
        return ay, min(by, low if low > ay else by)
    return max(ay, high), by


@njit(cache=True, nogil=True)
def meet_arch(row: np.ndarray, o: Vector, d: Vector) -> tuple[float, float]:
    """Entry and exit of a box with a round-topped tunnel along z; only the first hit counts."""
    b0, b1 = meet_box(o, d, row[HALF], row[HALF + 1], row[HALF + 2])
    if b0 > b1:
        return FAR, -FAR
    radius, spring = row[EXTRA_A], row[EXTRA_B]
    c0, c1 = quadratic(
        d[0] * d[0] + d[1] * d[1],
        o[0] * d[0] + (o[1] - spring) * d[1],
        o[0] * o[0] + (o[1] - spring) ** 2 - radius * radius,
    )
    ax, bx = slab(o[0], d[0], radius)
    deep = 50.0
    ay, by = slab(o[1] - spring - deep, d[1], deep)
    r0, r1 = max(ax, ay), min(bx, by)
    if c0 > c1:
        a0, a1 = r0, r1
    elif r0 > r1:
        a0, a1 = c0, c1
    else:
        a0, a1 = min(c0, r0), max(c1, r1)
    start = max(b0, 1e-6)
    if a0 <= start < a1:
        return (a1, -FAR) if a1 < b1 else (FAR, -FAR)
    return b0, b1


@njit(cache=True, nogil=True)
def is_cut(row: np.ndarray, x: float, y: float, z: float) -> bool:
    """Whether the surface is missing at this local point."""
    cut, a, b, c = int(row[CUT]), row[CUT_A], row[CUT_B], row[CUT_C]
    if cut == 0:
        return False
    seed = int(row[SEED])
    if cut == LEAFY:
        coarse = noise3(x / (4 * a), y / (4 * a), z / (4 * a), seed)
        return 0.5 * coarse + 0.5 * noise3(x / a, y / a, z / a, seed + 1) < b
    # Flat patterns live in the plane's x, z or on the side of a box, where y goes up.
    if int(row[KIND]) == PLANE:
        u, v = x, z
    elif abs(x) > row[HALF] * 0.999:
        u, v = z, y
    else:
        u, v = x, y
    if cut == RIDGE:
        return v > (fbm2(u / a, 0.5, 0.0, seed) - 0.2) * 2 * b + c * (
            fbm2(u / a * 14, 9.5, 0.0, seed + 5) - 0.5
        )
    if cut == DISC:
        return u * u + v * v > a * a
    fu, fv = u / a - math.floor(u / a), v / a - math.floor(v / a)
    if cut == RAILING:
        edge = row[HALF + 2] if int(row[KIND]) == PLANE else row[HALF + 1]
        return fu > b and abs(v) < edge - c
    if cut == GRILLE:
        return fu > b and fv > b
    if cut == WINDOWS:
        fu, fv = u / a - math.floor(u / a), v / (a * c) - math.floor(v / (a * c))
        return abs(fu - 0.5) < b / 2 and abs(fv - 0.5) < 0.28 and abs(fu - 0.5) > 0.02
    return False


@njit(cache=True, nogil=True)
def hit(row: np.ndarray, o: Vector, d: Vector, t_min: float) -> float:
    """The first t > t_min at which the ray meets the primitive, FAR when it does not."""
    lo = to_local(row, o[0] - row[CENTRE], o[1] - row[CENTRE + 1], o[2] - row[CENTRE + 2])
    ld = to_local(row, d[0], d[1], d[2])
    kind = int(row[KIND])
    hx, hy, hz = row[HALF], row[HALF + 1], row[HALF + 2]
    if kind == BOX:
        t0, t1 = meet_box(lo, ld, hx, hy, hz)
    elif kind == ELLIPSOID:
        t0, t1 = meet_ellipsoid(lo, ld, hx, hy, hz)
    elif kind == FRUSTUM:
        t0, t1 = meet_frustum(lo, ld, hx, hy, hz)
    elif kind == ARCH:
        t0, t1 = meet_arch(row, lo, ld)
        return t0 if t0 > t_min else (t1 if t1 > t_min else FAR)
    else:
        if abs(ld[1]) < 1e-12:
            return FAR
        t0 = -lo[1] / ld[1]
        x, z = lo[0] + t0 * ld[0], lo[2] + t0 * ld[2]
        if t0 <= t_min or abs(x) > hx or abs(z) > hz or is_cut(row, x, 0.0, z):
            return FAR
        return t0
    if t0 > t1:
        return FAR
    if t0 > t_min and not is_cut(
        row, lo[0] + t0 * ld[0], lo[1] + t0 * ld[1], lo[2] + t0 * ld[2]
    ):
        return t0
    if t1 > t_min and not is_cut(
        row, lo[0] + t1 * ld[0], lo[1] + t1 * ld[1], lo[2] + t1 * ld[2]
    ):
        return t1
    return FAR


@njit(cache=True, nogil=True)
def passes_by(row: np.ndarray, o: Vector, d: Vector, d2: float) -> bool:
    """Whether the ray clearly misses the ball around the primitive."""
    radius = row[RADIUS]
    if radius > 1e6:
        return False
    x, y, z = row[CENTRE] - o[0], row[CENTRE + 1] - o[1], row[CENTRE + 2] - o[2]
    along = x * d[0] + y * d[1] + z * d[2]
    far2 = x * x + y * y + z * z
    if along < 0:
        return far2 > radius * radius
    return far2 - along * along / d2 > radius * radius


@njit(cache=True, nogil=True)
def out_of_reach(row: np.ndarray, o: Vector, length: float) -> bool:
    """Whether the ball around the primitive is farther away than `length`."""
    radius = row[RADIUS] + length
    x, y, z = row[CENTRE] - o[0], row[CENTRE + 1] - o[1], row[CENTRE + 2] - o[2]
    return radius < 1e6 and x * x + y * y + z * z > radius * radius


@njit(cache=True, nogil=True)
def local_normal(row: np.ndarray, x: float, y: float, z: float) -> Vector:
    """The outward normal (not unit) at a local point on the surface."""
    kind = int(row[KIND])
    hx, hy, hz = row[HALF], row[HALF + 1], row[HALF + 2]
    if kind == ELLIPSOID:
        return x / (hx * hx), y / (hy * hy), z / (hz * hz)
    if kind == PLANE:
        return 0.0, -1.0, 0.0
    if kind == FRUSTUM:
        if abs(y) > hy * (1 - 1e-7):
            return 0.0, math.copysign(1.0, y), 0.0
        radius = max(1e-9, math.sqrt(x * x + z * z))
        return x / radius, (hx - hz) / (2 * hy), z / radius
    fx, fy, fz = abs(x) / hx, abs(y) / hy, abs(z) / hz
    if kind == ARCH and max(fx, max(fy, fz)) < 1 - 1e-7:
        if y < row[EXTRA_B]:
            return -x, row[EXTRA_B] - y, 0.0
        return -math.copysign(1.0, x), 0.0, 0.0
    if fx >= fy and fx >= fz:
        return math.copysign(1.0, x), 0.0, 0.0
    if fy >= fz:
        return 0.0, math.copysign(1.0, y), 0.0
    return 0.0, 0.0, math.copysign(1.0, z)


@njit(cache=True, nogil=True)
def surface_uv(
    row: np.ndarray, x: float, y: float, z: float, normal: Vector
) -> tuple[float, float]:
    """Metres along the surface at a local point; v grows downwards on upright faces."""
    kind = int(row[KIND])
    if kind == FRUSTUM and abs(normal[1]) < 0.9:
        return math.atan2(x, z) * max(row[HALF], row[HALF + 2]), y
    if kind == ELLIPSOID:
        return math.atan2(x, z) * row[HALF], y
    nx, ny, nz = abs(normal[0]), abs(normal[1]), abs(normal[2])
    if ny >= nx and ny >= nz:
        return x, z
    if nx >= nz:
        return z, y
    return x, y


@njit(cache=True, nogil=True)
def terrain_height(heights: np.ndarray, place: np.ndarray, x: float, z: float) -> float:
    """Height in metres (up) of the terrain at a place, bilinear; very low outside of it."""
    u, v = (x - place[0]) / place[2], (z - place[1]) / place[2]
    rows, columns = heights.shape
    if u < 0 or v < 0 or u >= columns - 1 or v >= rows - 1:
        return -1e4
    i, j = int(u), int(v)
    a, b = u - i, v - j
    low = heights[j, i] * (1 - a) + heights[j, i + 1] * a
    high = heights[j + 1, i] * (1 - a) + heights[j + 1, i + 1] * a
    return low * (1 - b) + high * b


@njit(cache=True, nogil=True)
def hit_terrain(
    heights: np.ndarray, place: np.ndarray, o: Vector, d: Vector, t_min: float, t_max: float
) -> float:
    """The first t in (t_min, t_max) at which the ray dives under the terrain, FAR when none."""
    length = math.sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2])
    cell = place[2]
    t, before = t_min, t_min
    span = cell * heights.shape[0] * 1.5 / length
    end = min(t_max, t_min + span + math.hypot(o[0], o[2]) / length)
    for _ in range(260):
        if t > end:
            return FAR
        gap = -(o[1] + t * d[1]) - terrain_height(
            heights, place, o[0] + t * d[0], o[2] + t * d[2]
        )
        if gap < 0:
            for _ in range(12):
                middle = 0.5 * (before + t)
                under = -(o[1] + middle * d[1]) < terrain_height(
                    heights, place, o[0] + middle * d[0], o[2] + middle * d[2]
                )
                before, t = (before, middle) if under else (middle, t)
            return t
        before = t
        t += max(0.35 * cell + 0.002 * t, min(0.45 * gap, 40 * cell)) / length
    return FAR
