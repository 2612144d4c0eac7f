"""Surfaces as triangles: from a disparity map, merging what is flat; from a grid of points."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Int32, UInt8

from lyra_zoom.engines.embedded.mesh_kernels import (
    UNUSED,
    merge_blocks,
    number_vertices,
    write_triangles,
)
from lyra_zoom.engines.embedded.steps import Steps
from lyra_zoom.geometry.camera import Intrinsics
from lyra_zoom.geometry.image import Mask, Plane, Size

OPAQUE = 255
STEEPEST_END = 0.1  # change per pixel, of the value, that is carried on over the border

Cells: TypeAlias = Bool[np.ndarray, "rows columns"]
"""Yes or no per cell of a grid; see `grid_positions`."""


@dataclass(frozen=True, slots=True)
class Mesh:
    """Triangles with texture coordinates.

    `vertices` are world points. `uv` are pixels of the texture's full size, centres at half
    integers. `edge` is 1 where a triangle touches texels that are not opaque. `texture_depth`
    is each vertex's depth before the camera that took the texture, or 1 everywhere where the
    texture is laid flat on the triangles.
    """

    vertices: Float32[np.ndarray, "N 3"]
    uv: Float32[np.ndarray, "N 2"]
    triangles: Int32[np.ndarray, "T 3"]
    edge: UInt8[np.ndarray, " T"]
    texture_depth: Float32[np.ndarray, " N"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fineness:
    """How finely a disparity map is turned into triangles.

    `tolerance` is about the error of disparity (1 / scene units) that merging may make: for an
    error of e pixels on screen under a camera that moves by r, it is e / (focal_px * r).
    `pair_tolerance`, if larger, is that of the first merging, of two by two cells: it says how
    much of what is finer than two cells matters.
    """

    cell_px: int = 2
    tolerance: float = 0.0
    pair_tolerance: float = 0.0
    largest_block: int = 16  # in cells; a power of two


def grid_positions(length_px: int, cell_px: int) -> tuple[np.ndarray, np.ndarray]:
    """Where along one axis a grid has its vertices, and the pixel each takes its value from.

    Vertices sit on pixel centres, `cell_px` apart, so that no value is a mixture of two
    surfaces; only the first and the last sit on the picture's border.
    """
    inner = np.arange(cell_px, length_px - 1, cell_px)
    positions = np.concatenate([[0.0], inner + 0.5, [float(length_px)]])
    return positions, np.concatenate([[0], inner, [length_px - 1]])


def cells_touching(mask: Mask, cell_px: int) -> Cells:
    """Cells of a grid over the mask's picture that hold a marked pixel, corners included."""
    _, rows = grid_positions(mask.shape[0], cell_px)
    _, columns = grid_positions(mask.shape[1], cell_px)
    sums = _summed(mask)
    top, bottom = rows[:-1, None], rows[1:, None] + 1
    left, right = columns[:-1], columns[1:] + 1
    return sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left] > 0


def straddling_cells(steps: Steps, cell_px: int) -> Cells:
    """Cells inside which the disparity jumps from a pixel to the next."""
    height, width = steps.down.shape[0] + 1, steps.across.shape[1] + 1
    _, rows = grid_positions(height, cell_px)
    _, columns = grid_positions(width, cell_px)
    across = np.zeros((height, width), bool)  # a jump from the pixel to the left
    across[:, 1:] = steps.across
    down = np.zeros((height, width), bool)  # a jump from the pixel above
    down[1:, :] = steps.down
    return _any_between(across, rows, columns) | _any_between(down.T, columns, rows).T


def grid_mesh(
    disparity: Plane,
    K: Intrinsics,
    texture_size: Size,
    *,
    fineness: Fineness,
    cut: Cells | None = None,
    alpha: UInt8[np.ndarray, "H_tex W_tex"] | None = None,
) -> Mesh:
    """The surface that a picture's disparity (1 / depth, positive, per pixel) describes.

    `K` is for the disparity's size; the mesh is in that camera's frame, the world frame. `cut`
    marks cells (see `cells_touching`) that are left out; cells with no alpha at all are left
    out too. Blocks of cells merge where disparity is affine within the tolerance, which is
    exact for planes in space.
    """
    y, rows = grid_positions(disparity.shape[0], fineness.cell_px)
    x, columns = grid_positions(disparity.shape[1], fineness.cell_px)
    values = _vertex_disparity(disparity, rows, columns)
    size = Size.of(disparity)
    scale = np.array([texture_size.width / size.width, texture_size.height / size.height])
    drawn = np.ones((len(rows) - 1, len(columns) - 1), bool) if cut is None else ~cut
    soft = np.zeros(drawn.shape, np.uint8)
    if alpha is not None:
        least, most = _alpha_range(alpha, y * scale[1], x * scale[0])
        drawn &= most > 0
        soft = (least < OPAQUE).astype(np.uint8)
    side = _blocks(_Grid(x, y, values), drawn, soft, fineness)
    number, triangles, edge = _triangulated(side, values, soft)
    i, j = np.nonzero(number != UNUSED)
    pixels = np.stack([x[j], y[i], np.ones(len(i))], axis=1)
    rays = pixels @ np.linalg.inv(K).T
    vertices = (rays / values[i, j][:, None]).astype(np.float32)
    depth = np.ascontiguousarray(vertices[:, 2])
    return Mesh(vertices, (pixels[:, :2] * scale).astype(np.float32), triangles, edge, depth)


