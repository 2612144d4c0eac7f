"""Surfaces where the photograph's left, right and upper borders cut them, and how they go on.

Along a border each surface is a plane, upright if it is one that stands; what has no plane, or
is far, goes on across the view. Ground and sky are left out. Knows nothing of colours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64, Int64

from lyra_zoom.engines.embedded.lookup import fold
from lyra_zoom.engines.embedded.scene import EmbeddedScene
from lyra_zoom.geometry.camera import project
from lyra_zoom.geometry.image import Mask
from lyra_zoom.geometry.rigid import Point, Points

SAMPLE_PX = 3  # between points along a border
INSET_PX = 2  # from the border: where its disparity is read
PATCH = 0.15  # of the picture's side: how far inwards a plane is fitted
PATCH_PX = 4  # between its pixels
SAME_SURFACE = 0.2  # of a disparity: what differs by less belongs together
UNEVEN = 0.12  # relative depth by which most points may be off one plane
UPRIGHT = 0.8  # cosine of plane normal and up: below it a surface stands
LEAST_RUN = 4  # points along a border; shorter pieces are left alone
LEAST_REPEAT, LARGEST_REPEAT = 0.2, 1.5  # of the border's depth: what is mirrored of it
ROUNDS = 4  # of a robust fit
GRAZING = 0.2  # sine of the angle to a plane at which nothing is known of it any more
FARTHEST = 4.0  # times D: what is farther hardly moves, and its planes are not known

Positions = Float64[np.ndarray, "N 2"]
Index = Int64[np.ndarray, " *N"]


@dataclass(frozen=True, slots=True)
class Border:
    """Points along one side of the picture, in pixels, and the way in and out of it.

    `inward` is in pixels; `outward` is the normal of the frustum's side, in the world.
    """

    pixels: Positions
    inward: tuple[int, int]
    outward: Point


@dataclass(frozen=True, slots=True)
class Run:
    """A surface along a border: world points, and where it goes on per unit of length.

    `repeat` is the length of what is mirrored.
    """

    points: Points
    onward: Point
    stands: bool
    repeat: float

    def at(self, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points so far outwards, `(N, lengths, 3)`, and the points that lend them colours."""
        back = fold(lengths, self.repeat)
        return tuple(
            self.points[:, None] + s[None, :, None] * self.onward for s in (lengths, -back)
        )


