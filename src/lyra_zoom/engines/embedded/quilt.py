"""Continues a texture by pieces of itself, cut so that they fit; knows nothing of cameras.

Source: Efros and Freeman, "Image quilting for texture synthesis and transfer", 2001. Nothing is
mirrored, so lines go on in their own direction. Pieces are chosen on smaller copies.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from jaxtyping import Bool, Float32

from lyra_zoom.geometry.image import Mask, Plane, RgbFloat

COARSER = 4  # times smaller is the copy on which pieces are compared and cut
LIKENESS = 1.15  # times the least difference: pieces as good as that are drawn among
USED = 0.1  # of its difference, that a place seems less like for each time it was taken
USUAL = 2.0  # usual differences from most of the texture: no more is nothing unusual
UNUSUAL = 3.0  # of it, for each such difference more that anything in a piece is off
LEAST_PLACES = 40  # of a piece, on the smaller copy; fewer would only repeat themselves


@dataclass(frozen=True, slots=True)
class Piece:
    """Size of a piece in pixels, and by how much pieces overlap; multiples of `COARSER`."""

    height: int
    width: int
    overlap: int


PIECES = (Piece(96, 160, 32), Piece(64, 96, 24), Piece(32, 48, 12))
"""From the largest, which repeats least, to the smallest, which still finds a place."""


@dataclass(frozen=True, slots=True)
class Swatch:
    """A texture and where whole pieces of it may be taken (first pixels, smaller copy).

    `unlike`: how unusual the most unusual part of the piece at each place is.
    """

    colour: RgbFloat
    piece: Piece
    places: Bool[np.ndarray, "rows columns"]
    unlike: Float32[np.ndarray, "rows columns"]


def swatch_of(colour: RgbFloat, usable: Mask, unlike: Plane) -> Swatch | None:
    """The texture with the largest pieces that fit often enough into what is usable.

    `unlike`: how unusual each pixel is; pieces with anything unusual are rarely taken.
    """
    small = _shrunk(usable.astype(np.float32)) > 0.99
    sums = np.pad(small.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    for piece in PIECES:
        h, w = piece.height // COARSER, piece.width // COARSER
        if h > small.shape[0] or w > small.shape[1]:
            continue
        whole = sums[h:, w:] - sums[:-h, w:] - sums[h:, :-w] + sums[:-h, :-w]
        places = whole == h * w
        if places.sum() >= LEAST_PLACES:
            most = cv2.dilate(_shrunk(unlike), np.ones((h, w), np.uint8), anchor=(0, 0))
            return Swatch(colour, piece, places, most[: places.shape[0], : places.shape[1]])
    return None


def quilt(canvas: RgbFloat, known: Mask, swatch: Swatch, middle: int, seed: int) -> RgbFloat:
    """The canvas with all that is not known filled, row by row, from column `middle` outwards.

    Pieces are laid over what is there; the canvas is at least a piece large.
    """
    rng = np.random.default_rng(seed)
    filled_canvas, filled = canvas.copy(), known.copy()
    small_swatch = np.ascontiguousarray(_shrunk(swatch.colour))
    piece, uses = swatch.piece, np.zeros(swatch.places.shape, np.float32)
    for top in _starts(0, canvas.shape[0], piece.height, piece.overlap):
        for left in _outwards(canvas.shape[1], piece, middle):
            part = np.s_[top : top + piece.height, left : left + piece.width]
            if filled[part].all():
                continue
            there, fixed = filled_canvas[part], filled[part]
            y, x = _choose(small_swatch, swatch, uses, (there, fixed), rng)
            new = swatch.colour[y : y + piece.height, x : x + piece.width]
            share = _cut(there, fixed, new, piece.overlap, from_left=left >= middle)
            there += share[..., None] * (new - there)
            fixed[:] = True
    return filled_canvas


def _starts(first: int, length: int, side: int, overlap: int) -> list[int]:
    """Where pieces begin so that they cover from `first` to `length`."""
    last = length - side
    return [*range(first, last, side - overlap), last]


def _outwards(width: int, piece: Piece, middle: int) -> list[int]:
    step = piece.width - piece.overlap
    middle = min(max(middle, 0), width - piece.width)
    to_right = _starts(middle, width, piece.width, piece.overlap)
    return [*to_right, *[max(x, 0) for x in range(middle - step, -step, -step)]]


def _choose(
    small: np.ndarray,
    swatch: Swatch,
    uses: np.ndarray,
    canvas: tuple[RgbFloat, Mask],
    rng: np.random.Generator,
) -> tuple[int, int]:
    """Where in the swatch a piece fits what is fixed: its first pixel, row and column.

    `uses` counts how often a place or one beside it was taken; it is brought up to date.
    """
    there, fixed = canvas
    y, x = np.nonzero(swatch.places)
    weight = (_shrunk(fixed.astype(np.float32)) > 0.99).astype(np.float32)
    cost = 1 + USED * uses[y, x] + UNUSUAL * np.maximum(swatch.unlike[y, x] - USUAL, 0)
    if weight.any():
        cost *= _unlikeness(small, _shrunk(there), weight)[y, x]
    near_best = np.flatnonzero(cost <= LIKENESS * cost.min() + 1e-3)
    pick = near_best[int(rng.integers(len(near_best)))]
    about = [
        slice(
            max(int(at[pick]) - side // (2 * COARSER), 0), int(at[pick]) + side // (2 * COARSER)
        )
        for at, side in ((y, swatch.piece.height), (x, swatch.piece.width))
    ]
    uses[about[0], about[1]] += 1
    return _aligned(swatch, (int(y[pick]), int(x[pick])), there, fixed)


def _aligned(
    swatch: Swatch, place: tuple[int, int], there: RgbFloat, fixed: Mask
) -> tuple[int, int]:
    """The place, known to `COARSER` pixels, to a pixel."""
    (height, width), (h, w) = swatch.colour.shape[:2], fixed.shape
    first = [max(at * COARSER - COARSER + 1, 0) for at in place]
    last = [
        min(at * COARSER + COARSER - 1, room)
        for at, room in zip(place, (height - h, width - w), strict=True)
    ]
    about = swatch.colour[first[0] : last[0] + h, first[1] : last[1] + w]
    cost = _unlikeness(about, there, fixed.astype(np.float32))
    y, x = divmod(int(cost.argmin()), cost.shape[1])
    return first[0] + y, first[1] + x


def _unlikeness(texture: np.ndarray, piece: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Summed squared difference for every place of a piece in a texture."""
    mask = np.repeat(weight[..., None], 3, axis=2)
    texture, piece = np.ascontiguousarray(texture), np.ascontiguousarray(piece)
    cost = cv2.matchTemplate(texture, piece, cv2.TM_SQDIFF, mask=mask)
    return np.maximum(np.nan_to_num(cost, nan=np.inf, posinf=np.inf), 0)


