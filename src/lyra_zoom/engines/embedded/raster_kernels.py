"""Draws triangles into a depth buffer; knows nothing of colour.

Each pixel keeps 1/z and the number of the triangle that shows there. The triangle's *planes* (1/z,
u/z and v/z as affine functions of the pixel) are kept beside, so texture coordinates and their exact
derivatives are computed once per visible pixel by the shading pass.

Coverage: a pixel belongs to a triangle when its centre lies between the left edge (included) and
the right edge (excluded), top included, bottom excluded. The x of an edge at a row is computed from
the edge's end points alone, upper one first: two triangles that share an edge get the same bits,
so there is neither a gap nor a pixel drawn twice. Both faces of a triangle are drawn.
"""

from __future__ import annotations

import math
from typing import NamedTuple, TypeAlias

import numpy as np
from numba import njit

PLANE_FIELDS = 12
"""x0, y0, then value at (x0, y0), slope along x, slope along y for each of 1/z, u/z, v/z; one spare."""

CLEAR_BELOW = 5
"""Of 255: texels fainter than this do not hide what lies behind them."""


Corner: TypeAlias = tuple[float, float, float, float, float]
"""x_px, y_px, 1/z, u, v, in float64."""


class Faces(NamedTuple):
    """A mesh as the kernels take it: `screen` is written by `transform`."""

    screen: (
        np.ndarray
    )  # float32 (N, 4): x_px, y_px, 1/z, z; before the near plane: x*z, y*z, 0, z
    uv: np.ndarray  # float32 (N, 2): texture pixels
    triangles: np.ndarray  # int32 (T, 3)
    edge: np.ndarray  # uint8 (T,): 1 where the triangle touches texels that are not opaque


class Target(NamedTuple):
    """What is drawn into; `inverse_depth` 0 means that nothing was drawn at the pixel."""

    inverse_depth: np.ndarray  # float32 (H, W)
    surface: np.ndarray  # int32 (H, W): row of `planes`
    planes: np.ndarray  # float32 (n, PLANE_FIELDS)


@njit(cache=True, nogil=True)
def transform(
    vertices: np.ndarray, projection: np.ndarray, near: np.float32, screen: np.ndarray
) -> None:
    """Fill `screen` (see `Faces`) from world points and the 3x4 matrix K @ w2c[:3]."""
    p = projection
    for i in range(vertices.shape[0]):
        x = vertices[i, 0]
        y = vertices[i, 1]
        z = vertices[i, 2]
        hx = p[0, 0] * x + p[0, 1] * y + p[0, 2] * z + p[0, 3]
        hy = p[1, 0] * x + p[1, 1] * y + p[1, 2] * z + p[1, 3]
        depth = p[2, 0] * x + p[2, 1] * y + p[2, 2] * z + p[2, 3]
        screen[i, 3] = depth
        if screen[i, 3] >= near:
            inverse = 1.0 / depth
            screen[i, 0] = hx * inverse
            screen[i, 1] = hy * inverse
            screen[i, 2] = inverse
        else:
            screen[i, 0] = hx
            screen[i, 1] = hy
            screen[i, 2] = 0.0


@njit(cache=True, nogil=True)
def draw_mesh(
    faces: Faces, alpha: np.ndarray, near: np.float32, target: Target, used: int
) -> int:
    """Draw all triangles; rows of `target.planes` from `used` on are taken, the new count returned.

    `near` is the float32 that `transform` was given. `alpha` is uint8 at texture size, looked at
    only under triangles whose `edge` is set. At most 2 rows of planes are taken per triangle.
    """
    screen = faces.screen
    for t in range(faces.triangles.shape[0]):
        i = faces.triangles[t, 0]
        j = faces.triangles[t, 1]
        k = faces.triangles[t, 2]
        behind = int(screen[i, 3] < near) + int(screen[j, 3] < near) + int(screen[k, 3] < near)
        if behind == 0:
            corners = (_corner(faces, i), _corner(faces, j), _corner(faces, k))
            used += _draw_triangle(corners, faces.edge[t] != 0, alpha, target, used)
        elif behind < 3:
            used = _draw_clipped(faces, t, near, alpha, target, used)
    return used


