"""A disparity map is torn where it jumps, and nowhere else."""

from __future__ import annotations

import numpy as np

from lyra_zoom.engines.embedded.steps import find_steps, steepened


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


def ramp(height: float, length: int) -> np.ndarray:
    values = np.interp(np.arange(160), [60, 60 + length], [0.3, 0.3 + height])
    return np.tile(values.astype(np.float32), (320, 1))


def test_a_short_ramp_is_an_outline_that_was_blurred():
    blurred = ramp(height=0.8, length=6)
    assert not find_steps(blurred, 0.15).across.any()
    sharp = steepened(blurred, 0.05)
    assert find_steps(sharp, 0.7).across.sum(axis=1).tolist() == [1] * 320
    assert set(np.round(sharp[160], 4)) == {np.float32(0.3), np.float32(1.1)}


def test_a_long_slope_stays_a_slope():
    slope = ramp(height=0.8, length=60)
    np.testing.assert_array_equal(steepened(slope, 0.05), slope)


def test_a_low_ramp_stays_a_ramp():
    relief = ramp(height=0.1, length=6)
    np.testing.assert_array_equal(steepened(relief, 0.05), relief)
