"""Rigid motions as 4x4 matrices: building, inverting, looking at a point."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from jaxtyping import Float64

Rigid: TypeAlias = Float64[np.ndarray, "4 4"]
Rigids: TypeAlias = Float64[np.ndarray, "F 4 4"]
Point: TypeAlias = Float64[np.ndarray, "3"]
Points: TypeAlias = Float64[np.ndarray, "*N 3"]


def invert_rigid(transform: Rigid) -> Rigid:
    """The inverse motion, by transposing the rotation: no solver, no loss of precision."""
    inverse = np.eye(4)
    rotation = transform[:3, :3].T
    inverse[:3, :3] = rotation
    inverse[:3, 3] = -rotation @ transform[:3, 3]
    return inverse


def w2c_from(rotation_w2c: np.ndarray, centre_world: Point) -> Rigid:
    """World to camera, from the camera's rotation and where it stands in the world."""
    w2c = np.eye(4)
    w2c[:3, :3] = rotation_w2c
    w2c[:3, 3] = -rotation_w2c @ centre_world
    return w2c


def camera_centre_world(w2c: Rigid) -> Point:
    """Where the camera stands, in world units."""
    return -w2c[:3, :3].T @ w2c[:3, 3]


def look_at(centre_world: Point, target_world: Point) -> Rigid:
    """World to camera of an upright camera at `centre_world` looking at `target_world`.

    OpenCV axes; the world's y axis points down. Source: Lyra 2.0 specification, section 2.
    """
    forward = target_world - centre_world
    forward = forward / np.linalg.norm(forward)
    right = np.cross(np.array([0.0, 1.0, 0.0]), forward)
    right = right / np.linalg.norm(right)
    down = np.cross(forward, right)
    return w2c_from(np.stack([right, down, forward]), centre_world)