@njit(cache=True, nogil=True)
def _corner(faces: Faces, i: int) -> Corner:
    return (
        np.float64(faces.screen[i, 0]),
        np.float64(faces.screen[i, 1]),
        np.float64(faces.screen[i, 2]),
        np.float64(faces.uv[i, 0]),
        np.float64(faces.uv[i, 1]),
    )


@njit(cache=True, nogil=True)
def _cross(faces: Faces, behind: int, front: int, near: float) -> Corner:
    """The corner where the edge from vertex `behind` to vertex `front` meets the near plane."""
    z_behind = np.float64(faces.screen[behind, 3])
    z_front = np.float64(faces.screen[front, 3])
    s = (near - z_behind) / (z_front - z_behind)
    hx = faces.screen[behind, 0] * (1.0 - s) + faces.screen[front, 0] * z_front * s
    hy = faces.screen[behind, 1] * (1.0 - s) + faces.screen[front, 1] * z_front * s
    u = faces.uv[behind, 0] * (1.0 - s) + faces.uv[front, 0] * s
    v = faces.uv[behind, 1] * (1.0 - s) + faces.uv[front, 1] * s
    return (hx / near, hy / near, 1.0 / near, u, v)


@njit(cache=True, nogil=True)
def _draw_clipped(
    faces: Faces, t: int, near: np.float32, alpha: np.ndarray, target: Target, used: int
) -> int:
    """Draw the part of triangle `t` beyond the near plane: a triangle or a quadrilateral."""
    soft = faces.edge[t] != 0
    polygon = np.empty((4, 5), np.float64)
    count = 0
    for side in range(3):
        here = faces.triangles[t, side]
        there = faces.triangles[t, (side + 1) % 3]
        here_behind = faces.screen[here, 3] < near
        there_behind = faces.screen[there, 3] < near
        if not here_behind:
            _put(polygon, count, _corner(faces, here))
            count += 1
        if here_behind and not there_behind:
            _put(polygon, count, _cross(faces, here, there, np.float64(near)))
            count += 1
        if there_behind and not here_behind:
            _put(polygon, count, _cross(faces, there, here, np.float64(near)))
            count += 1
    for last in range(2, count):
        corners = (_take(polygon, 0), _take(polygon, last - 1), _take(polygon, last))
        used += _draw_triangle(corners, soft, alpha, target, used)
    return used


@njit(cache=True, nogil=True)
def _put(polygon: np.ndarray, row: int, corner: Corner) -> None:
    for i in range(5):
        polygon[row, i] = corner[i]


@njit(cache=True, nogil=True)
def _take(polygon: np.ndarray, row: int) -> Corner:
    return (
        polygon[row, 0],
        polygon[row, 1],
        polygon[row, 2],
        polygon[row, 3],
        polygon[row, 4],
    )


@njit(cache=True, nogil=True)
def _first_centre(edge_px: float, limit: int) -> int:
    """Number of the first pixel whose centre is at or after `edge_px`, kept within 0 and `limit`."""
    return int(min(max(math.ceil(edge_px - 0.5), 0.0), limit))


@njit(cache=True, nogil=True)
def _slope(upper: Corner, lower: Corner) -> float:
    """Change of x per row along an edge; 0 for a horizontal edge, which no row crosses."""
    height = lower[1] - upper[1]
    return (lower[0] - upper[0]) / height if height > 0.0 else 0.0


@njit(cache=True, nogil=True)
def _draw_triangle(
    corners: tuple[Corner, Corner, Corner],
    soft: bool,
    alpha: np.ndarray,
    target: Target,
    surface: int,
) -> int:
    """Draw one triangle; 1 when it took row `surface` of the planes, else 0."""
    a, b, c = corners
    height, width = target.inverse_depth.shape
    if b[1] < a[1]:
        a, b = b, a
    if c[1] < a[1]:
        a, c = c, a
    if c[1] < b[1]:
        b, c = c, b
    first = _first_centre(a[1], height)
    last = _first_centre(c[1], height)
    left = _first_centre(min(a[0], b[0], c[0]), width)
    right = _first_centre(max(a[0], b[0], c[0]), width)
    area = (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])
    if first >= last or left >= right or abs(area) < 1e-9:
        return 0
    _write_planes(target.planes[surface], (a, b, c), 1.0 / area)
    long_slope = _slope(a, c)
    upper_slope = _slope(a, b)
    lower_slope = _slope(b, c)
    for y in range(first, last):
        centre = y + 0.5
        x_long = a[0] + (centre - a[1]) * long_slope
        if centre < b[1]:
            x_short = a[0] + (centre - a[1]) * upper_slope
        else:
            x_short = b[0] + (centre - b[1]) * lower_slope
        start = _first_centre(min(x_long, x_short), width)
        stop = _first_centre(max(x_long, x_short), width)
        if soft:
            _fill_soft(target, surface, alpha, y, (start, stop))
        else:
            _fill(target, surface, y, (start, stop))
    return 1


