from __future__ import annotations

import cv2
import numpy as np
import pytest

from lyra_zoom.engines.embedded.matte import front_matte
from lyra_zoom.engines.embedded.matte_kernels import LEAST_WEIGHT, side_colours

NEAR_COLOUR = np.array([0.75, 0.3, 0.2])
FAR_COLOUR = np.array([0.3, 0.5, 0.8])
BAND_PX = 2.0


def soft_edge(slant: float = 0.3, near_colour=NEAR_COLOUR, far_colour=FAR_COLOUR):
    """A near surface left of a slanted line: a texture of twice the mask's size, true alpha."""
    y, x = np.mgrid[:120, :160]
    distance = (74.3 + slant * (y - 60) - x) / np.hypot(1, slant)
    alpha = np.clip(0.5 + distance / 3, 0, 1)[..., None]
    texture = np.round(255 * (alpha * near_colour + (1 - alpha) * far_colour)).astype(np.uint8)
    near = alpha.reshape(60, 2, 80, 2).mean(axis=(1, 3)) > 0.5
    return texture, alpha[..., 0], near


def outline_of(near: np.ndarray) -> np.ndarray:
    return near & (cv2.erode(near.astype(np.uint8), np.ones((3, 3), np.uint8)) == 0)


@pytest.mark.parametrize("slant", [0.0, 0.3, 1.0, -2.0])
def test_a_straight_soft_edge_gets_its_true_coverage(slant):
    texture, alpha, near = soft_edge(slant)
    matte = front_matte(texture, near, outline_of(near), BAND_PX)
    assert np.abs(matte.alpha - alpha)[matte.band].max() < 0.1


@pytest.mark.parametrize("shift", [-1, 1])
def test_a_mask_one_pixel_off_hardly_matters(shift):
    texture, alpha, near = soft_edge()
    shifted = np.roll(near, shift, axis=1)
    shifted[:, 0] = True
    shifted[:, -1] = False
    matte = front_matte(texture, shifted, outline_of(shifted), BAND_PX)
    assert np.abs(matte.alpha - alpha)[matte.band].mean() < 0.05


def test_the_near_colour_carries_no_halo_of_the_far_side():
    texture, _, near = soft_edge()
    matte = front_matte(texture, near, outline_of(near), BAND_PX)
    seen = matte.band & (matte.alpha > 0.05)
    assert np.abs(matte.colour - NEAR_COLOUR)[seen].max() < 0.06


def test_the_near_colour_over_the_far_colour_is_the_texture_again():
    texture, _, near = soft_edge()
    noisy = np.random.default_rng(1).normal(texture, 8).clip(20, 235).astype(np.uint8)
    matte = front_matte(noisy, near, outline_of(near), BAND_PX)
    alpha = matte.alpha[..., None]
    again = alpha * matte.colour + (1 - alpha) * matte.far_colour
    assert np.allclose(again[matte.band], (noisy / 255)[matte.band], atol=1e-5)


def test_the_far_colour_carries_nothing_of_the_near_side():
    texture, _, near = soft_edge()
    matte = front_matte(texture, near, outline_of(near), BAND_PX)
    seen = matte.band & (matte.alpha < 0.95)
    assert np.abs(matte.far_colour - FAR_COLOUR)[seen].max() < 0.06


def test_outside_the_band_nothing_is_soft():
    texture, alpha, near = soft_edge()
    matte = front_matte(texture, near, outline_of(near), BAND_PX)
    outside = ~matte.band
    assert np.array_equal(matte.alpha[outside], (alpha > 0.5)[outside])
    assert np.array_equal(matte.colour[outside], (texture / np.float32(255))[outside])


def test_the_band_reaches_equally_far_to_both_sides():
    texture, _, near = soft_edge(slant=0.0)
    matte = front_matte(texture, near, outline_of(near), BAND_PX)
    columns = np.flatnonzero(matte.band[60])
    assert len(columns) == 4 * BAND_PX
    assert columns.mean() + 0.5 == pytest.approx(2 * near[30].sum())


