"""The straight way ahead that the benchmark of the lyra2 engine takes, before a flat wall."""

from __future__ import annotations

import numpy as np

from lyra_zoom.engines.lyra2.config import CHUNK_FRAMES
from lyra_zoom.geometry.camera import CameraPath, centred_intrinsics, focal_from_fov
from lyra_zoom.geometry.image import Size
from lyra_zoom.geometry.rigid import w2c_from

DEPTH = 3.0  # scene units, of the wall
REACH = 0.5 * DEPTH
FOV_X_RAD = 1.05


def straight_path(size: Size, chunks: int) -> CameraPath:
    """The cameras of the photograph and of so many chunks."""
    steps = np.linspace(0.0, REACH, 1 + chunks * CHUNK_FRAMES)
    w2c = np.stack([w2c_from(np.eye(3), np.array([0.0, 0.0, z])) for z in steps])
    K = centred_intrinsics(focal_from_fov(FOV_X_RAD, size), size)
    return CameraPath(w2c, np.stack([K] * len(w2c)), size)
