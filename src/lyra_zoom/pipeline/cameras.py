"""Stage 3 of 5: the camera of every frame, planned from the legs of a shot; renders nothing.

A leg becomes a path in three steps: the free part of its move, the move's entry in the table
and, on the way out, a lift. What equals the Lyra 2.0 reference is pinned by golden tables, each
difference by a test of its name (decision 0004).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from lyra_zoom.contract.zoom import Direction, Trajectory
from lyra_zoom.geometry.camera import CameraPath, Intrinsics, IntrinsicsPerFrame
from lyra_zoom.geometry.image import Plane, Size
from lyra_zoom.geometry.rigid import Point, Points, look_at, w2c_from
from lyra_zoom.pipeline.free_space import Obstacles, free_reach
from lyra_zoom.pipeline.moves import LARGEST_DOLLY_IN, MOVES, Course, Way
from lyra_zoom.pipeline.safe_strength import Shown, safe_strength
from lyra_zoom.pipeline.shot import Leg

LIFT = 0.15  # of the retreat: the out leg rises, so that the ground does not fill the view

NEVER_LIFTED = {Trajectory.DOLLY_ZOOM}  # its subject has to hold its place in the picture


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceView:
    """The photograph as a camera path sees it: its camera, and how far away things are.

    `K` is for pictures of `size`; `depth` may be smaller than that, `inf` is sky.
    """

    K: Intrinsics
    size: Size
    depth: Plane
    subject_depth: float


@dataclass(frozen=True, slots=True)
class PlannedLeg:
    """The cameras of a leg from the photograph on, and the strength they really have."""

    path: CameraPath
    strength: float


def plan_legs(
    legs: tuple[Leg, ...], view: SourceView, say: Callable[[str], None]
) -> tuple[PlannedLeg, ...]:
    """Each leg planned from the photograph on, however it is played."""
    ways = [_possible_way(leg, view, say) for leg in legs]
    return tuple(
        PlannedLeg(build_path(leg.trajectory, way, view), way.strength)
        for leg, way in zip(legs, ways, strict=True)
    )


def played(legs: tuple[Leg, ...], paths: tuple[CameraPath, ...]) -> CameraPath:
    """The camera of every frame of a film; the photograph between two legs appears once."""
    shown = [path if index == 0 else _without_first(path) for index, path in enumerate(paths)]
    in_order = [
        path.reversed() if leg.plays_backwards else path
        for leg, path in zip(legs, shown, strict=True)
    ]
    return CameraPath(
        np.concatenate([path.w2c for path in in_order]),
        np.concatenate([path.K for path in in_order]),
        paths[0].size,
    )


def plan_leg(leg: Leg, view: SourceView, say: Callable[[str], None]) -> CameraPath:
    """The cameras of a leg from the photograph on; `say` hears when and why it is shorter."""
    return build_path(leg.trajectory, _possible_way(leg, view, say), view)


def build_path(trajectory: Trajectory, way: Way, view: SourceView) -> CameraPath:
    """The cameras of a move, starting at the photograph, whether the way is free or not."""
    course = MOVES[trajectory](way)
    rotations = [_rotation(course, centre) for centre in course.centres_world]
    centres = course.centres_world
    if trajectory not in NEVER_LIFTED and not way.towards:
        centres = _lifted(centres)
    w2c = np.stack([w2c_from(R, centre) for R, centre in zip(rotations, centres, strict=True)])
    return CameraPath(w2c, _intrinsics(course, view.K, way.num_frames), view.size)


def _possible_way(leg: Leg, view: SourceView, say: Callable[[str], None]) -> Way:
    """The way that a leg asks for, as far as it is safe and free."""
    way = Way(
        towards=leg.direction is not Direction.OUT,
        strength=leg.strength,
        subject_depth=view.subject_depth,
        num_frames=leg.num_frames,
    )
    if leg.as_far_as_safe:
        way = _kept_safe(leg, way, view, say)
    return _kept_clear(leg, way, view, say)


def _kept_safe(leg: Leg, way: Way, view: SourceView, say: Callable[[str], None]) -> Way:
    """The way as strong as the photograph carries, with a word about it."""
    shown = Shown.of(view.depth, view.K, view.size, view.subject_depth)
    safe = safe_strength(
        way.strength,
        shown,
        lambda strength: build_path(leg.trajectory, replace(way, strength=strength), view),
    )
    if safe.reason is not None:
        say(_shortened(leg, safe.strength, safe.reason))
    return replace(way, strength=safe.strength)


def _kept_clear(leg: Leg, way: Way, view: SourceView, say: Callable[[str], None]) -> Way:
    """The way, shortened to its free part, with a word about it."""
    move = MOVES[leg.trajectory]
    if (
        leg.trajectory is Trajectory.DOLLY_ZOOM
        and way.towards
        and way.strength > LARGEST_DOLLY_IN
    ):
        say(_shortened(leg, LARGEST_DOLLY_IN, "a dolly zoom has to end before its subject"))
        way = replace(way, strength=LARGEST_DOLLY_IN)
    reach = free_reach(
        lambda share: move(replace(way, strength=share * way.strength)).centres_world,
        Obstacles.of(view.depth, view.K, view.size),
        view.subject_depth,
    )
    if reach.obstacle_depth is None:
        return way
    distance = reach.obstacle_depth / view.subject_depth
    strength = reach.share * way.strength
    say(_shortened(leg, strength, f"something stands at {distance:.2f} of the subject's depth"))
    return replace(way, strength=strength)


def _shortened(leg: Leg, strength: float, reason: str) -> str:
    name = f"zoom-{leg.direction} move {leg.trajectory}"
    return f"the {name} was shortened from {leg.strength:.2f} to {strength:.2f}: {reason}"


def _rotation(course: Course, centre_world: Point) -> np.ndarray:
    if course.target_world is None:
        return np.eye(3)
    return look_at(centre_world, course.target_world)[:3, :3]


def _lifted(centres_world: Points) -> Points:
    """The same way, risen in proportion to its retreat; the camera's direction stays."""
    retreat = np.maximum(centres_world[0, 2] - centres_world[:, 2], 0.0)
    return centres_world - np.outer(LIFT * retreat, [0.0, 1.0, 0.0])  # y points down


def _intrinsics(course: Course, K: Intrinsics, num_frames: int) -> IntrinsicsPerFrame:
    per_frame = np.repeat(K[None], num_frames, axis=0)
    if course.focal_scale is not None:
        per_frame[:, 0, 0] *= course.focal_scale
        per_frame[:, 1, 1] *= course.focal_scale
    return per_frame


def _without_first(path: CameraPath) -> CameraPath:
    return CameraPath(path.w2c[1:], path.K[1:], path.size)
