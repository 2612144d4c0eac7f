"""Invents what stands behind near objects, from the rest of the photograph, once per scene.

Knows colours, masks and a guide (the disparity of the layer behind); no cameras, no meshes.
Copies patches, coarse to fine: structure is settled where the picture is small, and the finest
level only carries out the shifts found there.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np

from lyra_zoom.engines.embedded.patchmatch_kernels import (
    NO_MATCH,
    RADIUS,
    SIDE,
    Level,
    complete_matches,
    refine_matches,
    search,
    vote,
)
from lyra_zoom.engines.embedded.push_pull import push_pull
from lyra_zoom.geometry.image import Mask, Plane, RgbFloat, Size, resize

FIRST_STATE, SECOND_STATE = 0x9E3779B97F4A7C15, 0xD1B54A32D192ED03  # of two generators
BAND_EDGES = (0.45, 0.55)  # shares of the targets where bands of rows meet, in turn
GUIDE_WEIGHT = 0.6  # of a difference in the root of disparity, beside one in colour
SMALLEST_SIDE_PX = 28  # of the coarsest level: four patches
WIDEST_SEARCHED_PX = 800  # wider levels only carry out the shifts of the next coarser one
FOG_WEIGHT = 0.01  # of the smooth start in the very first search
TRUST_FADES_PX = 4.0  # this far from the known side, an invented colour counts half
STRICTNESS = 0.1  # mean costs at which a patch has lost three quarters of its say
SEAM_PX = 8.0  # how deep a step at the seam is faded out
SEAM_STEP = 0.15  # in colour; larger ones stay: the two sides are different things


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard a level is worked on: `rounds` of a search, of so many sweeps, and a vote."""

    rounds: int
    sweeps: int
    reach_px: int


EFFORTS = (Effort(1, 2, 1), Effort(2, 2, 4), Effort(2, 2, 8), Effort(3, 2, 8), Effort(6, 4, 16))
"""From the finest searched level to the coarsest, whose reach is the whole picture."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A picture with hidden pixels at one size of the pyramid; nothing is hidden and barred."""

    colour: RgbFloat
    hidden: Mask
    barred: Mask
    guide: Plane

    @property
    def known(self) -> Mask:
        """Pixels that may be copied."""
        return ~(self.hidden | self.barred)


def inpaint_behind(
    colour: RgbFloat, hidden: Mask, barred: Mask, guide: Plane, seed: int
) -> RgbFloat:
    """The picture with its hidden pixels invented from those neither hidden nor barred.

    `guide` is the disparity of the layer behind, 0 to 1, known everywhere: like is copied to
    like. Pixels that are not hidden come back as they were. Where there is no whole patch to
    copy, hidden pixels are filled smoothly.
    """
    state = np.array([[FIRST_STATE ^ (seed & 0xFFFFFFFF)], [SECOND_STATE]], np.uint64)
    finest = Gap(colour, hidden, barred & ~hidden, guide)
    coarser = None
    for gap, effort in reversed(_plan(finest)):
        level = _level_of(gap, coarser)
        if coarser is not None:
            refine_matches(coarser.matches, level)
        elif not level.valid.any() or not len(level.targets):
            continue
        _invent(level, gap, effort, state, is_first=coarser is None)
        coarser = level
    if coarser is None:
        smooth = push_pull(colour, finest.known.astype(np.float32))
        return np.where(hidden[..., None], smooth, colour)
    return _close_seam(coarser, finest)


def _plan(gap: Gap) -> list[tuple[Gap, Effort | None]]:
    """The pyramid, finest first, and the effort per level; None means to copy only."""
    gaps = [gap]
    while min(gaps[-1].hidden.shape) >= 2 * SMALLEST_SIDE_PX:
        gaps.append(_coarser(gaps[-1]))
    copied = [gap for gap in gaps if gap.hidden.shape[1] > WIDEST_SEARCHED_PX]
    searched = gaps[len(copied) :]
    efforts = [EFFORTS[min(depth, len(EFFORTS) - 1)] for depth in range(len(searched))]
    return [(gap, None) for gap in copied] + list(zip(searched, efforts, strict=True))


def _coarser(gap: Gap) -> Gap:
    """The gap at half the size, rounded up; a pixel is what most of its area was."""
    known = gap.known.astype(np.float32)
    weight = _half(known)
    colour = (
        _half(gap.colour * known[..., None]) / np.maximum(weight, np.float32(1e-6))[..., None]
    )
    is_known = weight >= 0.5
    is_hidden = ~is_known & (
        _half(gap.hidden.astype(np.float32)) >= _half(gap.barred.astype(np.float32))
    )
    return Gap(colour, is_hidden, ~(is_known | is_hidden), _half(gap.guide))


