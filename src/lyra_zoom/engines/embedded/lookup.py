"""Where what lies beyond a photograph takes its colours from: the photograph, mirrored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from lyra_zoom.engines.embedded.ground import Ground
from lyra_zoom.geometry.camera import Intrinsics, Pixels
from lyra_zoom.geometry.image import Mask, Plane, Size
from lyra_zoom.geometry.rigid import Point, Points

GROUND_STRETCH = 0.5  # of the border's depth: how much of the nearest ground is repeated
TOP_STRIP = 0.12  # of the height: what is repeated above the picture
LOWEST_ROWS = 0.9  # of the height: rows below this are the lower border
LEAST_SHARE = 0.15  # of the width: less ground at the lower border is too little to repeat
WIDE = 0.5  # of the width: ground that reaches in so far goes on with all that is on it
LEAST_REACH = 0.02  # of the width: with less ground at a side, too little is known of it
LEAST_ROWS, EDGE_PX = 20, 4  # that show ground at a side, and the strip where they must
GROUND_TOLERANCE = 0.08  # relative depth by which a surface may differ from the ground plane


@dataclass(frozen=True, slots=True)
class ShownGround:
    """Where a photograph shows ground at its borders, in pixels.

    `columns`: from where to where along the lower border. `left`, `right`: how far it reaches
    into the picture from either side; all of the width where that is too little to tell.
    """

    columns: tuple[float, float]
    left: float
    right: float

    def strips(self, width: int) -> tuple[int, int]:
        """The widths of what goes on beside it as nothing but ground; 0: all of it goes on."""
        left, right = (int(r) if r < WIDE * width else 0 for r in (self.left, self.right))
        return left, right

    def below(self, u: np.ndarray) -> np.ndarray:
        """Columns for ground below the picture, from where the lower border shows ground."""
        start, end = self.columns
        return start + fold(u - start, end - start)

    def beside(self, u: np.ndarray, width: int) -> np.ndarray:
        """Columns for ground beside the picture, taken from the ground next to that side.

        Those of strips lie outside the picture, mirrored at its side.
        """
        left, right = self.strips(width)
        on_left = -fold(u, left) if left else fold(u, self.left)
        on_right = fold(u - width, right) if right else -fold(u - width, self.right)
        return np.where(u < 0, on_left, np.where(u > width, width + on_right, u))


def lies_on(disparity: Plane, ground: Ground) -> Mask:
    """Where the photograph's own map of disparity lies on the ground plane."""
    height, width = disparity.shape
    x = ((np.arange(width) + 0.5) / width)[None]
    y = ((np.arange(height) + 0.5) / height)[:, None]
    plane = ground.disparity(x, y)
    flat: Mask = (plane > 0) & (np.abs(disparity - plane) < GROUND_TOLERANCE * plane)
    return flat


def shown_ground(disparity: Plane, ground: Ground) -> ShownGround:
    """How far the photograph shows ground along its borders."""
    height, width = disparity.shape
    flat = lies_on(disparity, ground)
    lowest = flat[int(height * LOWEST_ROWS) :].mean(0) > 0.6
    start, end = _longest_run(lowest)
    if end - start < LEAST_SHARE * width:
        start, end = 0, width
    left, right = (_reach_inwards(mask, width) for mask in (flat, flat[:, ::-1]))
    return ShownGround((float(start), float(end)), left, right)


def _longest_run(flags: np.ndarray) -> tuple[int, int]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    runs = edges.reshape(-1, 2)
    if len(runs) == 0:
        return 0, 0
    start, end = runs[np.argmax(runs[:, 1] - runs[:, 0])]
    return int(start), int(end)


def _reach_inwards(flat: Mask, width: int) -> float:
    """How far nearly all rows that show ground at the left border go on showing it."""
    bordering = flat[flat[:, :EDGE_PX].all(1)]
    lengths = np.where(bordering.all(1), width, np.argmin(bordering, axis=1))
    if len(lengths) < LEAST_ROWS or np.quantile(lengths, 0.1) < LEAST_REACH * width:
        return float(width)
    return float(np.quantile(lengths, 0.1))


def ground_in_world(
    ground: Ground, K: Intrinsics, size: Size, subject_depth: float
) -> np.ndarray:
    """The plane as `n` with `n . X = 1` for points X on it, in world units."""
    a, b, c = ground.coefficients / subject_depth
    per_pixel = np.array([a / size.width, b / size.height, c])
    return K.T @ per_pixel


@dataclass(frozen=True, slots=True)
class Lookup:
    """Where beyond the photograph colours come from: its camera, and the ground it shows.

    `ground` is the plane as `n` with `n . X = 1` for world points X on it, or None; `shown`
    says where the photograph shows it.
    """

    K: Intrinsics
    size: Size
    ground: Point | None = None
    shown: ShownGround | None = None
    strip: float = TOP_STRIP

    def uv(self, points_world: Points, on_ground: Bool[np.ndarray, "*N"]) -> Pixels:
        """The pixel of the photograph that lends its colour to each point.

        Ground nearer than what the lower border shows repeats the nearest stretch of ground, to
        and fro in depth, so that its scale stays true. All else is folded at the borders; above
        the picture only a `strip` of its height is repeated, for a house upside down on its
        roof is worse.
        """
        K, size = self.K, self.size
        x, y, z = np.moveaxis(points_world, -1, 0)
        border = np.maximum(K[1, 1] * y / (size.height - K[1, 2]), 1e-6)  # its depth down there
        missing = np.where(on_ground & (y > 0), border - z, 0.0)
        nearest = border + fold(missing, GROUND_STRETCH * border)
        z = np.where(missing > 0, nearest, np.maximum(z, 1e-6))
        u = K[0, 0] * x / z + K[0, 2]
        v = K[1, 1] * y / z + K[1, 2]
        u_folded = fold(u, size.width)
        if self.shown is not None:
            beside = self.shown.beside(u, size.width)
            below = self.shown.below(u)
            u_folded = np.where(on_ground, np.where(missing > 0, below, beside), u_folded)
        v = np.where(v < 0, fold(v, self.strip * size.height), fold(v, size.height))
        return np.stack([u_folded, v], -1)


def fold(position: np.ndarray, length: np.ndarray | float) -> np.ndarray:
    """A position beyond [0, length] reflected back into it, as often as it takes."""
    period = np.abs(position) % (2 * length)
    return np.where(period > length, 2 * length - period, period)
