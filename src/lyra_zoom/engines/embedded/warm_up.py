"""Compiles the engine's kernels by drawing a very small scene with all of them.

The first time on a machine this takes seconds, afterwards the compiled code is read from
numba's cache: an engine calls it as a stage of its own, so that nobody wonders what goes on.
"""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np

from lyra_zoom.engines.embedded.hole_kernels import close_holes
from lyra_zoom.engines.embedded.scene import scene_from_depth
from lyra_zoom.engines.embedded.stage import set_up
from lyra_zoom.engines.engine import Photo
from lyra_zoom.geometry.camera import CameraPath, centred_intrinsics
from lyra_zoom.geometry.image import Size
from lyra_zoom.geometry.rigid import w2c_from

SIZE = Size(128, 72)


@functools.cache
def warm_up() -> None:
    """Make every kernel ready in this process; a second call does nothing."""
    rows, columns = np.indices((SIZE.height, SIZE.width))
    texture = np.stack([rows * 2, columns, (rows * columns) % 251], axis=-1).astype(np.uint8)
    depth = np.full((SIZE.height, SIZE.width), 8.0, np.float32)
    depth[SIZE.height // 2 :] = (6 / (np.arange(SIZE.height // 2) / 36 + 0.75))[:, None]
    depth[24:52, 50:80] = 2.0  # something that stands in front
    depth[:12] = np.inf
    K = centred_intrinsics(110.0, SIZE)
    scene = scene_from_depth(Photo(texture=texture, size=SIZE), depth, K)
    centres = [np.zeros(3), np.array([1.5, -0.2, -2.0]), np.array([0.0, 0.0, 2.5])]
    w2c = np.stack([w2c_from(np.eye(3), centre) for centre in centres])
    stage = set_up(scene, CameraPath(w2c, np.stack([K] * 3), SIZE), seed=0)
    for pose in w2c:
        stage.draw(pose, K)


def is_compiled() -> bool:
    """Whether an earlier process kept compiled kernels: getting ready takes no time then."""
    folder = close_holes.stats.cache_path
    return folder is not None and any(Path(folder).glob("*.nbi"))
