"""The ground is found as a plane, bent straight, and laid flat."""

from __future__ import annotations

import numpy as np

from lyra_zoom.engines.embedded.ground import (
    LOOSE,
    TIGHT,
    Ground,
    find_ground,
    lay_flat,
    levelled,
    straighten,
)

HEIGHT, WIDTH = 96, 160
Y = (np.arange(HEIGHT)[:, None] + 0.5) / HEIGHT
X = (np.arange(WIDTH)[None] + 0.5) / WIDTH
PLANE = np.clip(1.6 * Y + 0.2 * X - 0.7, 0.02, None).astype(np.float32)
SOLID = PLANE > 0.03


def test_a_plane_is_found_where_there_is_one():
    ground = find_ground(PLANE, SOLID, TIGHT)
    assert ground is not None
    np.testing.assert_allclose(ground.coefficients, [0.2, 1.6, -0.7], atol=0.01)


def test_the_plane_is_found_beneath_things_that_stand_on_it():
    cluttered = PLANE.copy()
    cluttered[40:80, 30:60] = 0.7
    cluttered[50:90, 120:140] = 0.9
    ground = find_ground(cluttered, SOLID, TIGHT)
    assert ground is not None
    np.testing.assert_allclose(ground.coefficients, [0.2, 1.6, -0.7], atol=0.02)


def test_a_wall_is_not_taken_for_ground():
    assert find_ground(np.full((HEIGHT, WIDTH), 0.5, np.float32), PLANE > -1, LOOSE) is None


def test_a_picture_of_sky_has_no_ground():
    assert find_ground(PLANE, np.zeros_like(SOLID), LOOSE) is None


def test_a_bent_ground_becomes_straight():
    bent = PLANE + 0.05 * np.sin(2 * np.pi * PLANE)
    ground = find_ground(bent, SOLID, LOOSE)
    assert ground is not None
    straight = straighten(bent, ground, SOLID)
    fit = find_ground(straight, SOLID, TIGHT)
    assert fit is not None
    error_before = np.abs(bent - ground.disparity(X, Y))[60:].mean()
    error_after = np.abs(straight - fit.disparity(X, Y))[60:].mean()
    assert error_after < 0.4 * error_before


def test_straightening_keeps_the_order_of_depths():
    bent = PLANE + 0.05 * np.sin(2 * np.pi * PLANE)
    ground = find_ground(bent, SOLID, LOOSE)
    assert ground is not None
    straight = straighten(bent, ground, SOLID)
    order = np.argsort(bent, axis=None)
    assert (np.diff(straight.ravel()[order]) >= -1e-6).all()


def test_bumps_on_the_ground_are_laid_flat():
    rng = np.random.default_rng(3)
    bumpy = PLANE + rng.normal(0, 0.006, PLANE.shape).astype(np.float32)
    ground = find_ground(bumpy, SOLID, TIGHT)
    assert ground is not None
    flat = lay_flat(bumpy, ground, SOLID)
    plane = ground.disparity(X, Y)
    assert np.abs(flat - plane)[SOLID].mean() < 0.3 * np.abs(bumpy - plane)[SOLID].mean()


def test_what_stands_clear_of_the_ground_is_left_alone():
    cluttered = PLANE.copy()
    cluttered[40:60, 30:60] = 0.9
    ground = find_ground(cluttered, SOLID, TIGHT)
    assert ground is not None
    np.testing.assert_allclose(lay_flat(cluttered, ground, SOLID)[40:60, 30:60], 0.9, atol=1e-5)


def test_ground_that_rolls_a_little_is_taken_for_level():
    rolled = np.clip(1.6 * Y + 0.06 * X - 0.7, 0.02, None).astype(np.float32)
    level = levelled(Ground(np.array([0.06, 1.6, -0.7])), rolled, SOLID)
    assert level.coefficients[0] == 0
    np.testing.assert_allclose(level.coefficients[1], 1.6, atol=0.05)


def test_ground_that_rolls_for_good_keeps_its_roll():
    rolled = np.clip(1.6 * Y + 0.5 * X - 0.7, 0.02, None).astype(np.float32)
    ground = Ground(np.array([0.5, 1.6, -0.7]))
    assert levelled(ground, rolled, SOLID) is ground
