"""F is cut where depth steps; B goes on behind what stands in front."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lyra_zoom.engines.embedded.layers import Behind, Front, split
from lyra_zoom.engines.embedded.reach import Reach, reach_of
from lyra_zoom.engines.embedded.scene import SKY_DISPARITY
from tests.places import BOX, BOX_DEPTH, FOCAL_PX, WALL_DEPTH, box_before_a_wall, path_through

SIDEWAYS = Reach(parallax_px=60.0, sensitivity_px=60.0)


@pytest.fixture(scope="module")
def layers() -> tuple[Front, Behind]:
    return split(box_before_a_wall(), SIDEWAYS, seed=1)


def test_the_front_keeps_the_colours_of_the_photograph_away_from_outlines(layers):
    picture = box_before_a_wall().picture
    front, _ = layers
    inside_box = np.s_[85:115, 135:175]
    np.testing.assert_allclose(
        front.rgba[inside_box][..., :3], picture[inside_box] / 255, atol=1e-6
    )


def test_the_front_is_opaque_away_from_outlines(layers):
    front, _ = layers
    assert (front.rgba[140:, :, 3] == 1).all()
    assert (front.rgba[85:115, 135:175, 3] == 1).all()


def test_the_outline_of_what_stands_in_front_is_soft(layers):
    front, _ = layers
    across_the_edge = front.rgba[90, 180:200, 3]
    assert across_the_edge.min() < 0.2


def test_behind_the_box_its_colour_is_gone(layers):
    _, behind = layers
    red, green = behind.colour[BOX][..., 0], behind.colour[BOX][..., 1]
    beside_the_edge = np.s_[:40, -20:]
    assert (red - green)[beside_the_edge].max() < 0.2


def test_behind_the_box_the_wall_goes_on(layers):
    _, behind = layers
    scene = box_before_a_wall()
    wall = scene.subject_depth / WALL_DEPTH
    box = scene.subject_depth / BOX_DEPTH
    assert box > 3 * wall
    np.testing.assert_allclose(behind.disparity[80, 172:188], wall, atol=0.3 * wall)


def test_what_is_not_hidden_is_not_invented(layers):
    front, behind = layers
    picture = box_before_a_wall().picture
    known = ~behind.invented & (front.rgba[..., 3] == 1)
    assert known.mean() > 0.4
    np.testing.assert_allclose(behind.colour[known], picture[known] / 255, atol=1e-6)


def test_just_under_an_exact_outline_the_far_side_goes_on():
    scene = replace(box_before_a_wall(), outline_px=1.0)
    _, behind = split(scene, SIDEWAYS, seed=1)
    last_of_box, first_of_wall = behind.colour[90, 189], behind.colour[90, 192]
    assert behind.invented[90, 189]
    np.testing.assert_allclose(last_of_box, first_of_wall, atol=0.1)


def test_what_an_estimated_outline_leaves_outside_of_a_thing_is_not_behind_it():
    scene = box_before_a_wall()
    too_small = np.s_[72:130, 122:188]
    around = np.full_like(scene.disparity, scene.disparity[60, 150])
    around[too_small] = scene.disparity[100, 150]
    estimated = replace(
        scene, disparity=around, sky=np.zeros_like(scene.sky), outline_px=3.0, ground=None
    )
    _, behind = split(estimated, SIDEWAYS, seed=1)
    left_over = behind.colour[70:72, 130:180]
    assert (left_over[..., 0] - left_over[..., 1]).max() < 0.2


def test_under_a_thing_before_sky_and_a_wall_is_sky_or_wall_and_nothing_between():
    scene = box_before_a_wall()
    disparity = np.full_like(scene.disparity, 0.5)
    disparity[: BOX[0].start + 20] = SKY_DISPARITY
    sky = disparity == SKY_DISPARITY
    disparity[BOX] = 2.0
    before_both = replace(scene, disparity=disparity, sky=sky & (disparity < 1), ground=None)
    _, behind = split(before_both, SIDEWAYS, seed=1)
    hidden = behind.disparity[BOX][behind.invented[BOX]]
    is_sky = hidden < 2 * SKY_DISPARITY
    assert 0.05 < is_sky.mean() < 0.95
    assert hidden[~is_sky].min() > 0.4


def test_a_flat_scene_is_not_cut():
    scene = box_before_a_wall()
    flat = np.full_like(scene.disparity, 0.7)
    front, behind = split(replace(scene, disparity=flat), SIDEWAYS, seed=1)
    assert (front.rgba[..., 3] == 1).all()
    assert not behind.invented.any()


def test_the_reach_of_a_sideways_move_is_its_parallax():
    scene = box_before_a_wall()
    reach = reach_of(path_through((0, 0, 0), (0.5, 0, 0)), scene)
    assert reach.parallax_px == pytest.approx(FOCAL_PX * 0.5 / scene.subject_depth, rel=0.01)


def test_a_longer_move_is_cut_more_finely():
    scene = box_before_a_wall()
    short = reach_of(path_through((0, 0, 0), (0.05, 0, 0)), scene)
    long = reach_of(path_through((0, 0, 0), (1.5, 0, 0)), scene)
    assert long.step < short.step


def test_a_camera_that_stands_still_reaches_nowhere():
    assert reach_of(path_through((0, 0, 0), (0, 0, 0)), box_before_a_wall()).parallax_px < 1e-9
