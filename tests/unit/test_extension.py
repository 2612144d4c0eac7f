"""What lies beyond the photograph: ground stays a plane, colours come from the picture."""

from __future__ import annotations

import numpy as np

from lyra_zoom.engines.embedded.extension import Extension, extend, ground_disparity, outlook_at
from lyra_zoom.engines.embedded.ground import Ground
from lyra_zoom.engines.embedded.lookup import (
    Lookup,
    ShownGround,
    ground_in_world,
    shown_ground,
)
from lyra_zoom.geometry.camera import centred_intrinsics, project
from lyra_zoom.geometry.image import Size
from lyra_zoom.geometry.rigid import w2c_from

SIZE = Size(416, 240)
K = centred_intrinsics(360.0, SIZE)
EYE_HEIGHT = 1.5
GROUND = Ground(np.array([0.0, SIZE.height / 360 / EYE_HEIGHT, -120 / 360 / EYE_HEIGHT]))
NOWHERE = np.zeros(1, bool)
PHOTO = Lookup(K, SIZE)
SKY = 0.002


def test_the_ground_in_the_world_is_as_far_below_as_the_camera_is_high():
    plane = ground_in_world(GROUND, K, SIZE, subject_depth=1.0)
    below = np.array([[0.3, EYE_HEIGHT, 4.0], [-5.0, EYE_HEIGHT, -2.0]])
    np.testing.assert_allclose(below @ plane, 1.0)


def test_a_camera_that_retreats_sees_the_same_ground_plane():
    plane = ground_in_world(GROUND, K, SIZE, subject_depth=1.0)
    w2c = w2c_from(np.eye(3), np.array([0.0, -0.5, -3.0]))
    outlook = outlook_at(w2c, K, SIZE)
    seen = ground_disparity(outlook, plane)
    row = outlook.size.height - 1
    y_over_z = (row + 0.5 - outlook.K[1, 2]) / outlook.K[1, 1]
    np.testing.assert_allclose(1 / seen[row], (EYE_HEIGHT + 0.5) / y_over_z, rtol=1e-4)


def test_a_point_inside_the_photograph_takes_its_own_colour():
    points = np.array([[0.5, -0.2, 3.0], [-1.0, 0.9, 5.0]])
    expected = project(points, np.eye(4), K)[:, :2]
    on_ground = np.zeros(2, bool)
    np.testing.assert_allclose(PHOTO.uv(points, on_ground), expected)


def test_a_point_beside_the_photograph_is_mirrored_at_the_border():
    just_inside = np.array([[-0.5 * 416 / 360 * 3 + 0.1, 0.2, 3.0]])
    just_outside = just_inside - [[0.2, 0, 0]]
    inside, outside = (PHOTO.uv(p, NOWHERE) for p in (just_inside, just_outside))
    np.testing.assert_allclose(inside, outside, atol=1e-9)


def test_ground_behind_the_camera_takes_its_colour_from_the_nearest_ground():
    points = np.array([[0.0, EYE_HEIGHT, -1.0]])
    v = PHOTO.uv(points, np.ones(1, bool))[0, 1]
    assert 0.75 * SIZE.height < v <= SIZE.height


def test_every_lookup_lies_inside_the_photograph():
    rng = np.random.default_rng(5)
    points = rng.normal(0, 10, (2000, 3))
    uv = PHOTO.uv(points, points[:, 1] > 0)
    assert (uv >= 0).all()
    assert (uv <= [SIZE.width, SIZE.height]).all()


def test_an_outlook_that_misses_nothing_needs_no_extension():
    outlook = outlook_at(np.eye(4), K, SIZE)
    everything = np.full((outlook.size.height, outlook.size.width), 0.5, np.float32)
    assert extend(outlook, everything, PHOTO, SKY) == Extension(None, None)


def test_an_extension_reaches_from_what_is_seen_to_the_frame():
    outlook = outlook_at(np.eye(4), K, SIZE)
    seen = np.full((outlook.size.height, outlook.size.width), 0.5, np.float32)
    seen[:, :20] = 0
    mesh = extend(outlook, seen, PHOTO, SKY).solid
    assert mesh is not None
    pixels = project(mesh.vertices.astype(np.float64), outlook.w2c, outlook.K)
    assert pixels[:, 0].min() <= 1
    assert 20 <= pixels[:, 0].max() < 26
    np.testing.assert_allclose(pixels[:, 2], 2.0, rtol=0.02)


def test_ground_takes_its_colour_only_from_where_the_lower_border_shows_ground():
    shows_ground = Lookup(K, SIZE, shown=ShownGround((100.0, 250.0), 416.0, 416.0))
    points = np.array([[x, EYE_HEIGHT, 1.0] for x in np.linspace(-8, 8, 50)])
    u = shows_ground.uv(points, np.ones(50, bool))[:, 0]
    assert (u >= 100).all()
    assert (u <= 250).all()


def test_the_columns_of_ground_leave_out_what_stands_on_the_lower_border():
    x = (np.arange(SIZE.width)[None] + 0.5) / SIZE.width
    y = (np.arange(SIZE.height)[:, None] + 0.5) / SIZE.height
    disparity = np.maximum(GROUND.disparity(x, y), 0.01).astype(np.float32)
    disparity[:, :120] = 0.9
    assert shown_ground(disparity, GROUND).columns == (120.0, SIZE.width)


def test_sky_goes_on_as_sky_and_a_wall_as_a_wall():
    outlook = outlook_at(np.eye(4), K, SIZE)
    seen = np.full((outlook.size.height, outlook.size.width), 0.5, np.float32)
    seen[:30] = SKY
    seen[:, :20] = 0
    made = extend(outlook, seen, PHOTO, SKY)
    assert made.solid is not None
    assert made.sky is not None
    np.testing.assert_allclose(made.solid.vertices[:, 2], 2.0, rtol=0.02)
    np.testing.assert_allclose(made.sky.vertices[:, 2], 1 / SKY, rtol=1e-5)


def test_under_an_open_sky_nothing_unseen_hangs_above_the_horizon():
    outlook = outlook_at(np.eye(4), K, SIZE)
    seen = np.zeros((outlook.size.height, outlook.size.width), np.float32)
    middle = outlook.size.width // 2
    seen[:, middle - 10 : middle + 10] = 0.5
    plane = ground_in_world(GROUND, K, SIZE, subject_depth=1.0)
    lookup = Lookup(K, SIZE, plane)
    beside = extend(outlook, seen, lookup, SKY)
    in_the_open = extend(outlook, seen, lookup, SKY, open_air=True)
    assert beside.solid is not None
    assert in_the_open.solid is not None
    hanging = beside.solid.vertices[:, 1].min()
    assert hanging < -0.5
    above = in_the_open.solid.vertices[in_the_open.solid.vertices[:, 1] < 0]
    across = np.abs(above[:, 0] / above[:, 2] * outlook.K[0, 0])
    assert (across < 10 + 2 * 3).all()
    assert in_the_open.sky is not None


def test_ground_beside_is_looked_up_in_a_strip_of_its_own_mirrored_at_the_border():
    shown = ShownGround((0.0, 416.0), 60.0, 400.0)
    u = np.array([-10.0, -60.0, -70.0, 30.0, 420.0])
    np.testing.assert_allclose(shown.beside(u, 416), [-10.0, -60.0, -50.0, 30.0, 412.0])
    assert shown.strips(416) == (60, 0)
