"""What the photograph's borders cut off goes on straight, and ends under an open sky."""

from __future__ import annotations

import numpy as np
import pytest

from lyra_zoom.engines.embedded.cut_off import cut_off, shown_solid, under_open_sky
from lyra_zoom.engines.embedded.mesh import Mesh
from lyra_zoom.engines.embedded.raster import LayerBuffer
from lyra_zoom.engines.embedded.scene import EmbeddedScene, scene_from_depth
from lyra_zoom.engines.embedded.stage import set_up
from lyra_zoom.engines.engine import Photo
from lyra_zoom.geometry.camera import CameraPath, centred_intrinsics, pixel_centres
from lyra_zoom.geometry.image import Size
from lyra_zoom.geometry.rigid import look_at

SIZE = Size(208, 120)
FOCAL_PX = 180.0
K = centred_intrinsics(FOCAL_PX, SIZE)
WALL_X = -1.0  # a wall along the left side of a street
CORNER_Z = 8.0  # where it ends, before the sky


def beside_a_wall() -> EmbeddedScene:
    rays = (pixel_centres(SIZE) - [SIZE.width / 2, SIZE.height / 2]) / FOCAL_PX
    to_wall = WALL_X / np.minimum(rays[..., 0], -1e-6)
    depth = np.where(to_wall < CORNER_Z, to_wall, np.inf).astype(np.float32)
    picture = np.full((SIZE.height, SIZE.width, 3), 120, np.uint8)
    return scene_from_depth(Photo(texture=picture, size=SIZE, focal_px=FOCAL_PX), depth, K)


@pytest.fixture(scope="module")
def meshes() -> list[Mesh]:
    return cut_off(beside_a_wall())


def test_a_wall_goes_on_in_its_own_plane_past_the_camera(meshes):
    points = np.concatenate([mesh.vertices for mesh in meshes])
    assert np.abs(points[:, 0] - WALL_X).max() < 0.02 * np.ptp(points[:, 2])
    assert points[:, 2].min() < 0


def test_a_wall_that_the_upper_border_cuts_ends_at_one_height(meshes):
    points = np.concatenate([mesh.vertices for mesh in meshes])
    as_seen = CORNER_Z * (SIZE.height / 2) / FOCAL_PX
    assert 0.8 * as_seen < -points[:, 1].min() < 1.1 * as_seen
    near = points[points[:, 2] < 1]
    far = points[points[:, 2] > 5]
    assert near[:, 1].min() == pytest.approx(far[:, 1].min(), rel=0.15)


def test_its_colours_are_those_of_the_wall_beside_the_border(meshes):
    scene = beside_a_wall()
    uv = np.concatenate([mesh.uv for mesh in meshes])
    columns, rows = (
        np.clip(uv[:, axis].astype(int), 0, most - 1)
        for axis, most in ((0, SIZE.width), (1, SIZE.height))
    )
    assert (~scene.sky[rows, columns]).mean() > 0.9


def test_sky_is_no_part_of_what_goes_on():
    scene = beside_a_wall()
    assert under_open_sky(scene)
    assert (shown_solid(scene).alpha[scene.sky] < 128).all()


def under_a_red_sky(depth: np.ndarray) -> EmbeddedScene:
    """A scene of that depth, grey, with sky in its upper quarter."""
    depth[: SIZE.height // 4] = np.inf
    picture = np.full((SIZE.height, SIZE.width, 3), 120, np.uint8)
    picture[np.isinf(depth)] = (255, 0, 0)
    photo = Photo(texture=picture, size=SIZE, focal_px=FOCAL_PX)
    return scene_from_depth(photo, depth.astype(np.float32), K)


def a_wavy_wall() -> EmbeddedScene:
    x, y = np.moveaxis(pixel_centres(SIZE), -1, 0)
    upper_half_recedes = np.where(y < SIZE.height / 2, 4.0 + x / 50, 3.0 + x / 200)
    return under_a_red_sky(upper_half_recedes + 0.3 * np.sin(y / 5))


def two_storeys() -> EmbeddedScene:
    """Two walls that meet the left border one above the other, each in its own direction."""
    x, y = np.moveaxis(pixel_centres(SIZE), -1, 0)
    upper = y < SIZE.height / 2
    return under_a_red_sky(np.where(upper, 4 / (1 - x / 300), 3 / (1 + x / 150)))


def test_no_sky_shows_between_the_photograph_and_what_goes_on():
    w2c = look_at(np.array([1.5, 0.0, 0.0]), np.array([-0.5, 0.0, 4.0]))
    path = CameraPath(np.stack([np.eye(4), w2c]), np.stack([K, K]), SIZE)
    frame = set_up(a_wavy_wall(), path, seed=1).draw(w2c, K).astype(int)
    reddish = frame[..., 0] - frame[..., 1] > 40
    assert reddish[: SIZE.height // 8].all()
    assert not reddish[SIZE.height // 3 : SIZE.height * 4 // 5].any()


def test_surfaces_that_touch_at_the_border_go_on_without_a_gap_between_them():
    scene = two_storeys()
    buffer = LayerBuffer(SIZE)
    w2c = look_at(np.array([0.5, 0.0, 0.0]), np.array([-2.5, 0.0, 3.0]))
    for mesh in cut_off(scene):
        buffer.draw(mesh, w2c, K, 0.01, np.full((SIZE.height, SIZE.width), 255, np.uint8))
    shown = buffer.inverse_depth > 0
    shown = shown[:, shown.any(axis=0)]
    assert shown.shape[1] > SIZE.width // 4
    assert not (np.diff(shown.astype(int), axis=0) > 0).sum(axis=0).max() > 1
