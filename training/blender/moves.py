"""The product's moves at their default strengths, for pictures of what they really show.

Twins of `lyra_zoom.pipeline.moves`, which Blender's Python cannot import; a test compares them.
The photograph's camera is the world frame: x right, y down, z forward.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

NUM_FRAMES = 81
FRAMES = (20, 40, 41, 80)
"""Those of each move that are rendered; the first frame, 0, is the photograph.

40 and 41 are neighbours, for flicker to be seen between."""

NEAR_QUANTILE = 0.25
LIFT = 0.15
STRENGTH_IN, STRENGTH_OUT = 0.5, 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The camera of one frame; its focal length is `focal_scale` times the photograph's."""

    w2c: np.ndarray
    focal_scale: float = 1.0


Move: TypeAlias = Callable[[int, float], View]
"""From the number of a frame and the subject's depth to its camera."""


def subject_depth(depth: np.ndarray) -> float:
    """A quarter of the finite depth is nearer."""
    return float(np.quantile(depth[np.isfinite(depth)].astype(np.float64), NEAR_QUANTILE))


def zoom_in(frame: int, distance: float) -> View:
    """Straight ahead, half the way to the subject."""
    return _facing_ahead(0, 0, STRENGTH_IN * distance * frame / NUM_FRAMES)


def zoom_out(frame: int, distance: float) -> View:
    """Straight back by one and a half times the subject's depth, rising a little."""
    retreat = STRENGTH_OUT * distance * frame / NUM_FRAMES
    return _facing_ahead(0, -LIFT * retreat, -retreat)


def orbit_in(frame: int, distance: float) -> View:
    """To the right on a circle round the subject, by half a radian."""
    angle = STRENGTH_IN * _progress(frame)
    centre = distance * np.array([math.sin(angle), 0.0, 1 - math.cos(angle)])
    return _looking(centre, distance)


def spiral_in(frame: int, distance: float) -> View:
    """Two turns on the way in."""
    angle, width = 4 * math.pi * _progress(frame), STRENGTH_IN * distance
    x, y = 0.15 * width * (math.cos(angle) - 1), 0.1 * width * math.sin(angle)
    centre = np.array([x, y, width * _progress(frame)])
    return _looking(centre, distance * (1 + STRENGTH_IN))


def bend_in(frame: int, distance: float) -> View:
    """Ahead while sinking a little, with an eye on what lies beyond the subject."""
    z = STRENGTH_IN * distance * frame / NUM_FRAMES
    return _looking(np.array([0.0, 0.04 * z, z]), distance * (1 + STRENGTH_IN))


def dolly_in(frame: int, distance: float) -> View:
    """Ahead while the angle widens, so that the subject keeps its size."""
    ahead = STRENGTH_IN * _progress(frame)
    view = _facing_ahead(0, 0, ahead * distance)
    return View(w2c=view.w2c, focal_scale=1 - ahead)


def back_in(frame: int, distance: float) -> View:
    """There and back, eased."""
    share = 0.5 - 0.5 * math.cos(2 * math.pi * _progress(frame))
    return _facing_ahead(0, 0, STRENGTH_IN * distance * share)


def _progress(frame: int) -> float:
    return frame / (NUM_FRAMES - 1)


def _facing_ahead(x: float, y: float, z: float) -> View:
    w2c = np.eye(4)
    w2c[:3, 3] = -x, -y, -z
    return View(w2c=w2c)


def _looking(centre: np.ndarray, target_z: float) -> View:
    """Upright, towards a point on the photograph's axis."""
    forward = np.array([0.0, 0.0, target_z]) - centre
    forward /= np.linalg.norm(forward)
    right = np.cross([0.0, 1.0, 0.0], forward)
    right /= np.linalg.norm(right)
    w2c = np.eye(4)
    w2c[:3, :3] = right, np.cross(forward, right), forward
    w2c[:3, 3] = -w2c[:3, :3] @ centre
    return View(w2c=w2c)


MOVES: dict[str, Move] = {
    "horizontal_zoom in 0.5": zoom_in,
    "horizontal_zoom out 1.5": zoom_out,
    "orbit_horizontal in 0.5": orbit_in,
    "spiral in 0.5": spiral_in,
    "horizontal_zoom_bend in 0.5": bend_in,
    "dolly_zoom in 0.5": dolly_in,
    "back in 0.5": back_in,
}
