"""Leaning walls are set upright; ground, steps and sky stay as they are."""

from __future__ import annotations

import numpy as np

from lyra_zoom.engines.embedded.ground import Ground
from lyra_zoom.engines.embedded.upright import set_upright

HEIGHT, WIDTH = 96, 160
Y = ((np.arange(HEIGHT)[:, None] + 0.5) / HEIGHT * np.ones((1, WIDTH))).astype(np.float32)
GROUND = Ground(np.array([0.0, 1.8, -0.9]))
SOLID = np.ones((HEIGHT, WIDTH), bool)


def leaning_wall() -> np.ndarray:
    """Ground below, a wall on it from column 40 to 100 whose top recedes, far hills behind."""
    scene = np.maximum(1.8 * Y - 0.9, 0.08)
    foot = 0.55
    wall = foot - 0.5 * (0.8 - Y)
    scene[:78, 40:100] = wall[:78, 40:100]
    return scene.astype(np.float32)


def test_a_leaning_wall_leans_half_as_much():
    before = leaning_wall()
    after = set_upright(before, GROUND, SOLID)
    lean_before = before[70, 70] - before[15, 70]
    lean_after = after[70, 70] - after[15, 70]
    assert lean_after < 0.55 * lean_before


def test_the_ground_keeps_its_slope():
    before = leaning_wall()
    after = set_upright(before, GROUND, SOLID)
    np.testing.assert_allclose(np.diff(after[60:, 130]), np.diff(before[60:, 130]), atol=0.003)


def test_a_step_stays_a_step():
    after = set_upright(leaning_wall(), GROUND, SOLID)
    assert after[40, 42] - after[40, 37] > 0.15


def test_pixels_without_depth_are_not_touched():
    before = leaning_wall()
    solid = SOLID.copy()
    solid[:20] = False
    np.testing.assert_array_equal(set_upright(before, GROUND, solid)[:20], before[:20])