@njit(cache=True, nogil=True)
def _write_planes(
    row: np.ndarray, corners: tuple[Corner, Corner, Corner], inverse_area: float
) -> None:
    a, b, c = corners
    row[0] = a[0]
    row[1] = a[1]
    x1 = (b[0] - a[0]) * inverse_area
    y1 = (b[1] - a[1]) * inverse_area
    x2 = (c[0] - a[0]) * inverse_area
    y2 = (c[1] - a[1]) * inverse_area
    at_a = a[2]
    to_b = b[2] - at_a
    to_c = c[2] - at_a
    row[2] = at_a
    row[3] = to_b * y2 - to_c * y1
    row[4] = to_c * x1 - to_b * x2
    at_a = a[3] * a[2]
    to_b = b[3] * b[2] - at_a
    to_c = c[3] * c[2] - at_a
    row[5] = at_a
    row[6] = to_b * y2 - to_c * y1
    row[7] = to_c * x1 - to_b * x2
    at_a = a[4] * a[2]
    to_b = b[4] * b[2] - at_a
    to_c = c[4] * c[2] - at_a
    row[8] = at_a
    row[9] = to_b * y2 - to_c * y1
    row[10] = to_c * x1 - to_b * x2


@njit(cache=True, nogil=True)
def _fill(target: Target, surface: int, y: int, span: tuple[int, int]) -> None:
    """Keep the triangle at the pixels of a row where it is the nearest so far."""
    start, stop = span
    plane = target.planes[surface]
    slope = plane[3]
    at_row = plane[2] + plane[4] * (np.float32(y + 0.5) - plane[1])
    for x in range(start, stop):
        inverse = at_row + slope * (np.float32(x) + np.float32(0.5) - plane[0])
        if inverse > target.inverse_depth[y, x]:
            target.inverse_depth[y, x] = inverse
            target.surface[y, x] = surface


@njit(cache=True, nogil=True)
def _fill_soft(
    target: Target, surface: int, alpha: np.ndarray, y: int, span: tuple[int, int]
) -> None:
    """The same, leaving out pixels whose nearest texel is (almost) clear."""
    start, stop = span
    rows, columns = alpha.shape
    for x in range(start, stop):
        inverse, u, v = locate(target.planes, surface, x, y)
        if inverse > target.inverse_depth[y, x]:
            column = min(max(int(u), 0), columns - 1)
            row = min(max(int(v), 0), rows - 1)
            if alpha[row, column] >= CLEAR_BELOW:
                target.inverse_depth[y, x] = inverse
                target.surface[y, x] = surface


@njit(cache=True, nogil=True)
def locate(
    planes: np.ndarray, surface: int, x: int, y: int
) -> tuple[np.float32, np.float32, np.float32]:
    """1/z, u and v of a triangle at the centre of pixel (x, y)."""
    plane = planes[surface]
    dx = np.float32(x) + np.float32(0.5) - plane[0]
    dy = np.float32(y) + np.float32(0.5) - plane[1]
    inverse = plane[2] + plane[3] * dx + plane[4] * dy
    depth = np.float32(1.0) / inverse
    u = (plane[5] + plane[6] * dx + plane[7] * dy) * depth
    v = (plane[8] + plane[9] * dx + plane[10] * dy) * depth
    return inverse, u, v


@njit(cache=True, nogil=True)
def locate_all(target: Target, u: np.ndarray, v: np.ndarray) -> None:
    """Fill the planes `u` and `v` with each pixel's texture coordinates, -1 where nothing shows."""
    for y in range(u.shape[0]):
        for x in range(u.shape[1]):
            u[y, x] = -1.0
            v[y, x] = -1.0
            if target.inverse_depth[y, x] > 0.0:
                _, u[y, x], v[y, x] = locate(target.planes, target.surface[y, x], x, y)