def _cut(
    there: RgbFloat, fixed: Mask, new: RgbFloat, overlap: int, *, from_left: bool
) -> np.ndarray:
    """The share of the new piece per pixel: 0 before the cuts through the overlaps, else 1."""
    cost = _shrunk(np.square(new - there).sum(-1) * fixed)
    depth = overlap // COARSER
    below = _beyond_cut(cost[:depth], cost.shape[0])
    sideways = cost.T if from_left else cost.T[::-1]
    beside = _beyond_cut(sideways[:depth], cost.shape[1])
    beside = beside.T if from_left else beside[::-1].T
    size = (fixed.shape[1], fixed.shape[0])
    share = cv2.resize(below * beside, size, interpolation=cv2.INTER_LINEAR)
    return np.where(fixed, share, np.float32(1)).astype(np.float32)


def _beyond_cut(cost: np.ndarray, length: int) -> np.ndarray:
    """1 below the cheapest path from the left to the right side of `cost`, else 0."""
    rows, columns = cost.shape
    total = np.full((columns, rows + 2), np.inf, np.float32)  # walled in on both sides
    total[:, 1:-1] = cost.T
    for before, here in pairwise(total):
        here[1:-1] += np.minimum(np.minimum(before[:-2], before[1:-1]), before[2:])
    path = [int(total[-1].argmin())]
    for before in total[-2::-1]:
        path.append(path[-1] - 1 + int(before[path[-1] - 1 : path[-1] + 2].argmin()))
    first = np.array(path[::-1]) - 1
    return (np.arange(length)[:, None] >= first).astype(np.float32)


def _shrunk(values: np.ndarray) -> np.ndarray:
    size = (values.shape[1] // COARSER, values.shape[0] // COARSER)
    return cv2.resize(values, size, interpolation=cv2.INTER_AREA)
