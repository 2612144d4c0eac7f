"""The six camera moves: where the camera stands in each frame, and what it looks at.

World frame: the camera frame of the photograph (x right, y down, z forward). A move starts at
the photograph and knows nothing of the scene but the depth D of its subject.

Formulas: Lyra 2.0 specification, section 3, for `horizontal_zoom`, `horizontal_zoom_bend` and
`orbit_horizontal`; the other three differ from the reference on purpose (decision 0004).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Float64

from lyra_zoom.contract.zoom import Trajectory
from lyra_zoom.geometry.rigid import Point, Points

PerFrame: TypeAlias = Float64[np.ndarray, " F"]

BEND_IN, BEND_OUT = 0.04, 0.12  # sideways drift of a bend, as a share of its reach
SPIRAL_RADIUS_X, SPIRAL_RADIUS_Y = 0.15, 0.10  # times strength x D
SPIRAL_TURNS = 2
LARGEST_DOLLY_IN = 0.8  # times D; at D the focal length would reach zero


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What a move needs to know: which way, how far, around what, in how many frames."""

    towards: bool  # True for the in leg, False for the out leg
    strength: float
    subject_depth: float
    num_frames: int

    @property
    def sign(self) -> float:
        """+1 into the scene or to the right, -1 out of it or to the left."""
        return 1.0 if self.towards else -1.0

    @property
    def reach(self) -> float:
        """How far a straight move goes along z, in scene units; negative is a retreat."""
        return self.sign * self.strength * self.subject_depth

    @property
    def steps(self) -> PerFrame:
        """Frame number over N: the last stops one step short of 1, as in the reference."""
        return np.arange(self.num_frames) / self.num_frames

    @property
    def progress(self) -> PerFrame:
        """Frame number over N - 1, from 0 to 1; a leg of one frame stays at 0."""
        return np.arange(self.num_frames) / max(self.num_frames - 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The motion of one leg, one row per frame, before it becomes matrices."""

    centres_world: Points
    target_world: Point | None = None  # None looks straight on, along z
    focal_scale: PerFrame | None = None  # None keeps the photograph's focal length


Move: TypeAlias = Callable[[Way], Course]


def horizontal_zoom(way: Way) -> Course:
    """Straight along the optical axis."""
    return Course(centres_world=_centres(way, z=way.reach * way.steps))


def horizontal_zoom_bend(way: Way) -> Course:
    """Along the axis while drifting: down a little on the way in, up on the way out."""
    bend = BEND_IN if way.towards else BEND_OUT
    z = way.reach * way.steps
    return Course(centres_world=_centres(way, y=bend * z, z=z), target_world=_beyond(way))


def orbit_horizontal(way: Way) -> Course:
    """Around the subject at its distance; the strength is the angle in radians."""
    angle_rad = way.strength * way.progress
    radius = way.subject_depth
    x = way.sign * radius * np.sin(angle_rad)
    z = radius - radius * np.cos(angle_rad)
    return Course(centres_world=_centres(way, x=x, z=z), target_world=_on_axis(radius))


def spiral(way: Way) -> Course:
    """An approach in two turns; the reference circles in place instead."""
    theta_rad = 2 * math.pi * SPIRAL_TURNS * way.progress
    width = way.strength * way.subject_depth
    x = SPIRAL_RADIUS_X * width * (np.cos(theta_rad) - 1) * way.sign
    y = SPIRAL_RADIUS_Y * width * np.sin(theta_rad)
    centres = _centres(way, x=x, y=y, z=way.reach * way.progress)
    return Course(centres_world=centres, target_world=_beyond(way))


def dolly_zoom(way: Way) -> Course:
    """Along the axis while the focal length holds everything at D at its place and size."""
    depth = way.subject_depth
    z = min(way.reach, LARGEST_DOLLY_IN * depth) * way.progress
    return Course(centres_world=_centres(way, z=z), focal_scale=(depth - z) / depth)


def back(way: Way) -> Course:
    """There and back, eased, so that the clip loops; the reference stands still."""
    there_and_back = 0.5 - 0.5 * np.cos(2 * math.pi * way.progress)
    there_and_back[-1] = 0.0  # the last frame is the photograph, to the last bit
    return Course(centres_world=_centres(way, z=way.reach * there_and_back))


MOVES: dict[Trajectory, Move] = {
    Trajectory.HORIZONTAL_ZOOM: horizontal_zoom,
    Trajectory.HORIZONTAL_ZOOM_BEND: horizontal_zoom_bend,
    Trajectory.SPIRAL: spiral,
    Trajectory.DOLLY_ZOOM: dolly_zoom,
    Trajectory.ORBIT_HORIZONTAL: orbit_horizontal,
    Trajectory.BACK: back,
}


def _centres(
    way: Way, *, x: PerFrame | None = None, y: PerFrame | None = None, z: PerFrame
) -> Points:
    still = np.zeros(way.num_frames)
    return np.stack([still if x is None else x, still if y is None else y, z], axis=-1)


def _on_axis(depth: float) -> Point:
    return np.array([0.0, 0.0, depth])


def _beyond(way: Way) -> Point:
    """A point that stays ahead of the camera at any strength."""
    return _on_axis(way.subject_depth * (1 + way.strength))
