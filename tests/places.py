"""Small places with known geometry, for tests of the embedded engine."""

from __future__ import annotations

import numpy as np

from lyra_zoom.engines.embedded.scene import EmbeddedScene, scene_from_depth
from lyra_zoom.engines.engine import Photo
from lyra_zoom.geometry.camera import CameraPath, Intrinsics, centred_intrinsics
from lyra_zoom.geometry.image import Plane, RgbImage, Size
from lyra_zoom.geometry.rigid import w2c_from

SIZE = Size(320, 184)
FOCAL_PX = 280.0
K = centred_intrinsics(FOCAL_PX, SIZE)
EYE_HEIGHT = 1.6
BOX = np.s_[70:130, 120:190]
BOX_DEPTH, WALL_DEPTH = 4.0, 20.0


def box_before_a_wall(detail: int = 1) -> EmbeddedScene:
    """A red box on grey ground, a green wall, sky; the texture is `detail` times finer."""
    rows, columns = np.indices((SIZE.height, SIZE.width)) + 0.5
    below = np.maximum((rows - SIZE.height / 2) / FOCAL_PX, 1e-6)
    depth = np.minimum(EYE_HEIGHT / below, WALL_DEPTH).astype(np.float32)
    depth[rows < 30] = np.inf
    depth[BOX] = BOX_DEPTH
    grain = np.random.default_rng(2).integers(-8, 8, (SIZE.height, SIZE.width, 1))
    colour = np.where((depth < WALL_DEPTH - 0.01)[..., None], [120, 120, 120], [60, 140, 60])
    colour[rows < 30] = [150, 180, 230]
    colour[BOX] = [190, 50, 40]
    stripes = 12 * (np.sin(columns / 5) > 0)[..., None]
    texture = np.clip(colour + grain + stripes, 0, 255).astype(np.uint8)
    texture = texture.repeat(detail, axis=0).repeat(detail, axis=1)
    return scene_from_depth(Photo(texture=texture, size=SIZE), depth, K)


def leaves(camera_x: float) -> tuple[RgbImage, Plane]:
    """Picture and depth of many small discs before a wall, seen from `camera_x`."""
    rng = np.random.default_rng(3)
    rows, columns = np.indices((SIZE.height, SIZE.width)) + 0.5
    picture = np.full((SIZE.height, SIZE.width, 3), 150, np.uint8)
    depth = np.full(picture.shape[:2], WALL_DEPTH, np.float32)
    for z in np.sort(rng.uniform(3, 5, 400))[::-1]:
        x, y = rng.uniform((60, 40), (260, 150))
        colour = rng.integers((20, 80, 20), (90, 200, 70))
        leaf = np.hypot(columns - x + FOCAL_PX * camera_x / z, rows - y) < 5
        picture[leaf], depth[leaf] = colour, z
    return picture, depth


def path_through(
    *centres_world: tuple[float, float, float],
    K: Intrinsics = K,  # noqa: N803  # the field's name
) -> CameraPath:
    """Cameras that look straight on from the given places."""
    w2c = np.stack(
        [w2c_from(np.eye(3), np.array(centre, np.float64)) for centre in centres_world]
    )
    return CameraPath(w2c, np.stack([K] * len(w2c)), SIZE)
