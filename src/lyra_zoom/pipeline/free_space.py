"""Keeping the camera clear of the scene: how much of a path is free, given the depth.

The camera is a ball with a nose. The ball has to pass along the whole path; the nose asks for
room beyond its far end, so that a zoom stops before what it zooms at. What lies in the way is
measured by the share of the ball's cross-section that it covers, so that a stray pixel of noise
stops nothing and a wall stops everything.

Only what the photograph shows can be in the way: a retreat is always free, and so is a way
round that leaves the view to the side.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from jaxtyping import Float64

from lyra_zoom.geometry.camera import Intrinsics, pixel_centres, scale_intrinsics, unproject
from lyra_zoom.geometry.image import Plane, Size
from lyra_zoom.geometry.rigid import Points

Waypoints: TypeAlias = Float64[np.ndarray, "M 3"]
"""A polyline through the world, from the photograph to the farthest point of a move."""

BALL_RADIUS = (
    0.08  # of the subject depth: how close to the path's centre line counts as in the way
)
NOSE = (
    1 / 3
)  # of the way to the farthest point: the camera goes at most 3/4 of the way to a wall
LARGEST_COVER = 0.12  # of the ball's cross-section: less than this is noise or a thin twig
GRID_WIDTH = 160  # columns of depth that are looked at; finer detail cannot cover the ball
PATH_SAMPLES = 24  # points of the path that are looked at
HALVINGS = 7  # of the interval that holds the answer: within 1 % of the strength


@dataclass(frozen=True, slots=True)
class Obstacles:
    """Surface patches of the photograph: where they are and how much of a view they cover."""

    points_world: Float64[np.ndarray, "N 3"]
    areas: Float64[np.ndarray, " N"]  # of the patch, seen from the photograph's camera

    @classmethod
    def of(cls, depth: Plane, K: Intrinsics, size: Size) -> Obstacles:
        """The patches of a depth map that belongs to pictures of `size`; sky has none."""
        step = max(1, depth.shape[1] // GRID_WIDTH)
        coarse = depth[step // 2 :: step, step // 2 :: step].astype(np.float64)
        own_size = Size.of(depth)
        pixels = pixel_centres(own_size)[step // 2 :: step, step // 2 :: step]
        K_depth = scale_intrinsics(K, size, own_size)
        solid = np.isfinite(coarse) & (coarse > 0)
        points = unproject(pixels[solid], coarse[solid], K_depth)
        areas = (coarse[solid] * step) ** 2 / (K_depth[0, 0] * K_depth[1, 1])
        return cls(points, areas)


@dataclass(frozen=True, slots=True)
class FreeReach:
    """The part of a path that is free, 0 to 1, and the depth of what ended it, if anything."""

    share: float
    obstacle_depth: float | None = None


def free_reach(
    centres_at: Callable[[float], Points], obstacles: Obstacles, subject_depth: float
) -> FreeReach:
    """The largest share of a move that keeps clear.

    `centres_at(share)` gives the camera centres of that share, the photograph's first.
    """
    radius = BALL_RADIUS * subject_depth
    in_the_way = _obstacle_depth(centres_at(1.0), obstacles, radius)
    if in_the_way is None:
        return FreeReach(1.0)
    free, blocked = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (free + blocked) / 2
        depth = _obstacle_depth(centres_at(middle), obstacles, radius)
        if depth is None:
            free = middle
        else:
            blocked, in_the_way = middle, depth
    return FreeReach(free, in_the_way)


def _obstacle_depth(centres: Points, obstacles: Obstacles, radius: float) -> float | None:
    """Median depth of what covers too much of the way along the centres; None if it is free."""
    way = _with_nose(_sampled(centres))
    points, areas = obstacles.points_world, obstacles.areas
    near = np.all(
        (points > way.min(axis=0) - radius) & (points < way.max(axis=0) + radius), axis=1
    )
    near[near] = np.linalg.norm(points[near] - way[0], axis=1) > radius  # the camera was there
    near[near] = _distance_to_way(points[near], way) < radius
    if areas[near].sum() <= LARGEST_COVER * np.pi * radius**2:
        return None
    return float(np.median(points[near, 2]))


def _sampled(centres: Points) -> Waypoints:
    """A few of the centres, up to the farthest: what follows comes back."""
    farthest = int(np.argmax(np.linalg.norm(centres - centres[0], axis=1)))
    chosen = np.linspace(0, farthest, min(PATH_SAMPLES, farthest + 1)).round().astype(int)
    return centres[chosen]


def _with_nose(way: Waypoints) -> Float64[np.ndarray, "_ 3"]:
    """The way, carried on in its last direction."""
    if len(way) < 2:
        return way
    heading = way[-1] - way[-2]
    length = np.linalg.norm(heading)
    if length == 0:
        return way
    reached = np.linalg.norm(way[-1] - way[0])
    return np.vstack([way, way[-1] + NOSE * reached * heading / length])


def _distance_to_way(
    points: Float64[np.ndarray, "N 3"], way: Waypoints
) -> Float64[np.ndarray, " N"]:
    """Distance of each point to the nearest piece of the polyline `way`."""
    nearest = np.linalg.norm(points - way[0], axis=1)
    for start, end in pairwise(way):
        piece = end - start
        along = np.clip((points - start) @ piece / max(piece @ piece, 1e-300), 0.0, 1.0)
        nearest = np.minimum(
            nearest, np.linalg.norm(points - start - along[:, None] * piece, axis=1)
        )
    return nearest
