"""The ground becomes a plane, what stands on it stands upright, outlines and sky stay."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lyra_zoom.engines.embedded.ground import Ground
from lyra_zoom.engines.embedded.poisson import put_together, slopes_of
from lyra_zoom.engines.embedded.standing import Standing
from lyra_zoom.engines.embedded.structure import Seen, with_structure

HEIGHT, WIDTH = 192, 320
FOCAL_PX = 280.0
Y = ((np.arange(HEIGHT)[:, None] + 0.5) / HEIGHT * np.ones((1, WIDTH))).astype(np.float32)
GROUND = Ground(np.array([0.0, 1.8, -0.9]))
WALL = np.s_[:156, 80:200]


def leaning_wall() -> np.ndarray:
    """Ground below, a wall on it from column 80 to 200 whose top recedes, far hills behind."""
    scene = np.maximum(1.8 * Y - 0.9, 0.08)
    scene[WALL] = (0.55 - 0.5 * (0.8 - Y))[WALL]
    return scene.astype(np.float32)


def seen(disparity: np.ndarray) -> Seen:
    return Seen(
        disparity=disparity,
        solid=np.ones(disparity.shape, bool),
        ground=GROUND,
        focal_px=FOCAL_PX,
    )


def lean(disparity: np.ndarray) -> float:
    return float(disparity[130, 140] - disparity[30, 140])


def test_a_leaning_wall_leans_less():
    before = leaning_wall()
    assert abs(lean(with_structure(seen(before)))) < 0.7 * lean(before)


def test_without_ground_nothing_is_set_upright():
    before = leaning_wall()
    after = with_structure(replace(seen(before), ground=None))
    assert lean(after) > 0.8 * lean(before)


def test_the_ground_keeps_its_slope():
    before = leaning_wall()
    after = with_structure(seen(before))
    np.testing.assert_allclose(
        np.diff(after[120:, 260]), np.diff(before[120:, 260]), atol=0.003
    )


def test_a_bowl_of_ground_becomes_a_plane():
    plane = np.maximum(1.8 * Y - 0.9, 0.08)
    x = np.linspace(-1, 1, WIDTH)[None]
    bowl = (plane + 0.04 * x * x * (plane > 0.1)).astype(np.float32)
    after = with_structure(seen(bowl))
    low = np.s_[120:, :]
    assert np.abs(after - plane)[low].mean() < 0.3 * np.abs(bowl - plane)[low].mean()


def test_a_step_stays_a_step():
    after = with_structure(seen(leaning_wall()))
    assert after[80, 84] - after[80, 74] > 0.15


def test_pixels_without_depth_are_not_touched():
    before = leaning_wall()
    solid = np.ones(before.shape, bool)
    solid[:40] = False
    after = with_structure(replace(seen(before), solid=solid))
    np.testing.assert_array_equal(after[:40], before[:40])


@pytest.mark.parametrize("height", [191, 192])
def test_any_size_of_map_keeps_its_size(height):
    before = leaning_wall()[:height]
    assert with_structure(seen(before)).shape == before.shape


def test_normals_straighten_a_wall_that_bulges():
    x = (np.arange(WIDTH) + 0.5 - WIDTH / 2) / FOCAL_PX
    normal = np.array([0.6, 0.0, -0.8])
    wall = np.repeat(-0.5 * (normal[0] * x + normal[2])[None], HEIGHT, axis=0)
    bulge = 0.06 * np.sin(np.linspace(0, 6 * np.pi, WIDTH))[None]
    known = replace(seen((wall + bulge).astype(np.float32)), ground=None)
    normals = np.broadcast_to(normal.astype(np.float32), (HEIGHT, WIDTH, 3))
    without, with_normals = (
        np.abs(with_structure(replace(known, normal=n)) - wall).mean() for n in (None, normals)
    )
    assert with_normals < 0.85 * without


def barrel() -> tuple[np.ndarray, np.ndarray]:
    """Ground, and a thing on it that a network takes for ground; and where it is."""
    scene = np.maximum(1.8 * Y - 0.9, 0.08).astype(np.float32)
    thing = np.zeros(scene.shape, bool)
    thing[120:160, 120:160] = True
    return scene, thing


def told(thing: np.ndarray) -> Standing:
    return Standing(
        ground=(~thing).astype(np.float32), upright=thing.astype(np.float32), stands=thing
    )


def test_what_is_told_to_stand_rises_from_its_foot():
    before, thing = barrel()
    after = with_structure(replace(seen(before), standing=told(thing)))
    inside = after[124:156, 124:156]
    assert np.ptp(inside) < 0.35 * np.ptp(before[124:156, 124:156])
    assert abs(float(inside.mean()) - float(before[160, 140])) < 0.08


def test_the_ground_beside_a_thing_stays_the_ground():
    before, thing = barrel()
    after = with_structure(replace(seen(before), standing=told(thing)))
    np.testing.assert_allclose(after[124:180, 168:300], before[124:180, 168:300], atol=0.02)


def test_what_stands_before_the_sky_does_not_bend_towards_it():
    before = np.maximum(1.8 * Y - 0.9, 0.0).astype(np.float32)
    tower = np.zeros(before.shape, bool)
    tower[20:140, 140:180] = True
    before[tower] = before[140, 160]
    sky = (before < 0.02) & ~tower
    known = replace(seen(before), solid=~sky, standing=told(tower))
    after = with_structure(known)
    np.testing.assert_allclose(after[24:136, 144:176], before[140, 160], atol=0.03)


def test_a_map_is_put_together_from_its_own_slopes():
    rng = np.random.default_rng(4)
    values = rng.normal(size=(32, 48))
    slopes = slopes_of(values)
    weight = slopes_of(np.zeros_like(values))
    weight = type(weight)(
        1 + rng.random(weight.across.shape), 1 + rng.random(weight.down.shape)
    )
    level = np.full_like(values, values.mean())
    pull = np.full_like(values, 1e-6)
    back = put_together(slopes, weight, level, pull, level)
    np.testing.assert_allclose(back, values, atol=0.01)
