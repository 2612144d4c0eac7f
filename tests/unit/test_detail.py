"""One disparity of two readings: the shape of the small one, the outlines of the large one."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from lyra_zoom.engines.embedded.detail import matched, with_detail

HEIGHT, WIDTH = 120, 200


@pytest.fixture
def ramp():
    return np.repeat(np.linspace(0.1, 1, HEIGHT, dtype=np.float32)[:, None], WIDTH, axis=1)


@pytest.fixture
def pole(ramp):
    near = ramp.copy()
    near[20:90, 95:105] += 0.2
    return near


@pytest.fixture
def everything():
    return np.ones((HEIGHT, WIDTH), np.float32)


def step_across(disparity):
    return disparity[50, 96] - disparity[50, 93]


def test_what_only_the_large_reading_sees_is_in_the_answer(ramp, pole, everything):
    assert step_across(with_detail(ramp, pole, everything)) > 0.9 * step_across(pole)


def test_outlines_are_stronger_than_the_network_says(pole, everything):
    assert step_across(with_detail(pole, pole, everything)) > 1.3 * step_across(pole)


def test_the_shape_is_that_of_the_small_reading(ramp, everything):
    bent = ramp + 0.3 * np.linspace(-1, 1, WIDTH, dtype=np.float32) ** 2
    answer = with_detail(ramp, bent, everything)
    inside = slice(20, -20)
    assert np.abs(answer[inside, 40:-40] - ramp[inside, 40:-40]).max() < 0.05


def test_the_scale_of_the_large_reading_does_not_matter(ramp, pole, everything):
    once, again = (with_detail(ramp, k * pole + k, everything) for k in (1, 3))
    assert np.allclose(once, again, atol=1e-4)


def test_disparity_stays_at_least_zero(pole, everything):
    dark = cv2.GaussianBlur(pole, (0, 0), 3) - pole.min() - 0.05
    assert with_detail(np.maximum(dark, 0), dark, everything).min() == 0


def test_sky_does_not_count_for_the_scale(ramp, pole):
    ground = np.ones_like(ramp)
    ground[:40] = 0
    odd = pole.copy()
    odd[:40] = 9
    assert np.allclose(matched(odd, ramp, ground)[40:], matched(pole, ramp, ground)[40:])