def test_without_outlines_there_is_no_band():
    texture, _, near = soft_edge()
    matte = front_matte(texture, near, np.zeros_like(near), BAND_PX)
    assert not matte.band.any()
    assert np.all(matte.alpha == 1)


def test_the_near_mask_is_only_looked_at_beside_outlines():
    texture, _, near = soft_edge()
    outline = outline_of(near)
    beside = cv2.dilate(outline.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    whole, narrow = (
        front_matte(texture, mask, outline, BAND_PX) for mask in (near, near & beside)
    )
    assert np.array_equal(whole.alpha, narrow.alpha)


def test_between_two_steps_of_a_stair_there_is_no_band():
    near = np.zeros((60, 80), bool)
    near[:, :20] = near[:, 35:50] = True
    outline = np.zeros_like(near)
    outline[:, [19, 49]] = True
    texture = np.full((120, 160, 3), 99, np.uint8)
    band = front_matte(texture, near, outline, BAND_PX).band
    assert np.array_equal(np.flatnonzero(band.any(axis=0)), [*range(36, 44), *range(96, 104)])


def test_where_both_sides_look_alike_the_mask_decides():
    texture, _, near = soft_edge(0.0, near_colour=FAR_COLOUR)
    rng = np.random.default_rng(1)
    noisy = np.clip(texture + rng.normal(0, 4, texture.shape), 0, 255).astype(np.uint8)
    matte = front_matte(noisy, near, outline_of(near), BAND_PX)
    across = matte.alpha[10:-10]
    assert np.ptp(across, axis=0).max() < 0.25
    assert np.all(np.diff(across.mean(axis=0)) <= 1e-3)


def test_a_thin_pole_is_opaque_in_the_middle():
    near = np.zeros((60, 80), bool)
    near[:, 39:42] = True
    fine = np.repeat(np.repeat(near, 2, axis=0), 2, axis=1)[..., None]
    texture = np.round(255 * np.where(fine, NEAR_COLOUR, FAR_COLOUR)).astype(np.uint8)
    matte = front_matte(texture, near, outline_of(near), BAND_PX)
    assert matte.alpha[20:-20, 80:82].min() > 0.9
    assert matte.alpha[20:-20, 74].max() < 0.1


def test_texture_and_masks_may_have_one_size():
    texture, alpha, _ = soft_edge()
    near = alpha > 0.5
    matte = front_matte(texture, near, outline_of(near), 2 * BAND_PX)
    assert np.abs(matte.alpha - alpha)[matte.band].max() < 0.1


def test_side_colours_agree_with_their_slow_twin():
    rng = np.random.default_rng(4)
    colour = rng.random((14, 18, 3)).astype(np.float32)
    inward_px = np.broadcast_to(8.3 - np.arange(18, dtype=np.float32), (14, 18)).copy()
    falloff = np.array([1, 0.8, 0.5, 0.2], np.float32)
    fast = side_colours(colour, inward_px, 2.0, falloff)
    for y, x in [(0, 8), (7, 9), (13, 11), (5, 6)]:
        slow = _side_colours_slowly(colour, inward_px, falloff, y, x)
        assert np.allclose(fast[:, y, x], slow, atol=1e-4)


def _side_colours_slowly(colour, inward_px, falloff, y, x):
    reach = len(falloff) - 1
    left = max(0, x - reach)
    answer = np.zeros((2, 4))
    for side, sign in enumerate((1, -1)):
        colours, weights = [], []
        for i in range(max(0, y - reach), min(14, y + reach + 1)):
            for j in range(left, min(18, x + reach + 1)):
                if (i + j) % 2 == 0 and (inward_px[i, j] > 0) == (sign > 0):
                    sure = min(1, abs(inward_px[i, j]) / 2) ** 4 + LEAST_WEIGHT
                    weights.append(sure * falloff[abs(i - y)] * falloff[abs(j - x)])
                    colours.append(colour[i, j])
        if weights:
            mean = np.average(colours, axis=0, weights=weights)
            spread = np.average(np.square(colours - mean).sum(axis=1), weights=weights)
            answer[side] = (*mean, spread)
    return answer
