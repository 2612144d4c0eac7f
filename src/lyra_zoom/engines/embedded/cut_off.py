"""What the photograph's left, right and upper borders cut off, carried on straight.

To the sides surfaces go on level, upwards upright, under open sky to an even height. Their
colours are those next to the border, mirrored in the plane, so that they keep their scale.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import cv2
import numpy as np

from lyra_zoom.engines.embedded.border_runs import (
    SAMPLE_PX,
    BorderRuns,
    Run,
    borders_of,
)
from lyra_zoom.engines.embedded.lookup import GROUND_TOLERANCE, fold, ground_in_world, lies_on
from lyra_zoom.engines.embedded.mesh import Mesh, plain_grid_mesh
from lyra_zoom.engines.embedded.scene import EmbeddedScene
from lyra_zoom.engines.embedded.texture import Texture
from lyra_zoom.geometry.camera import project
from lyra_zoom.geometry.image import Mask
from lyra_zoom.geometry.rigid import Point, Points

STEPS = 8  # of the mesh in each repetition
MOST_REPEATS = 16
UNDER = 2  # of those steps: how far surfaces reach under the photograph, so that no gap opens
BEYOND = 3.0  # of D: how far surfaces go on
SAME_THING = 2.0  # times as deep: between surfaces further apart there is air
TALLER = 1.05  # times the height at which the border cuts a thing: how high that is taken to be
OPEN_SKY = 0.04  # of the picture: with more sky than that, things end below it


def cut_off(scene: EmbeddedScene) -> list[Mesh]:
    """The meshes that carry on what the borders cut; texture coordinates are of `size`."""
    up, ground = np.array([0.0, -1.0, 0.0]), None
    if scene.ground is not None:
        ground = ground_in_world(scene.ground, scene.K, scene.size, scene.subject_depth)
        up = -ground / np.linalg.norm(ground)
    runs = BorderRuns(scene, ~scene.sky & ~_is_ground(scene), up)
    builder = _Builder(scene, up, ground)
    left, top, right = borders_of(scene)
    meshes: list[Mesh | None] = []
    above = list(runs.along(top)) if under_open_sky(scene) else []
    meshes += [builder.upwards(run) for run in above]
    for border, corner in ((left, 0), (right, -1)):
        beside = list(runs.along(border))
        for run in beside:
            meshes += builder.sideways(run, above[corner] if above else None)
        meshes += [builder.between(*pair) for pair in pairwise(beside)]
    return [mesh for mesh in meshes if mesh is not None]


def under_open_sky(scene: EmbeddedScene) -> bool:
    """Whether things that the upper border cuts have sky above them."""
    return bool(scene.sky.mean() >= OPEN_SKY)


def shown_solid(scene: EmbeddedScene) -> Texture:
    """The photograph without its sky."""
    alpha = np.where(scene.sky, 0, 255).astype(np.uint8)
    soft = cv2.blur(cv2.erode(alpha, np.ones((3, 3), np.uint8)), (3, 3))
    colour = scene.picture.astype(np.float32) * (soft[..., None] / np.float32(255))
    return Texture.of_premultiplied(np.dstack([(colour + 0.5).astype(np.uint8), soft]))


def _is_ground(scene: EmbeddedScene) -> Mask:
    if scene.ground is None:
        return np.zeros_like(scene.sky)
    return lies_on(scene.disparity, scene.ground)


@dataclass(frozen=True, slots=True)
class _Builder:
    """Turns runs into meshes above the ground."""

    scene: EmbeddedScene
    up: Point
    ground: Point | None

    def sideways(self, run: Run, above: Run | None) -> list[Mesh | None]:
        """A surface onwards from a side, and a wall on its upper edge where that is cut too.

        `above` is what the upper border cuts next to that side.
        """
        points, sources = run.at(_lengths(run, self.scene.subject_depth))
        meshes = [self._mesh(points, sources)]
        if run.stands and self._pixels(run.points[:1])[0, 1] < SAMPLE_PX:
            meshes.append(self._raised(points[0], sources[0], above or run))
        return meshes

    def between(self, run: Run, following: Run) -> Mesh | None:
        """What closes the gap that opens between two surfaces which touch at the border."""
        ends = self._pixels(np.stack([run.points[-1], following.points[0]]))
        depths = run.points[-1, 2], following.points[0, 2]
        if np.ptp(ends[:, 1]) > 2 * SAMPLE_PX or max(depths) > SAME_THING * min(depths):
            return None
        lengths = _lengths(run, self.scene.subject_depth)
        rows = [one.at(lengths) for one in (run, following)]
        (above, above_from), (below, below_from) = rows
        return self._mesh(
            np.stack([above[-1], below[0]]), np.stack([above_from[-1], below_from[0]])
        )

    def upwards(self, run: Run) -> Mesh | None:
        """A surface onwards from the upper border."""
        if not run.stands:
            return self._mesh(*run.at(_lengths(run, self.scene.subject_depth)))
        heights = self._missing_height(run.points, run)
        rise = max(float(run.onward @ self.up), 0.3)
        shares = np.linspace(0, 1, 2 * STEPS + 1)
        lengths = heights[:, None] / rise * shares
        points = run.points[:, None] + lengths[..., None] * run.onward
        back = fold(lengths, run.repeat)
        sources = run.points[:, None] - back[..., None] * run.onward
        return self._mesh(points, sources)

    def _raised(self, base: Points, sources: Points, like: Run) -> Mesh | None:
        """A wall on the upper edge of one that goes on sideways."""
        heights = self._missing_height(base, like)
        rises = np.linspace(0, 1, 2 * STEPS + 1) * heights[:, None]
        higher = rises[..., None] * self.up
        return self._mesh(base[:, None] + higher, sources[:, None] + higher)

    def _missing_height(self, points: Points, like: Run) -> np.ndarray:
        """From each point up to where the surface is taken to end: as high as it is seen."""
        below = 0.0 if self.ground is None else 1 / float(np.linalg.norm(self.ground))
        if not under_open_sky(self.scene):
            return np.full(len(points), BEYOND * self.scene.subject_depth)
        highest = float(np.quantile(like.points @ self.up, 0.95)) + below
        return np.maximum(TALLER * highest - (points @ self.up + below), 0)

    def _pixels(self, points: np.ndarray) -> np.ndarray:
        ahead = np.maximum(points[..., 2:], 1e-6)
        return project(np.concatenate([points[..., :2], ahead], -1), np.eye(4), self.scene.K)

    def _mesh(self, points: np.ndarray, sources: np.ndarray) -> Mesh | None:
        size = self.scene.size
        pixels = self._pixels(sources)
        uv = np.stack([fold(pixels[..., 0], size.width), fold(pixels[..., 1], size.height)], -1)
        keep = np.ones(points.shape[:2], bool)
        if self.ground is not None:
            keep = points @ self.ground < 1 + GROUND_TOLERANCE
        cells = keep[:-1, :-1] & keep[1:, :-1] & keep[:-1, 1:] & keep[1:, 1:]
        if not cells.any():
            return None
        mesh = plain_grid_mesh(points.astype(np.float32), uv.astype(np.float32), cells)
        return replace(mesh, edge=np.ones_like(mesh.edge))


def _lengths(run: Run, subject_depth: float) -> np.ndarray:
    reach = BEYOND * subject_depth + float(np.median(run.points[:, 2]))
    repeats = min(MOST_REPEATS, int(np.ceil(reach / run.repeat)))
    return np.arange(-UNDER, repeats * STEPS + 1) * (run.repeat / STEPS)
