"""PatchMatch search and voting over 7x7 patches: the inner loops of `inpaint`.

A *target* is the centre of a patch that overlaps hidden pixels; its *match* is the centre of
the patch of the photograph that looks most like it. No fast-math and a generator of our own:
the same inputs give the same bits. Sources: Barnes et al., "PatchMatch", 2009, for the search;
Wexler et al., "Space-time completion of video", 2007, for the votes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

RADIUS = 3
SIDE = 2 * RADIUS + 1
NO_MATCH = -1
ROW_WEIGHT = 0.15  # of a match that many picture heights up or down, as a difference in colour
COLUMN_WEIGHT = 0.02  # the same sideways; 0.04 already stamps the nearest thing again and again


class Level(NamedTuple):
    """One size of the pyramid, as the kernels need it; its arrays are changed in place."""

    features: np.ndarray
    """float32 `(H, W, 4)`: red, green, blue and the weighted guide."""
    weight: np.ndarray
    """float32 `(H, W)`: how far a pixel's colour counts in a comparison; 0 is not at all."""
    valid: np.ndarray
    """bool `(H, W)`: centres of patches that may be copied."""
    targets: np.ndarray
    """int32 `(N, 2)`: target centres (y, x) in reading order."""
    matches: np.ndarray
    """int32 `(H, W, 2)`: the match (y, x) of each target, `NO_MATCH` elsewhere."""
    costs: np.ndarray
    """float32 `(H, W)`: what each match costs, see `match_cost`."""


@njit(cache=True, nogil=True)
def random_below(state: np.ndarray, limit: int) -> np.int64:
    """A random whole number of [0, limit), by Marsaglia's xorshift on one non-zero uint64."""
    bits = state[0]
    bits ^= bits << np.uint64(13)
    bits ^= bits >> np.uint64(7)
    bits ^= bits << np.uint64(17)
    state[0] = bits
    return np.int64((bits >> np.uint64(11)) % np.uint64(limit))


@njit(cache=True, nogil=True)
def match_cost(
    level: Level, ty: int, tx: int, sy: int, sx: int, best: np.float32
) -> np.float32:
    """Mean squared difference of target and source plus the position terms.

    Stops early, with some number above `best`, once it is above it. Only colours are weighted:
    where little colour is known, the guide and the position decide.
    """
    features, weight = level.features, level.weight
    rows_away = np.float32((ty - sy) * (ROW_WEIGHT / weight.shape[0]))
    columns_away = np.float32((tx - sx) * (COLUMN_WEIGHT / weight.shape[0]))
    position = rows_away * rows_away + columns_away * columns_away
    limit = (best - position) * np.float32(SIDE * SIDE)
    # Unsigned indices: numba then leaves out its test for negative ones, a third of the time.
    ty0, tx0 = np.uint64(ty - RADIUS), np.uint64(tx - RADIUS)
    sy0, sx0 = np.uint64(sy - RADIUS), np.uint64(sx - RADIUS)
    zero, one, two, three = np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(3)
    red, green, blue, guide = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
    for i in range(np.uint64(SIDE)):
        ti, si = ty0 + i, sy0 + i
        for j in range(np.uint64(SIDE)):
            tj, sj = tx0 + j, sx0 + j
            w = weight[ti, tj]
            d_red = features[ti, tj, zero] - features[si, sj, zero]
            d_green = features[ti, tj, one] - features[si, sj, one]
            d_blue = features[ti, tj, two] - features[si, sj, two]
            d_guide = features[ti, tj, three] - features[si, sj, three]
            red += w * d_red * d_red
            green += w * d_green * d_green
            blue += w * d_blue * d_blue
            guide += d_guide * d_guide
        if red + green + blue + guide > limit:
            break
    return (red + green + blue + guide) / np.float32(SIDE * SIDE) + position


@njit(cache=True, nogil=True)
def try_match(level: Level, ty: int, tx: int, sy: int, sx: int) -> None:
    """Give the target this match if it lies inside, may be copied and costs less."""
    height, width = level.valid.shape
    if sy < 0 or sx < 0 or sy >= height or sx >= width or not level.valid[sy, sx]:
        return
    if level.matches[ty, tx, 0] == sy and level.matches[ty, tx, 1] == sx:
        return
    cost = match_cost(level, ty, tx, sy, sx, level.costs[ty, tx])
    if cost < level.costs[ty, tx]:
        level.costs[ty, tx] = cost
        level.matches[ty, tx, 0] = sy
        level.matches[ty, tx, 1] = sx


