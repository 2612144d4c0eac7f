from __future__ import annotations

import hypothesis.extra.numpy as arrays
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lyra_zoom.engines.embedded.push_pull import push_pull

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
