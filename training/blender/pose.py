"""Where a camera stands in a scene, and how that reads in OpenCV axes.

The scene has z up, metres; a camera has x right, y down, z forward. At yaw and pitch 0 it looks
along the scene's +y.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """One camera: place, direction, field of view."""

    place: tuple[float, float, float]
    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    fov_x_deg: float

    @property
    def c2scene(self) -> np.ndarray:
        """Camera to scene, 4x4."""
        yaw, pitch, roll = (
            math.radians(a) for a in (self.yaw_deg, self.pitch_deg, self.roll_deg)
        )
        forward = np.array(
            [math.sin(yaw) * math.cos(pitch), math.cos(yaw) * math.cos(pitch), math.sin(pitch)]
        )
        level = np.array([math.cos(yaw), -math.sin(yaw), 0.0])
        down = np.cross(forward, level)
        matrix = np.eye(4)
        matrix[:3, 0] = math.cos(roll) * level + math.sin(roll) * down
        matrix[:3, 1] = math.cos(roll) * down - math.sin(roll) * level
        matrix[:3, 2] = forward
        matrix[:3, 3] = self.place
        return matrix

    def intrinsics(self, size: tuple[int, int]) -> np.ndarray:
        """Intrinsics for pictures of (width, height); pixel centres at half integers."""
        focal_px = size[0] / 2 / math.tan(math.radians(self.fov_x_deg) / 2)
        return np.array([[focal_px, 0, size[0] / 2], [0, focal_px, size[1] / 2], [0, 0, 1]])


def normals_in_camera(
    normals_scene: np.ndarray, pose: Pose, size: tuple[int, int]
) -> np.ndarray:
    """Unit normals `(H, W, 3)` in camera axes, turned towards the camera; 0 stays 0."""
    normals = normals_scene @ pose.c2scene[:3, :3]
    width, height = size
    u, v = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    rays = np.stack([u, v, np.ones_like(u)], -1) @ np.linalg.inv(pose.intrinsics(size)).T
    away = (normals * rays).sum(-1, keepdims=True) > 0
    return np.where(away, -normals, normals)
