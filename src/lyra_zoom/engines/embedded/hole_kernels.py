"""Closes small holes of a frame from their rims; knows nothing of how the frame was made."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def close_holes(frame: np.ndarray, holes: np.ndarray, rounds: int) -> int:
    """Grow the known pixels into the holes, `rounds` pixels deep; how many pixels are left.

    `frame` is uint8 RGB; it and `holes` are changed in place. A pixel gets the mean of those of
    its 8 neighbours that were known when its round began.
    """
    rows, columns = np.nonzero(holes)
    left = len(rows)
    for _ in range(rounds):
        waiting = 0
        reached = left  # those reached move to the end of the list
        k = 0
        while k < reached:
            y = rows[k]
            x = columns[k]
            if _write_mean_of_known(frame, holes, y, x):
                reached -= 1
                rows[k], rows[reached] = rows[reached], y
                columns[k], columns[reached] = columns[reached], x
            else:
                waiting += 1
                k += 1
        for k in range(reached, left):
            holes[rows[k], columns[k]] = False
        if waiting == left:
            break
        left = waiting
    return left


@njit(cache=True, nogil=True)
def _write_mean_of_known(frame: np.ndarray, holes: np.ndarray, y: int, x: int) -> bool:
    """Give a pixel the mean of its known neighbours; whether it has any."""
    red = 0
    green = 0
    blue = 0
    known = 0
    for j in range(max(y - 1, 0), min(y + 2, holes.shape[0])):
        for i in range(max(x - 1, 0), min(x + 2, holes.shape[1])):
            if not holes[j, i]:
                known += 1
                red += frame[j, i, 0]
                green += frame[j, i, 1]
                blue += frame[j, i, 2]
    if known == 0:
        return False
    frame[y, x, 0] = (2 * red + known) // (2 * known)
    frame[y, x, 1] = (2 * green + known) // (2 * known)
    frame[y, x, 2] = (2 * blue + known) // (2 * known)
    return True
