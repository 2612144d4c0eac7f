"""Gauss-Seidel sweeps for smooth (membrane) extension; knows not what the values mean."""

from __future__ import annotations

import numpy as np
from numba import njit

OVER_RELAXATION = np.float32(1.7)
"""Step of a sweep over the neighbours' mean; more converges faster, 2 no longer does."""


@njit(cache=True, nogil=True)
def relax(values: np.ndarray, known: np.ndarray, sweeps: int) -> None:
    """Move unknown values towards the mean of their four neighbours, in place.

    `values` is float32 `(H, W, C)`, `known` is bool `(H, W)`. A pixel at the border is its own
    neighbour there, so that nothing flows over it. Red pixels of the chessboard first, then
    black: within one colour their order does not matter.
    """
    height, width, channels = values.shape
    for half_sweep in range(2 * sweeps):
        for y in range(height):
            above, below = max(y - 1, 0), min(y + 1, height - 1)
            for x in range((y + half_sweep) % 2, width, 2):
                if known[y, x]:
                    continue
                left, right = max(x - 1, 0), min(x + 1, width - 1)
                for c in range(channels):
                    vertical = values[above, x, c] + values[below, x, c]
                    horizontal = values[y, left, c] + values[y, right, c]
                    mean = (vertical + horizontal) * np.float32(0.25)
                    values[y, x, c] += OVER_RELAXATION * (mean - values[y, x, c])