@njit(cache=True, nogil=True)
def complete_matches(level: Level, sources: np.ndarray, state: np.ndarray) -> None:
    """Give every target that has no match a random one of `sources`, int32 `(M, 2)`."""
    for k in range(level.targets.shape[0]):
        ty, tx = level.targets[k, 0], level.targets[k, 1]
        if level.matches[ty, tx, 0] == NO_MATCH:
            pick = random_below(state, sources.shape[0])
            level.matches[ty, tx, 0] = sources[pick, 0]
            level.matches[ty, tx, 1] = sources[pick, 1]


@njit(cache=True, nogil=True)
def refine_matches(coarse: np.ndarray, level: Level) -> None:
    """Take over the coarser level's matches, twice as far, where they are valid here."""
    height, width = level.valid.shape
    for k in range(level.targets.shape[0]):
        ty, tx = level.targets[k, 0], level.targets[k, 1]
        sy, sx = coarse[ty // 2, tx // 2, 0], coarse[ty // 2, tx // 2, 1]
        if sy == NO_MATCH:
            continue
        sy = min(2 * sy + ty % 2, height - 1)
        sx = min(2 * sx + tx % 2, width - 1)
        if level.valid[sy, sx]:
            level.matches[ty, tx, 0] = sy
            level.matches[ty, tx, 1] = sx


@njit(cache=True, nogil=True)
def search(
    level: Level, targets: np.ndarray, reach: int, sweeps: int, state: np.ndarray
) -> None:
    """Improve the matches: a sweep tries each neighbour's, and random ones within `reach`.

    `targets` are those of some whole rows; no others are read or written, so that bands of rows
    may be searched at once. Sweeps go forth and back in turn. Every target must have a match.
    """
    matches = level.matches
    for k in range(targets.shape[0]):
        ty, tx = targets[k, 0], targets[k, 1]
        sy, sx = matches[ty, tx, 0], matches[ty, tx, 1]
        level.costs[ty, tx] = match_cost(level, ty, tx, sy, sx, np.float32(np.inf))
    for sweep in range(sweeps):
        step = 1 - 2 * (sweep % 2)
        edge = targets[0, 0] if step == 1 else targets[-1, 0]
        for turn in range(targets.shape[0]):
            k = turn if step == 1 else targets.shape[0] - 1 - turn
            ty, tx = targets[k, 0], targets[k, 1]
            if matches[ty, tx - step, 0] != NO_MATCH:
                sy, sx = matches[ty, tx - step, 0], matches[ty, tx - step, 1]
                try_match(level, ty, tx, sy, sx + step)
            if ty != edge and matches[ty - step, tx, 0] != NO_MATCH:
                sy, sx = matches[ty - step, tx, 0], matches[ty - step, tx, 1]
                try_match(level, ty, tx, sy + step, sx)
            radius = reach
            while radius >= 1:
                sy = matches[ty, tx, 0] + random_below(state, 2 * radius + 1) - radius
                sx = matches[ty, tx, 1] + random_below(state, 2 * radius + 1) - radius
                try_match(level, ty, tx, sy, sx)
                radius //= 2


@njit(cache=True, nogil=True)
def vote(level: Level, pixels: np.ndarray, scale: float) -> np.ndarray:
    """The colour that the matches propose for each of `pixels` (y, x), as float32 `(N, 3)`.

    Every patch over a pixel offers the pixel of its match. Patches that fit well and stand on
    known ground count more: `scale` is the cost at which a patch has lost three quarters of its
    say. A pixel for which nobody votes keeps the colour it has.
    """
    features, weight, matches = level.features, level.weight, level.matches
    height, width = weight.shape
    say = np.zeros((height, width), np.float32)
    for k in range(level.targets.shape[0]):
        ty, tx = level.targets[k, 0], level.targets[k, 1]
        if matches[ty, tx, 0] != NO_MATCH:
            fit = 1.0 / (1.0 + level.costs[ty, tx] / scale)
            say[ty, tx] = np.float32(fit * fit) * (weight[ty, tx] + np.float32(0.01))
    answer = np.zeros((pixels.shape[0], 3), np.float32)
    for k in range(pixels.shape[0]):
        y, x = pixels[k, 0], pixels[k, 1]
        red, green, blue, total = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
        for ty in range(max(0, y - RADIUS), min(height, y + RADIUS + 1)):
            for tx in range(max(0, x - RADIUS), min(width, x + RADIUS + 1)):
                w = say[ty, tx]
                if w > 0:
                    sy, sx = matches[ty, tx, 0] + y - ty, matches[ty, tx, 1] + x - tx
                    red += w * features[sy, sx, 0]
                    green += w * features[sy, sx, 1]
                    blue += w * features[sy, sx, 2]
                    total += w
        if total > 0:
            answer[k, 0] = red / total
            answer[k, 1] = green / total
            answer[k, 2] = blue / total
        else:
            answer[k, 0] = features[y, x, 0]
            answer[k, 1] = features[y, x, 1]
            answer[k, 2] = features[y, x, 2]
    return answer
