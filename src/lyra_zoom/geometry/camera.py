"""Intrinsics and camera paths: the one home of pixel centres, K and projection."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Float64

from lyra_zoom.geometry.image import Size
from lyra_zoom.geometry.rigid import Points, Rigid, Rigids

Intrinsics: TypeAlias = Float64[np.ndarray, "3 3"]
IntrinsicsPerFrame: TypeAlias = Float64[np.ndarray, "F 3 3"]
Pixels: TypeAlias = Float64[np.ndarray, "*N 2"]


@dataclass(frozen=True, slots=True)
class CameraPath:
    """One camera per frame, in playing order: `w2c` and `K`, both for pictures of `size`."""

    w2c: Rigids
    K: IntrinsicsPerFrame
    size: Size

    def __len__(self) -> int:
        return len(self.w2c)

    def reversed(self) -> CameraPath:
        """The same path, played backwards."""
        return CameraPath(self.w2c[::-1].copy(), self.K[::-1].copy(), self.size)


def centred_intrinsics(focal_px: float, size: Size) -> Intrinsics:
    """K for square pixels and a centred axis; pixel centres sit at half integers."""
    return np.array(
        [[focal_px, 0, size.width / 2], [0, focal_px, size.height / 2], [0, 0, 1.0]]
    )


def focal_from_fov(fov_x_rad: float, size: Size) -> float:
    """Focal length in pixels of a camera that sees `fov_x_rad` from side to side."""
    return size.width / 2 / math.tan(fov_x_rad / 2)


def scale_intrinsics(K: Intrinsics, old: Size, new: Size) -> Intrinsics:
    """K after a resize; exact, because centres sit at half integers."""
    return np.diag([new.width / old.width, new.height / old.height, 1.0]) @ K


def pixel_centres(size: Size) -> Pixels:
    """Image coordinates of every pixel's centre, `(H, W, 2)` as (x, y), at half integers."""
    x, y = np.meshgrid(np.arange(size.width) + 0.5, np.arange(size.height) + 0.5)
    return np.stack([x, y], axis=-1)


def project(points_world: Points, w2c: Rigid, K: Intrinsics) -> Points:
    """Pixel x, pixel y and depth of world points; x and y mean nothing at depth <= 0."""
    points_cam = points_world @ w2c[:3, :3].T + w2c[:3, 3]
    depth = points_cam[..., 2:]
    safe = np.where(depth > 0, depth, 1.0)
    pixels = (points_cam @ K.T)[..., :2] / safe
    return np.concatenate([pixels, depth], axis=-1)


def unproject(pixels: Pixels, depth: np.ndarray, K: Intrinsics) -> Points:
    """Points in the camera frame at `depth` (z, not range) under the given pixels."""
    rays = np.concatenate([pixels, np.ones_like(pixels[..., :1])], axis=-1) @ np.linalg.inv(K).T
    return rays * depth[..., None]
