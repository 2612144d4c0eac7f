"""What the photograph's borders cut off goes on straight, and ends under an open sky."""

from __future__ import annotations

import numpy as np
import pytest

from lyra_zoom.engines.embedded.cut_off import cut_off, shown_solid, under_open_sky
from lyra_zoom.engines.embedded.mesh import Mesh
from lyra_zoom.engines.embedded.scene import EmbeddedScene, scene_from_depth
from lyra_zoom.engines.engine import Photo
from lyra_zoom.geometry.camera import centred_intrinsics, pixel_centres
from lyra_zoom.geometry.image import Size

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