@dataclass(frozen=True, slots=True)
class BorderRuns:
    """Finds the surfaces along the borders of a scene; `solid` is neither ground nor sky."""

    scene: EmbeddedScene
    solid: Mask
    up: Point

    def along(self, border: Border) -> Iterator[Run]:
        """The surfaces along a border, in the order of its points, each flat."""
        x, y = self._inside(border.pixels + INSET_PX * np.array(border.inward))
        disparity = self.scene.disparity[y, x].astype(np.float64)
        for first, last in _together(disparity, self.solid[y, x]):
            yield from self._flat_runs(border, border.pixels[first:last])

    def _flat_runs(self, border: Border, pixels: Positions) -> Iterator[Run]:
        """One run, or several where one plane does not do."""
        rays, disparity, weight = self._beside(border, pixels)
        plane = self._plane(rays, disparity, weight)
        own = disparity[:, 0]
        off = np.abs(rays[:, 0] @ plane - own) / own
        half, D = len(pixels) // 2, self.scene.subject_depth
        if np.quantile(off, 0.8) > UNEVEN and half >= LEAST_RUN:
            yield from self._flat_runs(border, pixels[: half + 1])
            yield from self._flat_runs(border, pixels[half:])
            return
        far = np.median(own) * FARTHEST < 1 / D
        flat = None
        if not far and np.quantile(off, 0.8) < 2 * UNEVEN:
            flat = self._run(border, pixels, plane)
        yield flat or self._straight_on(border, pixels, own)

    def _beside(
        self, border: Border, pixels: Positions
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rays (point, inwards, 3), 1 / depth, and 1 as far as it is one surface, else 0."""
        inward = np.array(border.inward)
        size = np.array([self.scene.size.width, self.scene.size.height])
        deep = PATCH * float(np.abs(inward) @ size)
        at = pixels[:, None] + np.arange(INSET_PX, deep, PATCH_PX)[:, None] * inward
        x, y = self._inside(at)
        disparity = self.scene.disparity[y, x] / self.scene.subject_depth
        joined = self.solid[y, x]
        near = np.maximum(disparity[:, 1:], disparity[:, :-1])
        joined[:, 1:] &= np.abs(np.diff(disparity)) < SAME_SURFACE * near
        weight = np.cumprod(joined, axis=1).astype(np.float64)
        centres = np.stack([x + 0.5, y + 0.5, np.ones_like(x)], -1)
        return centres @ np.linalg.inv(self.scene.K).T, disparity.astype(np.float64), weight

    def _plane(self, rays: np.ndarray, disparity: np.ndarray, weight: np.ndarray) -> Point:
        """The plane `n . X = 1` that fits best: an upright one, if it is one that stands."""
        plane = _fitted(rays, disparity, weight, np.eye(3))
        if abs(plane @ self.up) < UPRIGHT * np.linalg.norm(plane):
            across = np.cross(self.up, [0.0, 0.0, 1.0])
            level = np.stack([across / np.linalg.norm(across), np.cross(across, self.up)])
            plane = _fitted(rays, disparity, weight, level)
        return plane

    def _inside(self, pixels: np.ndarray) -> tuple[Index, Index]:
        size = self.scene.size
        at = np.floor(pixels).astype(np.int64)
        return (
            np.clip(at[..., 0], 0, size.width - 1),
            np.clip(at[..., 1], 0, size.height - 1),
        )

    def _straight_on(self, border: Border, pixels: Positions, own: np.ndarray) -> Run:
        """The run of what has no plane: each point goes on across the view at its depth."""
        rays = np.column_stack([pixels, np.ones(len(pixels))]) @ np.linalg.inv(self.scene.K).T
        onward = self.up if border.inward[1] else np.array([-float(border.inward[0]), 0, 0])
        run = Run(rays / own[:, None], onward, True, 1.0)
        return replace(run, repeat=self._repeat(run))

    def _run(self, border: Border, pixels: Positions, plane: Point) -> Run | None:
        rays = np.column_stack([pixels, np.ones(len(pixels))]) @ np.linalg.inv(self.scene.K).T
        facing = rays @ plane
        lengths = np.linalg.norm(rays, axis=1) * np.linalg.norm(plane)
        if (facing <= GRAZING * lengths).any():
            return None
        points = rays / facing[:, None]
        normal = plane / np.linalg.norm(plane)
        stands = bool(abs(normal @ self.up) < UPRIGHT)
        onward = border.outward - (normal @ border.outward) * normal
        if stands and border.inward[0]:
            onward = np.cross(normal, self.up)
            onward *= np.sign(onward @ border.outward)
            if onward[0] * border.inward[0] > 0:
                onward[0] = 0  # no wall closes the way behind the camera
        elif stands:
            onward = self.up - (normal @ self.up) * normal
        onward /= max(float(np.linalg.norm(onward)), 1e-9)
        run = Run(points, onward, stands, 1.0)
        return replace(run, repeat=self._repeat(run))

    def _repeat(self, run: Run) -> float:
        """How far inwards most of the surface goes on as it is."""
        depth = float(np.median(run.points[:, 2]))
        lengths = depth * np.linspace(0, LARGEST_REPEAT, 40)
        inner = run.points[:, None] - lengths[:, None] * run.onward
        ahead = inner[..., 2] > 1e-3 * depth
        pixels = project(np.where(ahead[..., None], inner, [0, 0, 1]), np.eye(4), self.scene.K)
        x, y = self._inside(pixels[..., :2])
        size = self.scene.size
        ahead &= (np.abs(pixels[..., :2] / [size.width, size.height] - 0.5) < 0.51).all(-1)
        there = self.scene.subject_depth / self.scene.disparity[y, x]
        same = ahead & self.solid[y, x]
        same &= np.abs(there - inner[..., 2]) < SAME_SURFACE * there
        far = np.where(same.all(1), len(lengths) - 1, np.argmin(same, axis=1))
        return max(float(np.quantile(lengths[far], 0.3)), LEAST_REPEAT * depth)


def _fitted(
    rays: np.ndarray, disparity: np.ndarray, weight: np.ndarray, axes: np.ndarray
) -> Point:
    """The plane spanned by `axes` with the least relative errors, whatever is far off."""
    terms = rays @ axes.T
    plane = np.zeros(len(axes))
    firm = np.eye(len(axes)) * 1e-4
    for _ in range(ROUNDS):
        off = (terms @ plane - disparity) / disparity if plane.any() else 0 * disparity
        trust = weight / (1 + np.square(off / UNEVEN)) / np.square(disparity)
        square = np.einsum("np,npi,npj->ij", trust, terms, terms)
        square += firm * np.trace(square) + 1e-12 * np.eye(len(axes))
        plane = np.linalg.solve(square, np.einsum("np,npi->i", trust * disparity, terms))
    return plane @ axes


def _together(disparity: np.ndarray, usable: np.ndarray) -> list[tuple[int, int]]:
    """First and one past the last of each run of points on one surface."""
    near = np.maximum(disparity[1:], disparity[:-1])
    joined = usable[1:] & usable[:-1]
    joined &= np.abs(np.diff(disparity)) < SAME_SURFACE * near
    edges = np.flatnonzero(np.diff(np.concatenate([[False], joined, [False]]).astype(np.int8)))
    runs = edges.reshape(-1, 2)
    return [(int(a), int(b) + 1) for a, b in runs if b - a >= LEAST_RUN - 1]


def borders_of(scene: EmbeddedScene) -> tuple[Border, Border, Border]:
    """Left, upper and right."""
    width, height, K = scene.size.width, scene.size.height, scene.K
    down = np.linspace(0, height, height // SAMPLE_PX + 1)
    along = np.linspace(0, width, width // SAMPLE_PX + 1)
    left, right = (np.column_stack([np.full_like(down, x), down]) for x in (0, width))
    top = np.column_stack([along, np.zeros_like(along)])
    return (
        Border(left, (1, 0), np.array([-1.0, 0, -K[0, 2] / K[0, 0]])),
        Border(top, (0, 1), np.array([0, -1.0, -K[1, 2] / K[1, 1]])),
        Border(right, (-1, 0), np.array([1.0, 0, -(width - K[0, 2]) / K[0, 0]])),
    )
