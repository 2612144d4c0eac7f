"""The scale between two sets of camera positions, and how far apart they are."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="the lyra2 engine needs PyTorch")

from hypothesis import given
from hypothesis import strategies as st

from lyra_zoom.engines.lyra2.depth_sim3 import robust_similarity, similarity, spread


@given(
    scale=st.floats(0.01, 50),
    angle=st.floats(-3, 3),
    shift=st.tuples(*[st.floats(-10, 10)] * 3),
    seed=st.integers(0, 99),
)
def test_a_known_similarity_is_found(scale, angle, shift, seed):
    source = np.random.default_rng(seed).standard_normal((7, 3))
    cos, sin = np.cos(angle), np.sin(angle)
    rotation = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    target = scale * source @ rotation.T + np.array(shift)
    found = similarity(source, target)
    assert found.scale == pytest.approx(scale, rel=1e-5)
    np.testing.assert_allclose(found.rotation, rotation, atol=1e-4)
    np.testing.assert_allclose(found.of(source), target, atol=1e-4 * max(scale, 1))


def test_positions_on_a_line_still_tell_the_scale():
    source = np.linspace(0, 1, 6)[:, None] * np.array([0.0, 0.0, 2.0])
    target = np.linspace(0, 1, 6)[:, None] * np.array([3.0, 0.0, 4.0])
    assert similarity(source, target).scale == pytest.approx(2.5)


def test_a_mirror_image_is_not_a_turn():
    source = np.random.default_rng(0).standard_normal((8, 3))
    found = similarity(source, source * np.array([1.0, 1.0, -1.0]))
    assert np.linalg.det(found.rotation) == pytest.approx(1.0)


def test_the_same_views_always_give_the_same_scale():
    generator = np.random.default_rng(4)
    source = generator.standard_normal((15, 3))
    target = 2 * source + 0.1 * generator.standard_normal((15, 3))
    target[4] += 30
    first, second = robust_similarity(source, target), robust_similarity(source, target)
    assert first.scale == second.scale == pytest.approx(2, rel=0.1)
    assert abs(similarity(source, target).scale - 2) > 0.2


def test_spread_is_zero_where_all_stand_in_one_place():
    assert spread(np.ones((4, 3))) == 0
    assert spread(np.array([[0.0, 0, 0], [0, 0, 2]])) == pytest.approx(1.0)
