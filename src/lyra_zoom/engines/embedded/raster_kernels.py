"""Draws triangles into a depth buffer; knows nothing of colour.

Two passes over a mesh: `set_up` writes a row of numbers for each triangle that may be seen,
`scan` fills the pixels. Each pixel keeps 1/z and the number of the row that shows there; since
a row holds what texture coordinates are made of as affine functions of the pixel, these and
their exact derivatives are computed once per visible pixel, when it is coloured.

A photograph is not laid flat on a surface but thrown on it, as by a projector: over a triangle
u is no affine function of the point in space, but u q and q are, where q is the depth of the
point in the photograph. So u = (u q / z) / (q / z) (Segal and others, "Fast shadows and
lighting effects using texture mapping", 1992).

Coverage: a pixel belongs to a triangle when its centre lies between the left edge (included)
and the right edge (excluded), top included, bottom excluded. The x of an edge at a row is
computed from the edge's end points alone, upper one first: two triangles that share an edge get
the same bits, so there is neither a gap nor a pixel drawn twice. Both faces of a triangle are
drawn.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numba import njit

TILE_PX = 16
"""Side of the squares in which `Target.hidden` says that nothing need be drawn."""

CLEAR_BELOW = 5
"""Of 255: texels fainter than this do not hide what lies behind them."""

SMALLEST_AREA = 1e-9
"""Twice the area, in pixels, below which a triangle has no usable slopes and is left out."""

X0, Y0, INVERSE, U, V, X1, Y1, X2, Y2, SOFT, Q = 0, 1, 2, 5, 8, 11, 12, 13, 14, 15, 16
ROW_FIELDS = 19
"""Of a drawn triangle: corner 0; value there, slope along x and slope along y for each of 1/z,
u q/z and v q/z; corners 1 and 2; 1 where texels must be looked at; the same three for q/z."""

Corner: TypeAlias = tuple[float, float, float, float, float, float]
"""x_px, y_px, 1/z, u q, v q, q."""

Edge: TypeAlias = tuple[float, float, float, float]
"""Upper end's x and y, change of x per row, lower end's y."""


class Faces(NamedTuple):
    """A mesh as the kernels take it: `screen` is written by `transform`."""

    screen: (
        np.ndarray
    )  # float32 (N, 4): x_px, y_px, 1/z, z; before the near plane: x*z, y*z, 0, z
    uv: np.ndarray  # float32 (N, 2): texture pixels
    texture_depth: np.ndarray  # float32 (N,): q
    triangles: np.ndarray  # int32 (T, 3)
    edge: np.ndarray  # uint8 (T,): 1 where the triangle touches texels that are not opaque


class Target(NamedTuple):
    """What is drawn into; `inverse_depth` 0 means that nothing was drawn at the pixel."""

    inverse_depth: np.ndarray  # float32 (H, W)
    surface: np.ndarray  # int32 (H, W): number of a row of `rows`
    rows: np.ndarray  # float32 (n, ROW_FIELDS)
    hidden: np.ndarray  # uint8, one per tile of TILE_PX squared: 1 where nothing will show


@njit(cache=True, nogil=True)
def transform(
    vertices: np.ndarray, projection: np.ndarray, near: np.float32, screen: np.ndarray
) -> None:
    """Fill `screen` (see `Faces`) from world points and the 3x4 matrix K @ w2c[:3]."""
    p = projection
    for i in range(vertices.shape[0]):
        x = np.float64(vertices[i, 0])
        y = np.float64(vertices[i, 1])
        z = np.float64(vertices[i, 2])
        hx = p[0, 0] * x + p[0, 1] * y + p[0, 2] * z + p[0, 3]
        hy = p[1, 0] * x + p[1, 1] * y + p[1, 2] * z + p[1, 3]
        depth = p[2, 0] * x + p[2, 1] * y + p[2, 2] * z + p[2, 3]
        beyond = np.float32(depth) >= near
        scale = 1.0 / depth if beyond else 1.0
        screen[i, 0] = hx * scale
        screen[i, 1] = hy * scale
        screen[i, 2] = scale if beyond else 0.0
        screen[i, 3] = depth


@njit(cache=True, nogil=True)
def set_up(faces: Faces, near: np.float32, target: Target, used: int) -> int:
    """Write `target.rows` from number `used` on for what may be seen; the new number used.

    `near` is what `transform` was given. At most 2 rows are taken per triangle.
    """
    triangles = faces.triangles
    edge = faces.edge
    rows = target.rows
    hidden = target.hidden
    height, width = target.inverse_depth.shape
    for t in range(triangles.shape[0]):
        a = _corner(faces, triangles[t, 0])
        b = _corner(faces, triangles[t, 1])
        c = _corner(faces, triangles[t, 2])
        if a[2] * b[2] * c[2] == 0.0:
            used = _set_up_clipped(faces, t, near, target, used)
        elif _may_show(a, b, c, hidden, height, width):
            _write_row(rows, used, a, b, c, edge[t])
            used += 1
    return used


@njit(cache=True, nogil=True, forceinline=True)
def _corner(faces: Faces, i: int) -> Corner:
    q = np.float64(faces.texture_depth[i])
    return (
        np.float64(faces.screen[i, 0]),
        np.float64(faces.screen[i, 1]),
        np.float64(faces.screen[i, 2]),
        np.float64(faces.uv[i, 0]) * q,
        np.float64(faces.uv[i, 1]) * q,
        q,
    )


@njit(cache=True, nogil=True)
def _set_up_clipped(faces: Faces, t: int, near: np.float32, target: Target, used: int) -> int:
    """The same for the part of one triangle that lies beyond the near plane."""
    height, width = target.inverse_depth.shape
    origin = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    first = origin
    last = origin
    count = 0
    for side in range(3):
        here = faces.triangles[t, side]
        there = faces.triangles[t, (side + 1) % 3]
        starts_beyond = faces.screen[here, 3] >= near
        ends_beyond = faces.screen[there, 3] >= near
        for corner in range(2):
            if corner == 0 and starts_beyond:
                new = _corner(faces, here)
            elif corner == 1 and starts_beyond and not ends_beyond:
                new = _crossing(faces, there, here, np.float64(near))
            elif corner == 1 and ends_beyond and not starts_beyond:
                new = _crossing(faces, here, there, np.float64(near))
            else:
                continue
            if count == 0:
                first = new
            elif count > 1 and _may_show(first, last, new, target.hidden, height, width):
                _write_row(target.rows, used, first, last, new, faces.edge[t])
                used += 1
            last = new
            count += 1
    return used


@njit(cache=True, nogil=True)
def _crossing(faces: Faces, before: int, beyond: int, near: float) -> Corner:
    """Where an edge meets the near plane; the same bits for all its triangles."""
    screen = faces.screen
    a = _corner(faces, before)
    b = _corner(faces, beyond)
    z_before = np.float64(screen[before, 3])
    z_beyond = np.float64(screen[beyond, 3])
    s = (near - z_before) / (z_beyond - z_before)
    hx = screen[before, 0] * (1.0 - s) + screen[beyond, 0] * z_beyond * s
    hy = screen[before, 1] * (1.0 - s) + screen[beyond, 1] * z_beyond * s
    return (
        np.float64(np.float32(hx / near)),
        np.float64(np.float32(hy / near)),
        1.0 / near,
        a[3] * (1.0 - s) + b[3] * s,
        a[4] * (1.0 - s) + b[4] * s,
        a[5] * (1.0 - s) + b[5] * s,
    )


@njit(cache=True, nogil=True, forceinline=True)
def _first_centre(edge_px: float, limit: int) -> int:
    """The first pixel whose centre is at or after `edge_px`, kept within 0 and `limit`."""
    return min(max(int(np.ceil(edge_px - 0.5)), 0), limit)


@njit(cache=True, nogil=True, forceinline=True)
def _doubled_area(a: Corner, b: Corner, c: Corner) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])


@njit(cache=True, nogil=True, forceinline=True)
def _may_show(
    a: Corner, b: Corner, c: Corner, hidden: np.ndarray, height: int, width: int
) -> bool:
    """Whether a triangle's box holds a pixel centre in a tile that is not hidden."""
    first = _first_centre(min(a[1], b[1], c[1]), height)
    last = _first_centre(max(a[1], b[1], c[1]), height)
    left = _first_centre(min(a[0], b[0], c[0]), width)
    right = _first_centre(max(a[0], b[0], c[0]), width)
    if first >= last or left >= right or abs(_doubled_area(a, b, c)) < SMALLEST_AREA:
        return False
    for row in range(first // TILE_PX, (last - 1) // TILE_PX + 1):
        for column in range(left // TILE_PX, (right - 1) // TILE_PX + 1):
            if hidden[row, column] == 0:
                return True
    return False


@njit(cache=True, nogil=True, forceinline=True)
def _write_row(rows: np.ndarray, n: int, a: Corner, b: Corner, c: Corner, soft: int) -> None:
    area = _doubled_area(a, b, c)
    x1 = (b[0] - a[0]) / area
    y1 = (b[1] - a[1]) / area
    x2 = (c[0] - a[0]) / area
    y2 = (c[1] - a[1]) / area
    slopes = (x1, y1, x2, y2)
    _write_value(rows, n, INVERSE, slopes, (a[2], b[2], c[2]))
    _write_value(rows, n, U, slopes, (a[3] * a[2], b[3] * b[2], c[3] * c[2]))
    _write_value(rows, n, V, slopes, (a[4] * a[2], b[4] * b[2], c[4] * c[2]))
    _write_value(rows, n, Q, slopes, (a[5] * a[2], b[5] * b[2], c[5] * c[2]))
    rows[n, X0] = a[0]
    rows[n, Y0] = a[1]
    rows[n, X1] = b[0]
    rows[n, Y1] = b[1]
    rows[n, X2] = c[0]
    rows[n, Y2] = c[1]
    rows[n, SOFT] = soft


@njit(cache=True, nogil=True, forceinline=True)
def _write_value(
    rows: np.ndarray,
    n: int,
    field: int,
    slopes: tuple[float, float, float, float],
    values: tuple[float, float, float],
) -> None:
    """Write a value at corner 0 and its slopes, from those at the corners; sides over area."""
    x1, y1, x2, y2 = slopes
    to_b = values[1] - values[0]
    to_c = values[2] - values[0]
    rows[n, field] = values[0]
    rows[n, field + 1] = to_b * y2 - to_c * y1
    rows[n, field + 2] = to_c * x1 - to_b * x2


@njit(cache=True, nogil=True, forceinline=True)
def _edge(x_p: float, y_p: float, x_q: float, y_q: float) -> Edge:
    """The edge between p and q; the same bits with p and q exchanged."""
    swap = y_q < y_p
    x_upper = x_q if swap else x_p
    y_upper = y_q if swap else y_p
    x_lower = x_p if swap else x_q
    y_lower = y_p if swap else y_q
    height = y_lower - y_upper
    return x_upper, y_upper, (x_lower - x_upper) / (height if height > 0.0 else 1.0), y_lower


@njit(cache=True, nogil=True, forceinline=True)
def _narrowed(span: tuple[float, float], edge: Edge, centre_px: float) -> tuple[float, float]:
    """The span (least, greatest) of where edges cross a row, with one more edge."""
    x_upper, y_upper, slope, y_lower = edge
    x = x_upper + (centre_px - y_upper) * slope
    crosses = (centre_px >= y_upper) & (centre_px < y_lower)
    return (
        min(span[0], x) if crosses else span[0],
        max(span[1], x) if crosses else span[1],
    )


@njit(cache=True, nogil=True)
def scan(target: Target, start: int, stop: int, alpha: np.ndarray) -> None:
    """Fill the pixels of the triangles in rows `start` to `stop` where they are the nearest.

    `alpha` is uint8 at texture size, looked at only where a row says `SOFT`.
    """
    inverse_depth = target.inverse_depth
    surface = target.surface
    rows = target.rows
    height, width = inverse_depth.shape
    for n in range(start, stop):
        x0 = np.float64(rows[n, X0])
        y0 = np.float64(rows[n, Y0])
        x1 = np.float64(rows[n, X1])
        y1 = np.float64(rows[n, Y1])
        x2 = np.float64(rows[n, X2])
        y2 = np.float64(rows[n, Y2])
        edges = (_edge(x0, y0, x1, y1), _edge(x1, y1, x2, y2), _edge(x2, y2, x0, y0))
        slope = rows[n, INVERSE + 1]
        for y in range(
            _first_centre(min(y0, y1, y2), height), _first_centre(max(y0, y1, y2), height)
        ):
            span = _narrowed((np.inf, -np.inf), edges[0], y + 0.5)
            span = _narrowed(_narrowed(span, edges[1], y + 0.5), edges[2], y + 0.5)
            at_row = _at_row(rows, n, y)
            for x in range(_first_centre(span[0], width), _first_centre(span[1], width)):
                inverse = at_row + slope * (np.float32(x) + np.float32(0.5) - rows[n, X0])
                if inverse > inverse_depth[y, x] and (
                    rows[n, SOFT] == 0 or _is_there(rows, n, x, y, alpha)
                ):
                    inverse_depth[y, x] = inverse
                    surface[y, x] = n


@njit(cache=True, nogil=True, forceinline=True)
def _at_row(rows: np.ndarray, n: int, y: int) -> np.float32:
    """1/z where a pixel row meets the column of the triangle's first corner."""
    dy = np.float32(y) + np.float32(0.5) - rows[n, Y0]
    return rows[n, INVERSE] + rows[n, INVERSE + 2] * dy


@njit(cache=True, nogil=True)
def _is_there(rows: np.ndarray, n: int, x: int, y: int, alpha: np.ndarray) -> bool:
    """Whether the texel nearest to the pixel's centre is more than (almost) clear."""
    _, u, v, _ = locate(rows, n, x, y)
    column = min(max(int(u), 0), alpha.shape[1] - 1)
    row = min(max(int(v), 0), alpha.shape[0] - 1)
    return alpha[row, column] >= CLEAR_BELOW


@njit(cache=True, nogil=True, forceinline=True)
def locate(
    rows: np.ndarray, n: int, x: int, y: int
) -> tuple[np.float32, np.float32, np.float32, np.float32]:
    """Depth, u, v and z / q of a triangle at the centre of pixel (x, y)."""
    dx = np.float32(x) + np.float32(0.5) - rows[n, X0]
    dy = np.float32(y) + np.float32(0.5) - rows[n, Y0]
    inverse = rows[n, INVERSE] + rows[n, INVERSE + 1] * dx + rows[n, INVERSE + 2] * dy
    depth = np.float32(1.0) / inverse
    scale = np.float32(1.0) / (rows[n, Q] + rows[n, Q + 1] * dx + rows[n, Q + 2] * dy)
    u = (rows[n, U] + rows[n, U + 1] * dx + rows[n, U + 2] * dy) * scale
    v = (rows[n, V] + rows[n, V + 1] * dx + rows[n, V + 2] * dy) * scale
    return depth, u, v, scale


@njit(cache=True, nogil=True)
def locate_all(target: Target, u: np.ndarray, v: np.ndarray) -> None:
    """Fill the planes `u` and `v` with each pixel's texture coordinates, -1 where empty."""
    for y in range(u.shape[0]):
        for x in range(u.shape[1]):
            u[y, x] = -1.0
            v[y, x] = -1.0
            if target.inverse_depth[y, x] > 0.0:
                _, u[y, x], v[y, x], _ = locate(target.rows, target.surface[y, x], x, y)
