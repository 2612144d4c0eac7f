"""Turns a quadtree over a grid into triangles; knows nothing of depth or cameras.

Blocks are squares of 1, 2, 4 ... cells. A block whose border carries vertices that a smaller
neighbour uses becomes a fan around its middle vertex, so that neighbours share all their
vertices: there are no T-junctions and therefore no cracks.
"""

from __future__ import annotations

import numpy as np
from numba import njit

UNUSED = -1


@njit(cache=True, nogil=True)
def merge_blocks(side: np.ndarray, wanted: np.ndarray, block: int) -> None:
    """Mark in `side` the `wanted` blocks of `block` cells whose quarters are whole.

    `side[i, j]` is the size of the block whose first cell is (i, j), 0 for cells inside a
    block.
    """
    half = block // 2
    for row in range(wanted.shape[0]):
        for column in range(wanted.shape[1]):
            i = row * block
            j = column * block
            if not wanted[row, column]:
                continue
            if (
                side[i, j] == half
                and side[i + half, j] == half
                and side[i, j + half] == half
                and side[i + half, j + half] == half
            ):
                side[i + half, j] = 0
                side[i, j + half] = 0
                side[i + half, j + half] = 0
                side[i, j] = block


@njit(cache=True, nogil=True)
def number_vertices(side: np.ndarray, number: np.ndarray) -> int:
    """Number the grid vertices in use, in reading order; how many there are.

    `number` is int32 (rows + 1, columns + 1) and starts as `UNUSED`. `side` is as in
    `merge_blocks`, with negative entries for blocks that are not drawn.
    """
    for i in range(side.shape[0]):
        for j in range(side.shape[1]):
            s = side[i, j]
            if s > 0:
                number[i, j] = 0
                number[i + s, j] = 0
                number[i, j + s] = 0
                number[i + s, j + s] = 0
    for i in range(side.shape[0]):
        for j in range(side.shape[1]):
            s = side[i, j]
            if s > 1 and _vertices_around(number, (i, j), s) > 4:
                number[i + s // 2, j + s // 2] = 0
    count = 0
    for i in range(number.shape[0]):
        for j in range(number.shape[1]):
            if number[i, j] != UNUSED:
                number[i, j] = count
                count += 1
    return count


@njit(cache=True, nogil=True)
def _around(corner: tuple[int, int], s: int, step: int) -> tuple[int, int]:
    """Vertex `step` of the 4 * s on the border of a block, clockwise from its first corner."""
    i, j = corner
    lap = step % (4 * s)
    if lap < s:
        return i, j + lap
    if lap < 2 * s:
        return i + lap - s, j + s
    if lap < 3 * s:
        return i + s, j + 3 * s - lap
    return i + 4 * s - lap, j


@njit(cache=True, nogil=True)
def _vertices_around(number: np.ndarray, corner: tuple[int, int], s: int) -> int:
    count = 0
    for step in range(4 * s):
        i, j = _around(corner, s, step)
        count += int(number[i, j] != UNUSED)
    return count


@njit(cache=True, nogil=True)
def write_triangles(
    side: np.ndarray, number: np.ndarray, rising: np.ndarray, soft: np.ndarray, out: np.ndarray
) -> int:
    """Write rows (a, b, c, edge) of int32 to `out`; how many.

    `rising[i, j]` asks for the diagonal from lower left to upper right in cell (i, j). `soft`
    is the edge flag per cell; a block has that of its first cell.
    """
    count = 0
    for i in range(side.shape[0]):
        for j in range(side.shape[1]):
            s = side[i, j]
            if s <= 0:
                continue
            flag = soft[i, j]
            if s > 1 and number[i + s // 2, j + s // 2] != UNUSED:
                count = _write_fan(number, (i, j, s), flag, out, count)
                continue
            a = number[i, j]
            b = number[i, j + s]
            c = number[i + s, j + s]
            d = number[i + s, j]
            if s == 1 and rising[i, j]:
                _write(out, count, (a, b, d), flag)
                _write(out, count + 1, (b, c, d), flag)
            else:
                _write(out, count, (a, b, c), flag)
                _write(out, count + 1, (a, c, d), flag)
            count += 2
    return count


@njit(cache=True, nogil=True)
def _write_fan(
    number: np.ndarray, block: tuple[int, int, int], flag: int, out: np.ndarray, count: int
) -> int:
    i, j, s = block
    middle = number[i + s // 2, j + s // 2]
    previous = number[i, j]
    for step in range(1, 4 * s + 1):
        row, column = _around((i, j), s, step)
        here = number[row, column]
        if here != UNUSED:
            _write(out, count, (middle, previous, here), flag)
            previous = here
            count += 1
    return count


@njit(cache=True, nogil=True)
def _write(out: np.ndarray, row: int, triangle: tuple[int, int, int], flag: int) -> None:
    out[row, 0] = triangle[0]
    out[row, 1] = triangle[1]
    out[row, 2] = triangle[2]
    out[row, 3] = flag
