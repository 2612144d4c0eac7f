"""Mean colours to either side of an outline, at the pixels beside it only; for `matte`."""

from __future__ import annotations

import numpy as np
from numba import njit

LEAST_WEIGHT = np.float32(1e-4)
"""Weight of a pixel right at the outline, beside 1 for one at the end of the band or beyond."""


@njit(cache=True, nogil=True)
def side_colours(
    colour: np.ndarray, inward_px: np.ndarray, band_px: float, falloff: np.ndarray
) -> np.ndarray:
    """Mean colour of either side around the pixels near an outline: float32 `(2, H, W, 4)`.

    First the near side, `inward_px` above 0, then the far side; three colours and their summed
    variance. `falloff` is the weight by distance in rows or columns. The farther
    from the outline, the surer a pixel belongs to its side and the more it counts. Every second
    pixel is looked at, like a chessboard's black squares. Zero where a side is out of reach.
    """
    height, width = inward_px.shape
    reach = falloff.shape[0] - 1
    means = np.zeros((2, height, width, 4), np.float32)
    totals = np.zeros((2, 5), np.float32)
    for y in range(height):
        for x in range(width):
            if abs(inward_px[y, x]) > band_px + 2:
                continue
            for side in range(2):
                for c in range(5):
                    totals[side, c] = np.float32(0)
            for i in range(max(0, y - reach), min(height, y + reach + 1)):
                first = max(0, x - reach)
                for j in range(first + (i + first) % 2, min(width, x + reach + 1), 2):
                    side = 0 if inward_px[i, j] > 0 else 1
                    sure = min(np.float32(1), abs(inward_px[i, j]) / np.float32(band_px))
                    sure *= sure
                    weight = (
                        (sure * sure + LEAST_WEIGHT) * falloff[abs(i - y)] * falloff[abs(j - x)]
                    )
                    red, green, blue = colour[i, j, 0], colour[i, j, 1], colour[i, j, 2]
                    totals[side, 0] += weight * red
                    totals[side, 1] += weight * green
                    totals[side, 2] += weight * blue
                    totals[side, 3] += weight * (red * red + green * green + blue * blue)
                    totals[side, 4] += weight
            for side in range(2):
                total = totals[side, 4]
                if total > 0:
                    red, green, blue = totals[side, 0], totals[side, 1], totals[side, 2]
                    squares = (red * red + green * green + blue * blue) / total
                    means[side, y, x, 0] = red / total
                    means[side, y, x, 1] = green / total
                    means[side, y, x, 2] = blue / total
                    spread = (totals[side, 3] - squares) / total
                    means[side, y, x, 3] = max(np.float32(0), spread)
    return means
