from __future__ import annotations

import hypothesis.extra.numpy as arrays
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lyra_zoom.engines.embedded.push_pull import harmonic_fill, push_pull
from lyra_zoom.engines.embedded.relaxation_kernels import OVER_RELAXATION, relax

NOISE = np.random.default_rng(5).random((37, 52, 3)).astype(np.float32)
HOLE = np.ones((37, 52), bool)
HOLE[8:30, 10:40] = False

planes = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 24), st.integers(1, 24)),
    elements=st.floats(0, 1, width=32),
)


@given(planes, st.integers(0, 2**32 - 1))
def test_a_push_pull_keeps_known_values_exactly(values, seed):
    known = np.random.default_rng(seed).random(values.shape) < 0.3
    assert np.array_equal(push_pull(values, known.astype(np.float32))[known], values[known])


@given(planes, st.integers(0, 2**32 - 1))
def test_a_push_pull_stays_in_the_range_of_what_is_known(values, seed):
    known = np.random.default_rng(seed).random(values.shape) < 0.3
    known[0, 0] = True
    filled = push_pull(values, known.astype(np.float32))
    assert filled.min() >= values[known].min() - 1e-5
    assert filled.max() <= values[known].max() + 1e-5


def test_a_push_pull_never_looks_at_unknown_values():
    poisoned = np.where(HOLE[..., None], NOISE, np.float32(9))
    weight = HOLE.astype(np.float32)
    assert np.array_equal(
        push_pull(poisoned, weight), push_pull(NOISE * HOLE[..., None], weight)
    )


def test_a_push_pull_with_nothing_known_is_the_plain_mean():
    filled = push_pull(NOISE, np.zeros(HOLE.shape, np.float32))
    assert np.allclose(filled, NOISE.mean(axis=(0, 1)))


def test_a_push_pull_treats_each_channel_alone():
    weight = HOLE.astype(np.float32)
    alone = push_pull(NOISE[..., 1].copy(), weight)
    assert np.allclose(alone, push_pull(NOISE, weight)[..., 1], atol=1e-6)


def test_a_push_pull_has_no_steps_inside_a_hole():
    filled = push_pull(NOISE, HOLE.astype(np.float32))
    inside = filled[12:26, 14:36]
    assert max(np.abs(np.diff(inside, axis=axis)).max() for axis in (0, 1)) < 0.04


def test_a_membrane_between_two_heights_is_a_ramp():
    heights = np.zeros((20, 41), np.float32)
    heights[:, -1] = 1
    known = np.zeros(heights.shape, bool)
    known[:, 0] = known[:, -1] = True
    ramp = np.broadcast_to(np.linspace(0, 1, 41), heights.shape)
    assert np.allclose(harmonic_fill(heights, known), ramp, atol=0.03)


def test_a_membrane_keeps_known_values_exactly():
    filled = harmonic_fill(NOISE, HOLE)
    assert np.array_equal(filled[HOLE], NOISE[HOLE])


def test_a_membrane_goes_on_flat_up_to_the_border():
    values = np.full((48, 64), 0.25, np.float32)
    known = np.zeros(values.shape, bool)
    known[:20, :30] = True
    values[~known] = 7
    assert np.allclose(harmonic_fill(values, known), 0.25, atol=1e-5)


def test_a_membrane_is_close_to_the_one_found_by_very_many_sweeps():
    exact = harmonic_fill(NOISE, HOLE)
    relax(exact, HOLE, 3000)
    assert np.abs(harmonic_fill(NOISE, HOLE) - exact).max() < 0.02


@given(planes, st.integers(0, 2**32 - 1))
def test_a_sweep_agrees_with_its_slow_twin(values, seed):
    known = np.random.default_rng(seed).random(values.shape) < 0.3
    fast = values[..., None].copy()
    relax(fast, known, 2)
    assert np.allclose(fast[..., 0], _relaxed_slowly(values, known, 2), atol=1e-5)


def _relaxed_slowly(values, known, sweeps):
    slow = values.astype(np.float64)
    ys, xs = np.indices(values.shape)
    for half_sweep in range(2 * sweeps):
        padded = np.pad(slow, 1, mode="edge")
        around = (
            padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
        ) / 4
        moved = ~known & ((ys + xs + half_sweep) % 2 == 0)
        slow = np.where(moved, slow + OVER_RELAXATION * (around - slow), slow)
    return slow
