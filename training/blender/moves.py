"""The product's moves at their default strengths, for pictures of what they really show.

Twins of `lyra_zoom.pipeline.moves`, which Blender's Python cannot import; a test compares them.
The photograph's camera is the world frame: x right, y down, z forward.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

SHARES = (0.25, 0.5, 0.75, 1.0)
"""How much of each move is done in the frames that are rendered."""

NEAR_QUANTILE = 0.25
LIFT = 0.15

Move: TypeAlias = Callable[[float, float], np.ndarray]
"""From the share that is done and the subject's depth to w2c."""


def subject_depth(depth: np.ndarray) -> float:
    """A quarter of the finite depth is nearer."""
    return float(np.quantile(depth[np.isfinite(depth)].astype(np.float64), NEAR_QUANTILE))


def zoom_in(share: float, distance: float) -> np.ndarray:
    """Straight ahead, half the way to the subject."""
    return _facing_ahead(np.array([0.0, 0.0, 0.5 * share * distance]))


def zoom_out(share: float, distance: float) -> np.ndarray:
    """Straight back by one and a half times the subject's depth, rising a little."""
    back = 1.5 * share * distance
    return _facing_ahead(np.array([0.0, -LIFT * back, -back]))


def orbit_in(share: float, distance: float) -> np.ndarray:
    """To the right on a circle round the subject, by half a radian."""
    angle = 0.5 * share
    centre = distance * np.array([math.sin(angle), 0.0, 1 - math.cos(angle)])
    c, s = math.cos(angle), math.sin(angle)
    c2w = np.array([[c, 0.0, -s], [0.0, 1.0, 0.0], [s, 0.0, c]])
    w2c = np.eye(4)
    w2c[:3, :3] = c2w.T
    w2c[:3, 3] = -c2w.T @ centre
    return w2c


def _facing_ahead(centre: np.ndarray) -> np.ndarray:
    w2c = np.eye(4)
    w2c[:3, 3] = -centre
    return w2c


MOVES: dict[str, Move] = {
    "horizontal_zoom in 0.5": zoom_in,
    "horizontal_zoom out 1.5": zoom_out,
    "orbit_horizontal in 0.5": orbit_in,
}
