"""Ground that nobody photographed goes on as the photograph shows it."""

from __future__ import annotations

import numpy as np
import pytest

from lyra_zoom.engines.embedded.beyond import with_ground_beside
from lyra_zoom.engines.embedded.lookup import ground_in_world
from lyra_zoom.engines.embedded.near_ground import (
    NearGround,
    near_ground,
    unlike_most,
    without_other_colours,
)
from lyra_zoom.engines.embedded.scene import EmbeddedScene, scene_from_depth
from lyra_zoom.engines.embedded.stage import set_up
from lyra_zoom.engines.embedded.texture import Texture
from lyra_zoom.engines.engine import Photo
from lyra_zoom.geometry.camera import CameraPath, centred_intrinsics, pixel_centres, project
from lyra_zoom.geometry.image import Size
from lyra_zoom.geometry.rigid import w2c_from

SIZE = Size(416, 240)
K = centred_intrinsics(360.0, SIZE)
EYE_HEIGHT = 1.0
BOARD = 0.4  # wide, slanting to the right as they recede
SLANT = 0.5


def board_shade(x: np.ndarray, z: np.ndarray) -> np.ndarray:
    return np.where(((x - SLANT * z) % BOARD) < BOARD / 2, 60, 180)


def a_floor_of_boards() -> EmbeddedScene:
    pixels = pixel_centres(SIZE)
    rays = (pixels - [SIZE.width / 2, SIZE.height / 2]) / 360.0
    is_floor = rays[..., 1] > 0.01
    z = np.where(is_floor, EYE_HEIGHT / np.maximum(rays[..., 1], 1e-3), np.inf)
    finite = np.minimum(z, 100)
    shade = np.where(is_floor, board_shade(rays[..., 0] * finite, finite), 230)
    rgb = np.repeat(shade[..., None], 3, axis=2).astype(np.uint8)
    depth = np.where(is_floor, z, np.inf).astype(np.float32)
    return scene_from_depth(Photo(texture=rgb, size=SIZE, focal_px=360.0), depth, K)


@pytest.fixture(scope="module")
def scene() -> EmbeddedScene:
    return a_floor_of_boards()


@pytest.fixture(scope="module")
def ground(scene) -> NearGround:
    plane = ground_in_world(scene.ground, scene.K, scene.size, scene.subject_depth)
    found = near_ground(scene, plane)
    assert found is not None
    return found


def test_the_floor_begins_at_the_lower_border(ground):
    pixel = project(ground.floor.origin, np.eye(4), K)
    np.testing.assert_allclose(pixel[:2], [SIZE.width / 2, SIZE.height], atol=1e-3)


def test_a_texel_at_the_lower_border_is_a_pixel(ground):
    steps = project(ground.floor.points(np.array([[1.0, 0.0], [0.0, 1.0]])), np.eye(4), K)
    np.testing.assert_allclose(steps[:, 0] - SIZE.width / 2, [1.0, 0.0], atol=1e-2)
    np.testing.assert_allclose(SIZE.height - steps[:, 1], [0.0, 1.0], atol=1e-2)


def test_texels_and_points_are_each_others_inverse(ground):
    texels = np.array([[3.0, -40.0], [-200.0, 15.0]])
    np.testing.assert_allclose(ground.floor.texels(ground.floor.points(texels)), texels)


def test_slanting_boards_are_no_chevrons_where_the_camera_retreats_past_them(scene):
    w2c = w2c_from(np.eye(3), np.array([0.0, 0.0, -3.0]))
    path = CameraPath(np.stack([np.eye(4), w2c]), np.stack([K, K]), SIZE)
    frame = set_up(scene, path, seed=1).draw(w2c, K)[..., 0].astype(float)
    pixels = pixel_centres(SIZE)
    rays = (pixels - [SIZE.width / 2, SIZE.height / 2]) / 360.0
    z = EYE_HEIGHT / np.maximum(rays[..., 1], 1e-3)
    shade = board_shade(rays[..., 0] * z, z - 3.0)
    beyond = np.s_[186:236, 90:326]  # nearer than the photograph shows
    assert (z[186] - 3 < 3.0).all()
    likeness = np.corrcoef(frame[beyond].ravel(), shade[beyond].ravel())[0, 1]
    assert likeness > 0.7


def test_a_photograph_without_enough_ground_has_no_near_ground(scene):
    upwards = np.array([0.0, -1.0, 0.0])
    assert near_ground(scene, upwards) is None


def test_things_of_another_colour_are_not_repeated_with_the_ground():
    rng = np.random.default_rng(3)
    colour = rng.normal(0.5, 0.05, (200, 400, 3)).astype(np.float32)
    colour[80:130, 150:220] = [0.1, 0.4, 0.1]  # a shrub
    usable = np.ones(colour.shape[:2], bool)
    alike = without_other_colours(unlike_most(colour, usable), usable)
    assert not alike[90:120, 160:210].any()
    assert alike.mean() > 0.9


def test_ground_of_two_colours_keeps_both():
    colour = np.full((200, 400, 3), 0.2, np.float32)
    colour[:, 200:] = 0.8
    usable = np.ones(colour.shape[:2], bool)
    assert without_other_colours(unlike_most(colour, usable), usable).all()


def with_red_things(scene: EmbeddedScene, *places: tuple[slice, slice]) -> EmbeddedScene:
    """The floor with things that stand on it, and a bright line along its left border."""
    depth = scene.subject_depth / scene.disparity
    picture = scene.photo.texture.copy()
    picture[:, 10:20] = 255 - picture[:, 10:20]
    for place in places:
        depth[place] = 0.8
        picture[place] = (255, 0, 0)
    return scene_from_depth(Photo(texture=picture, size=SIZE, focal_px=360.0), depth, K)


LOWER = np.s_[SIZE.height * 2 // 3 :]


def test_a_narrow_strip_of_ground_goes_on_evenly_instead_of_as_stripes(scene):
    beside_a_wall = with_red_things(scene, np.s_[:, 28:100])
    picture = beside_a_wall.picture
    texture, left = with_ground_beside(beside_a_wall, Texture.opaque(picture))
    made = texture.picture()
    assert 20 <= left <= 28
    assert np.ptp(picture[LOWER][:, :left].astype(int), axis=1).max() > 100
    assert np.ptp(made[LOWER][:, :left].astype(int), axis=1).max() == 0
    np.testing.assert_array_equal(made[:, left : left + SIZE.width], picture)


def test_things_on_the_ground_beside_a_border_do_not_go_on_as_ground(scene):
    thing = np.s_[180:186, 60:80]
    cluttered = with_red_things(scene, np.s_[:, 150:200], thing)
    picture = cluttered.picture
    texture, left = with_ground_beside(cluttered, Texture.opaque(picture))
    mirrored = texture.picture()[:, :left][:, ::-1].astype(int)
    assert left > 80
    assert (picture[thing] == (255, 0, 0)).all()
    assert (mirrored[thing][..., 0] - mirrored[thing][..., 1]).max() < 60
    np.testing.assert_array_equal(mirrored[LOWER][:, 10:20], picture[LOWER][:, 10:20])


def test_ground_that_reaches_far_in_goes_on_as_it_is(scene):
    texture = Texture.opaque(scene.picture)
    made, left = with_ground_beside(scene, texture)
    assert left == 0
    np.testing.assert_array_equal(made.picture(), scene.picture)
