"""Gauss-Seidel sweeps for smooth (membrane) extension; knows nothing of what the values mean."""

from __future__ import annotations

import numpy as np
from numba import njit

OVER_RELAXATION = np.float32(1.5)
"""Step of a sweep over the neighbours' mean; more converges faster, 2 no longer does."""


@njit(cache=True, nogil=True)
def relax(values: np.ndarray, known: np.ndarray, sweeps: int) -> None:
    """Move unknown values towards the mean of their four neighbours, in place.

    `values` is float32 `(H, W, C)`, `known` is bool `(H, W)`. Neighbours outside the picture do
    not count, so nothing flows over its border. Red pixels first, then black: the order of the
    pixels within one colour does not matter.
    """
    height, width, channels = values.shape
    for half_sweep in range(2 * sweeps):
        for y in range(height):
            for x in range((y + half_sweep) % 2, width, 2):
                if known[y, x]:
                    continue
                for c in range(channels):
                    total = np.float32(0)
                    count = np.float32(0)
                    if y > 0:
                        total += values[y - 1, x, c]
                        count += np.float32(1)
                    if y < height - 1:
                        total += values[y + 1, x, c]
                        count += np.float32(1)
                    if x > 0:
                        total += values[y, x - 1, c]
                        count += np.float32(1)
                    if x < width - 1:
                        total += values[y, x + 1, c]
                        count += np.float32(1)
                    if count > 0:
                        step = total / count - values[y, x, c]
                        values[y, x, c] += OVER_RELAXATION * step
