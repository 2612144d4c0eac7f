"""How far a move may go on its own judgement: as far as the photograph carries it.

Three things end it. What the photograph does not show has to be invented, so the share of a
frame that no point of it reaches is predicted from depth. What it shows small or at a low angle
and a frame shows large betrays every error of that depth as lean and bend, and has no detail;
so the share of a frame that is stretched is predicted too. And there is a most for each kind of
place, found by people who made many such videos: small rooms bear less than open views.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Bool, Float64

from lyra_zoom.geometry.camera import (
    CameraPath,
    Intrinsics,
    pixel_centres,
    project,
    scale_intrinsics,
    unproject,
)
from lyra_zoom.geometry.image import Plane, Size

MOST_UNCOVERED = 0.18  # of a frame that may have to be invented
STRETCHED = 2.0  # times as long or wide as in the photograph
MOST_STRETCHED = 0.1  # of a frame that may be
ONE_SURFACE = 1.15  # quotient of neighbouring depths: from this they are two things
MOST_IN_A_ROOM, MOST_IN_THE_OPEN = 0.2, 0.3  # strength, whatever the move
LITTLE_SKY = 0.02  # of the photograph: less is none
SHALLOW = 3.0  # times D: where nearly all is nearer, and no sky is seen, it is a room
NEARLY_ALL = 0.95
CELLS = Size(48, 27)  # a frame is looked at as so many cells, each reached by a point or not
POINTS_PER_CELL = 3  # each way, at the photograph: what comes three times nearer has no gaps
FAR = 1e4  # times D: sky
LOOKS = 5  # frames of a path that are looked at
HALVINGS = 6  # of the interval that holds the answer


@dataclass(frozen=True, slots=True)
class SafeStrength:
    """How strong a move may be, and in words what ended it; None if nothing did."""

    strength: float
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """The photograph as points in space, rows and columns of them, evenly spread."""

    points_world: Float64[np.ndarray, "rows columns 3"]
    one_surface: Bool[np.ndarray, "rows1 columns1"]
    is_room: bool

    @classmethod
    def of(cls, depth: Plane, K: Intrinsics, size: Size, subject_depth: float) -> Shown:
        """The points of a depth map that belongs to pictures of `size`; `inf` is sky."""
        own = Size.of(depth)
        columns = _spread(own.width, CELLS.width * POINTS_PER_CELL)
        rows = _spread(own.height, CELLS.height * POINTS_PER_CELL)
        coarse = depth[np.ix_(rows, columns)].astype(np.float64)
        sky = ~np.isfinite(coarse)
        pixels = pixel_centres(own)[np.ix_(rows, columns)]
        finite = np.where(sky, FAR * subject_depth, coarse)
        points = unproject(pixels, finite, scale_intrinsics(K, size, own))
        shallow = np.quantile(finite, NEARLY_ALL) < SHALLOW * subject_depth
        is_room = bool(sky.mean() < LITTLE_SKY and shallow)
        return cls(points, _one_surface(finite) & ~sky[1:, 1:], is_room)

    def missing_from(self, path: CameraPath) -> float:
        """The largest share of a frame, over a sample of them, that no point reaches."""
        frames = np.unique(np.linspace(0, len(path) - 1, LOOKS).astype(int))
        return max(self._missing(path, int(frame)) for frame in frames[1:])

    def _missing(self, path: CameraPath, frame: int) -> float:
        K = scale_intrinsics(path.K[frame], path.size, CELLS)
        places = project(self.points_world.reshape(-1, 3), path.w2c[frame], K)
        x, y = np.floor(places[places[:, 2] > 0, :2]).T
        inside = (x >= 0) & (x < CELLS.width) & (y >= 0) & (y < CELLS.height)
        reached = np.zeros((CELLS.height, CELLS.width), bool)
        reached[y[inside].astype(int), x[inside].astype(int)] = True
        return float(1 - reached.mean())

    def stretched_in(self, path: CameraPath) -> float:
        """The largest share of a frame, over a sample of them, that is stretched."""
        frames = np.unique(np.linspace(0, len(path) - 1, LOOKS).astype(int))
        return max(self._stretched(path, int(frame)) for frame in frames[1:])

    def _stretched(self, path: CameraPath, frame: int) -> float:
        K = scale_intrinsics(path.K[frame], path.size, CELLS)
        rows, columns = self.points_world.shape[:2]
        flat = project(self.points_world.reshape(-1, 3), path.w2c[frame], K)
        places = flat.reshape(rows, columns, 3)
        across = places[1:, 1:, :2] - places[1:, :-1, :2]
        down = places[1:, 1:, :2] - places[:-1, 1:, :2]
        x, y, z = np.moveaxis(places[1:, 1:], -1, 0)
        seen = (z > 0) & (places[:-1, 1:, 2] > 0) & (places[1:, :-1, 2] > 0)
        seen &= (x >= 0) & (x < CELLS.width) & (y >= 0) & (y < CELLS.height)
        longest = np.maximum(
            np.linalg.norm(across, axis=-1) * columns / CELLS.width,
            np.linalg.norm(down, axis=-1) * rows / CELLS.height,
        )
        area = np.abs(across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0])
        counts = seen & self.one_surface & (longest > STRETCHED)
        return float(area[counts].sum() / (CELLS.width * CELLS.height))


def safe_strength(
    wanted: float, shown: Shown, path_of: Callable[[float], CameraPath]
) -> SafeStrength:
    """The largest strength up to `wanted`; `path_of(strength)` gives the cameras."""
    most = MOST_IN_A_ROOM if shown.is_room else MOST_IN_THE_OPEN
    place = "a room" if shown.is_room else "an open view"
    answer = SafeStrength(wanted)
    if wanted > most:
        answer = SafeStrength(most, f"{place} bears no more than {most:.2f}")
    limits = (
        (shown.missing_from, MOST_UNCOVERED, "leave over {:.0%} of a frame to be invented"),
        (
            shown.stretched_in,
            MOST_STRETCHED,
            "stretch over {:.0%} of a frame to twice its size",
        ),
    )
    for share_of, most_of_frame, words in limits:
        bearable = partial(_is_bearable, share_of, most_of_frame, path_of)
        safe = _largest(answer.strength, bearable)
        if safe < answer.strength:
            answer = SafeStrength(safe, f"more would {words.format(most_of_frame)}")
    return answer


def _is_bearable(
    share_of: Callable[[CameraPath], float],
    most: float,
    path_of: Callable[[float], CameraPath],
    strength: float,
) -> bool:
    return share_of(path_of(strength)) <= most


def _largest(wanted: float, is_safe: Callable[[float], bool]) -> float:
    """The largest strength up to `wanted` that is safe, by halving."""
    if wanted <= 0 or is_safe(wanted):
        return wanted
    safe, too_far = 0.0, wanted
    for _ in range(HALVINGS):
        middle = (safe + too_far) / 2
        if is_safe(middle):
            safe = middle
        else:
            too_far = middle
    return safe


def _one_surface(depth: np.ndarray) -> np.ndarray:
    """Whether a point, the one to its left and the one above it lie on one surface."""
    here = depth[1:, 1:]

    def near(other: np.ndarray) -> np.ndarray:
        return np.maximum(here / other, other / here) < ONE_SURFACE

    return near(depth[1:, :-1]) & near(depth[:-1, 1:])


def _spread(length: int, count: int) -> np.ndarray:
    """So many places from end to end of a side, each at most once."""
    places = (np.arange(count) + 0.5) / count * length
    return np.unique(np.clip(places.astype(int), 0, length - 1))