def plain_grid_mesh(
    points: Float32[np.ndarray, "H W 3"],
    uv: Float32[np.ndarray, "H W 2"],
    keep: Bool[np.ndarray, "H1 W1"],
) -> Mesh:
    """Two triangles for each kept cell of a grid of points; `keep` is `(H - 1, W - 1)`."""
    height, width = points.shape[:2]
    i, j = np.nonzero(keep)
    first = (i * width + j).astype(np.int32)
    a, b, c, d = first, first + 1, first + 1 + width, first + width
    triangles = np.stack([a, b, c, a, c, d], axis=1).reshape(-1, 3)
    used = np.zeros(height * width, bool)
    used[triangles] = True
    renumbered = (np.cumsum(used, dtype=np.int32) - 1)[triangles]
    return Mesh(
        np.ascontiguousarray(points.reshape(-1, 3)[used]),
        np.ascontiguousarray(uv.reshape(-1, 2)[used]),
        renumbered.astype(np.int32),
        np.zeros(len(triangles), np.uint8),
        np.ones(int(used.sum()), np.float32),
    )


def _any_between(jumps: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Cells with a marked pixel in columns (first, last] and rows [first, last]."""
    sums = _summed(jumps)
    top, bottom = rows[:-1, None], rows[1:, None] + 1
    left, right = columns[:-1] + 1, columns[1:] + 1
    return sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left] > 0


def _summed(mask: Mask) -> np.ndarray:
    """How many marked pixels lie above and left of each pixel corner."""
    sums = np.zeros((mask.shape[0] + 1, mask.shape[1] + 1), np.int32)
    sums[1:, 1:] = mask.cumsum(0, dtype=np.int32).cumsum(1, dtype=np.int32)
    return sums


def _vertex_disparity(disparity: Plane, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Disparity at the grid's vertices; carried on straight by half a pixel at the borders."""
    values = _with_straight_ends(disparity.astype(np.float64), columns)
    return _with_straight_ends(values.T, rows).T


def _with_straight_ends(values: np.ndarray, columns: np.ndarray) -> np.ndarray:
    sampled = values[:, columns]
    for end, beside in ((0, 1), (-1, -2)):
        limit = STEEPEST_END * values[:, end]
        slope = np.clip(values[:, end] - values[:, beside], -limit, limit)
        sampled[:, end] = values[:, end] + 0.5 * slope
    return sampled


def _alpha_range(
    alpha: np.ndarray, y: np.ndarray, x: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest alpha that filtering can meet in each cell; y, x are vertex texels."""
    windows = [2 * math.ceil(np.diff(axis).max() / 2 + 1) + 1 for axis in (x, y)]
    kernel = np.ones((windows[1], windows[0]), np.uint8)
    i = ((y[:-1] + y[1:]) / 2).astype(np.int64)[:, None]
    j = ((x[:-1] + x[1:]) / 2).astype(np.int64)
    return cv2.erode(alpha, kernel)[i, j], cv2.dilate(alpha, kernel)[i, j]


@dataclass(frozen=True, slots=True)
class _Grid:
    """Where a grid's vertices are, in pixels, and their disparity."""

    x: np.ndarray
    y: np.ndarray
    values: np.ndarray


def _blocks(grid: _Grid, drawn: Cells, soft: np.ndarray, fineness: Fineness) -> np.ndarray:
    """Side of the block that starts at each cell; 0 inside blocks, -1 for cells left out."""
    side = np.where(drawn, 1, -1).astype(np.int32)
    block = 2
    while block <= min(fineness.largest_block, *drawn.shape):
        pair = fineness.pair_tolerance if block == 2 else 0.0
        flat = _deviation(grid, block) <= max(fineness.tolerance, pair)
        merge_blocks(side, flat & _uniform(soft, block), block)
        block *= 2
    return side


def _uniform(cells: np.ndarray, block: int) -> Cells:
    """Blocks whose cells all have the same value."""
    height, width = cells.shape[0] // block, cells.shape[1] // block
    parts = cells[: height * block, : width * block].reshape(height, block, width, block)
    return parts.min(axis=(1, 3)) == parts.max(axis=(1, 3))


def _deviation(grid: _Grid, block: int) -> np.ndarray:
    """How far each block's vertices lie from the two triangles over its corners, at most."""
    height, width = (length // block for length in (len(grid.y) - 1, len(grid.x) - 1))
    rows = np.arange(height) * block
    columns = np.arange(width) * block
    corners = [
        grid.values[rows[:, None] + i, columns + j] for i in (0, block) for j in (0, block)
    ]
    a, b, d, c = corners
    worst = np.zeros_like(a)
    for i in range(block + 1):
        down = _share(grid.y, rows, i, block)[:, None]
        left, right = a + (d - a) * down, b + (c - b) * down
        for j in range(block + 1):
            flat = left + (right - left) * _share(grid.x, columns, j, block)
            inner = grid.values[i::block, j::block][:height, :width]
            np.maximum(worst, np.abs(inner - flat), out=worst)
    return worst + np.abs(a + c - b - d) / 4


def _share(positions: np.ndarray, starts: np.ndarray, step: int, block: int) -> np.ndarray:
    """How far along its block each vertex lies, 0 to 1."""
    first, last = positions[starts], positions[starts + block]
    return (positions[starts + step] - first) / (last - first)


def _triangulated(
    side: np.ndarray, values: np.ndarray, soft: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Number per grid vertex (`UNUSED` if none), triangles and their edge flags."""
    number = np.full(values.shape, UNUSED, np.int32)
    number_vertices(side, number)
    falling = np.abs(values[1:, 1:] - values[:-1, :-1])
    rising = np.abs(values[:-1, 1:] - values[1:, :-1])
    rows = np.empty((2 * side.size, 4), np.int32)
    count = write_triangles(side, number, rising < falling, soft, rows)
    triangles = np.ascontiguousarray(rows[:count, :3])
    return number, triangles, rows[:count, 3].astype(np.uint8)
