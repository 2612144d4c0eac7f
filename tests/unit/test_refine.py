"""A network's blurred jumps are laid on picture edges; slopes stay slopes."""

from __future__ import annotations

import cv2
import numpy as np

from lyra_zoom.engines.embedded.refine import photo_sized

HEIGHT, WIDTH = 240, 416


def picture_with_edge(column: int) -> np.ndarray:
    rng = np.random.default_rng(1)
    picture = rng.integers(90, 110, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    picture[:, column:] += 80
    return picture


def blurred_step(column: int, sigma: float) -> np.ndarray:
    step = np.full((HEIGHT, WIDTH), 0.3, np.float32)
    step[:, column:] = 0.7
    return cv2.GaussianBlur(step, (0, 0), sigma)


def test_a_blurred_jump_becomes_a_step_on_the_picture_edge():
    sharp = photo_sized(blurred_step(203, 3.0), picture_with_edge(200))
    row = sharp[120]
    assert int(np.argmax(np.diff(row))) in range(198, 203)
    assert row[204] - row[196] > 0.3


def test_a_slope_without_a_step_is_left_alone():
    slope = np.linspace(0.2, 0.8, WIDTH, dtype=np.float32)[None] * np.ones(
        (HEIGHT, 1), np.float32
    )
    sharp = photo_sized(slope, picture_with_edge(200))
    assert np.abs(np.diff(sharp, axis=1)).max() < 3 * (0.6 / WIDTH)


def test_the_result_has_the_size_of_the_photograph():
    assert photo_sized(blurred_step(200, 3.0)[::2, ::2], picture_with_edge(200)).shape == (
        240,
        416,
    )


def test_disparity_stays_between_0_and_1():
    sharp = photo_sized(np.clip(blurred_step(200, 3.0) * 2 - 0.4, 0, 1), picture_with_edge(200))
    assert sharp.min() >= 0
    assert sharp.max() <= 1