def _half(array: np.ndarray) -> np.ndarray:
    """Means of 2x2 pixels; an odd last row or column is repeated to keep pixels aligned."""
    odd_height, odd_width = array.shape[0] % 2, array.shape[1] % 2
    if odd_height or odd_width:
        array = cv2.copyMakeBorder(array, 0, odd_height, 0, odd_width, cv2.BORDER_REPLICATE)
    return resize(array, Size(array.shape[1] // 2, array.shape[0] // 2))


def _level_of(gap: Gap, coarser: Level | None) -> Level:
    """What the kernels need of a gap; what is hidden starts as the coarser level or smooth."""
    shape = gap.hidden.shape
    start = (
        push_pull(gap.colour, gap.known.astype(np.float32))
        if coarser is None
        else _double(coarser.features[..., :3], Size.of(gap.colour))
    )
    features = np.empty((*shape, 4), np.float32)
    features[..., :3] = np.where(gap.hidden[..., None], start, gap.colour)
    features[..., 3] = np.float32(GUIDE_WEIGHT) * np.sqrt(np.clip(gap.guide, 0, 1))
    inward_px = cv2.distanceTransform(gap.hidden.astype(np.uint8), cv2.DIST_L2, 5)
    weight = np.float32(1) / (1 + inward_px / np.float32(TRUST_FADES_PX))
    weight[gap.barred] = 0
    overlap = cv2.dilate(gap.hidden.astype(np.uint8), np.ones((SIDE, SIDE), np.uint8)) > 0
    whole = cv2.erode(gap.known.astype(np.uint8), np.ones((SIDE, SIDE), np.uint8)) > 0
    return Level(
        features=features,
        weight=weight,
        valid=_inside(whole),
        targets=np.argwhere(_inside(overlap)).astype(np.int32),
        matches=np.full((*shape, 2), NO_MATCH, np.int32),
        costs=np.zeros(shape, np.float32),
    )


def _invent(
    level: Level, gap: Gap, effort: Effort | None, state: np.ndarray, *, is_first: bool
) -> None:
    """Replace the hidden colours of a level by what its matches offer."""
    at = np.nonzero(gap.hidden)
    pixels = np.stack(at, axis=1).astype(np.int32)
    colours = level.features[..., :3]
    if not is_first:
        colours[at] = vote(level, pixels, 1.0)
    if effort is None or not level.valid.any():
        return
    complete_matches(level, np.argwhere(level.valid).astype(np.int32), state[0])
    reach_px = max(gap.hidden.shape) if is_first else effort.reach_px
    trusted = level.weight[at]
    ys, xs = level.targets.T
    for turn in range(effort.rounds):
        is_fog = is_first and turn == 0
        level.weight[at] = trusted * np.float32(FOG_WEIGHT if is_fog else 1)
        above, *below = _bands(level.targets, BAND_EDGES[turn % len(BAND_EDGES)])
        with ThreadPoolExecutor(1) as aside:
            others = [
                aside.submit(search, level, band, reach_px, effort.sweeps, state[1])
                for band in below
            ]
            search(level, above, reach_px, effort.sweeps, state[0])
        for other in others:
            other.result()
        scale = STRICTNESS * float(level.costs[ys, xs].mean(dtype=np.float64)) + 1e-6
        colours[at] = vote(level, pixels, scale)


def _bands(targets: np.ndarray, edge: float) -> list[np.ndarray]:
    """Whole rows of targets, above and below about that share of them; none is empty."""
    rows = targets[:, 0]
    first_below = int(np.searchsorted(rows, rows[int(edge * len(rows))]))
    return [band for band in np.split(targets, [first_below]) if len(band)]


def _close_seam(level: Level, gap: Gap) -> RgbFloat:
    """The filled picture without the step where invention meets the photograph.

    The step is what the matches would have put on the known side, against what is there.
    """
    near_seam = cv2.dilate(gap.hidden.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    rim = near_seam & gap.known
    at = np.nonzero(rim)
    step = gap.colour[at] - vote(level, np.stack(at, axis=1).astype(np.int32), 1.0)
    unlikeness = np.square(step / np.float32(SEAM_STEP)).sum(axis=1, keepdims=True)
    steps = np.zeros_like(gap.colour)
    steps[at] = step / np.square(1 + unlikeness)
    steps = push_pull(steps, rim.astype(np.float32))
    at = np.nonzero(gap.hidden)
    inward_px = cv2.distanceTransform(gap.hidden.astype(np.uint8), cv2.DIST_L2, 5)[at]
    fade = np.float32(1) / (1 + np.square(inward_px / np.float32(SEAM_PX)))
    copied = gap.colour[np.nonzero(gap.known)]
    lowest, highest = (cv2.reduce(copied, 0, how) for how in (cv2.REDUCE_MIN, cv2.REDUCE_MAX))
    closed = gap.colour.copy()
    closed[at] = np.clip(
        level.features[..., :3][at] + fade[:, None] * steps[at], lowest, highest
    )
    return closed


def _double(coarse: RgbFloat, size: Size) -> np.ndarray:
    """The coarse picture at twice its size, which is `size` or an odd row or column more."""
    height, width = coarse.shape[:2]
    return resize(coarse, Size(2 * width, 2 * height))[: size.height, : size.width]


def _inside(mask: Mask) -> Mask:
    """The mask without centres whose patch would leave the picture."""
    inside = np.zeros_like(mask)
    middle = (slice(RADIUS, -RADIUS), slice(RADIUS, -RADIUS))
    inside[middle] = mask[middle]
    return inside
