"""The ground becomes a plane, what stands on it stands upright, outlines and sky stay."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lyra_zoom.engines.embedded.ground import Ground
from lyra_zoom.engines.embedded.poisson import put_together, slopes_of
from lyra_zoom.engines.embedded.structure import Seen, with_structure

HEIGHT, WIDTH = 96, 160
FOCAL_PX = 140.0
Y = ((np.arange(HEIGHT)[:, None] + 0.5) / HEIGHT * np.ones((1, WIDTH))).astype(np.float32)
GROUND = Ground(np.array([0.0, 1.8, -0.9]))
WALL = np.s_[:78, 40:100]


def leaning_wall() -> np.ndarray:
    """Ground below, a wall on it from column 40 to 100 whose top recedes, far hills behind."""
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
    return float(disparity[65, 70] - disparity[15, 70])


def test_a_leaning_wall_leans_half_as_much():
    before = leaning_wall()
    assert abs(lean(with_structure(seen(before)))) < 0.52 * lean(before)


def test_without_ground_nothing_is_set_upright():
    before = leaning_wall()
    after = with_structure(replace(seen(before), ground=None))
    assert lean(after) > 0.8 * lean(before)


def test_the_ground_keeps_its_slope():
    before = leaning_wall()
    after = with_structure(seen(before))
    np.testing.assert_allclose(np.diff(after[60:, 130]), np.diff(before[60:, 130]), atol=0.003)


def test_a_bowl_of_ground_becomes_a_plane():
    plane = np.maximum(1.8 * Y - 0.9, 0.08)
    x = np.linspace(-1, 1, WIDTH)[None]
    bowl = (plane + 0.04 * x * x * (plane > 0.1)).astype(np.float32)
    after = with_structure(seen(bowl))
    low = np.s_[60:, :]
    assert np.abs(after - plane)[low].mean() < 0.3 * np.abs(bowl - plane)[low].mean()


def test_a_step_stays_a_step():
    after = with_structure(seen(leaning_wall()))
    assert after[40, 42] - after[40, 37] > 0.15


def test_pixels_without_depth_are_not_touched():
    before = leaning_wall()
    solid = np.ones(before.shape, bool)
    solid[:20] = False
    after = with_structure(replace(seen(before), solid=solid))
    np.testing.assert_array_equal(after[:20], before[:20])


@pytest.mark.parametrize("height", [95, 96])
def test_any_size_of_map_keeps_its_size(height):
    before = leaning_wall()[:height]
    assert with_structure(seen(before)).shape == before.shape


def test_normals_straighten_a_wall_that_bulges():
    x = (np.arange(WIDTH) + 0.5 - WIDTH / 2) / FOCAL_PX
    normal = np.array([0.6, 0.0, -0.8])
    wall = np.repeat(-0.5 * (normal[0] * x + normal[2])[None], HEIGHT, axis=0)
    bulge = 0.06 * np.sin(np.linspace(0, 2 * np.pi, WIDTH))[None]
    known = replace(seen((wall + bulge).astype(np.float32)), ground=None)
    normals = np.broadcast_to(normal.astype(np.float32), (HEIGHT, WIDTH, 3))
    without, with_normals = (
        np.abs(with_structure(replace(known, normal=n)) - wall).mean() for n in (None, normals)
    )
    assert with_normals < 0.85 * without


def test_a_map_is_put_together_from_its_own_slopes():
    rng = np.random.default_rng(4)
    values = rng.normal(size=(32, 48))
    slopes = slopes_of(values)
    weight = slopes_of(np.zeros_like(values))
    weight = type(weight)(
        1 + rng.random(weight.across.shape), 1 + rng.random(weight.down.shape)
    )
    start = np.full_like(values, values.mean())
    pull = np.full_like(values, 1e-6)
    back = put_together(slopes, weight, start, pull)
    np.testing.assert_allclose(back, values, atol=0.01)
