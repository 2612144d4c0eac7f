"""A disparity map is torn where it jumps, and nowhere else."""

from __future__ import annotations

import numpy as np

from lyra_zoom.engines.embedded.steps import find_steps


def rows_of(values: list[float]) -> np.ndarray:
    return np.tile(np.array(values, np.float32), (5, 1))


def test_a_jump_between_two_flat_surfaces_is_a_step():
    steps = find_steps(rows_of([0.2, 0.2, 0.2, 0.6, 0.6, 0.6]), 0.05)
    assert steps.across[0].tolist() == [False, False, True, False, False]
    assert not steps.down.any()


def test_a_steep_slope_is_not_a_step():
    steps = find_steps(rows_of([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]), 0.05)
    assert not steps.across.any()


def test_a_jump_at_the_end_of_a_steep_slope_is_a_step():
    steps = find_steps(rows_of([0.3, 0.4, 0.5, 0.6, 0.1, 0.1]), 0.05)
    assert steps.across[0].tolist() == [False, False, False, True, False]


def test_a_pole_one_pixel_wide_has_a_step_on_either_side():
    steps = find_steps(rows_of([0.2, 0.2, 0.7, 0.2, 0.2]), 0.05)
    assert steps.across[0].tolist() == [False, True, True, False]


def test_the_near_side_is_the_side_with_the_larger_disparity():
    disparity = rows_of([0.2, 0.2, 0.2, 0.6, 0.6, 0.6])
    near = find_steps(disparity, 0.05).near_side(disparity)
    assert near[0].tolist() == [False, False, False, True, False, False]


def test_steps_run_down_as_they_run_across():
    disparity = rows_of([0.2, 0.2, 0.2, 0.6, 0.6, 0.6])
    np.testing.assert_array_equal(
        find_steps(disparity.T.copy(), 0.05).down, find_steps(disparity, 0.05).across.T
    )
