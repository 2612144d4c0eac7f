"""A network's blurred jumps are laid on picture edges; slopes stay slopes."""

from __future__ import annotations

import cv2
import numpy as np

from lyra_zoom.engines.embedded.refine import photo_sized

HEIGHT, WIDTH = 240, 416
NO_SKY = np.zeros((HEIGHT, WIDTH), np.float32)


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
    sharp = photo_sized(blurred_step(203, 3.0), NO_SKY, picture_with_edge(200))[0]
    row = sharp[120]
    assert int(np.argmax(np.diff(row))) in range(198, 203)
    assert row[204] - row[196] > 0.3


def test_a_slope_without_a_step_is_left_alone():
    slope = np.linspace(0.2, 0.8, WIDTH, dtype=np.float32)[None] * np.ones(
        (HEIGHT, 1), np.float32
    )
    sharp = photo_sized(slope, NO_SKY, picture_with_edge(200))[0]
    assert np.abs(np.diff(sharp, axis=1)).max() < 3 * (0.6 / WIDTH)


def test_the_result_has_the_size_of_the_photograph():
    coarse = blurred_step(200, 3.0)[::2, ::2]
    disparity, sky = photo_sized(coarse, NO_SKY[::2, ::2], picture_with_edge(200))
    assert disparity.shape == sky.shape == (HEIGHT, WIDTH)


def test_disparity_stays_between_0_and_1():
    sharp = photo_sized(
        np.clip(blurred_step(200, 3.0) * 2 - 0.4, 0, 1), NO_SKY, picture_with_edge(200)
    )[0]
    assert sharp.min() >= 0
    assert sharp.max() <= 1


def test_sky_ends_where_the_picture_has_its_edge():
    sky = cv2.GaussianBlur((blurred_step(202, 1.0) < 0.5).astype(np.float32), (0, 0), 4.0)
    _, mask = photo_sized(blurred_step(202, 4.0), sky, picture_with_edge(200))
    assert mask[120].sum() in range(197, 204)


def test_what_stands_before_the_sky_keeps_its_disparity_up_to_its_edge():
    thing = (blurred_step(200, 0.5) > 0.5).astype(np.float32)
    sky = cv2.GaussianBlur(1 - thing, (0, 0), 3.0)
    disparity, mask = photo_sized(
        cv2.GaussianBlur(0.6 * thing, (0, 0), 3.0), sky, picture_with_edge(200)
    )
    np.testing.assert_allclose(disparity[120, 200:240][~mask[120, 200:240]], 0.6, atol=0.08)


def test_a_speck_of_sky_in_a_wall_is_wall():
    sky = NO_SKY.copy()
    sky[100:106, 300:306] = 1
    _, mask = photo_sized(blurred_step(200, 3.0), sky, picture_with_edge(200))
    assert not mask.any()
