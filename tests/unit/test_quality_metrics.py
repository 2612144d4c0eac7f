"""Figures of merit mean what their names say."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from lyra_zoom.bench.metrics import (
    OCTAVES,
    own_flow,
    patch_distance,
    psnr,
    restlessness,
    ssim,
    ssim_map,
    texture_ratio,
)
from lyra_zoom.geometry.camera import pixel_centres
from lyra_zoom.geometry.image import Size

EVERYWHERE = np.ones((40, 60), bool)


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(5).integers(20, 200, (40, 60, 3), dtype=np.uint8)


def test_equal_pictures_have_infinite_psnr(picture):
    assert psnr(picture, picture) == math.inf


def test_equal_pictures_have_a_similarity_of_one(picture):
    assert ssim(picture, picture) == pytest.approx(1)


@pytest.mark.parametrize("error", [1, 10, 50])
def test_a_known_error_gives_the_known_psnr(picture, error):
    known = 20 * math.log10(255 / error)
    assert psnr(picture + np.uint8(error), picture) == pytest.approx(known)


def test_psnr_counts_only_pixels_of_the_mask(picture):
    mask = EVERYWHERE.copy()
    mask[:, 30:] = False
    spoilt = picture.copy()
    spoilt[:, 30:] = 255
    assert psnr(spoilt, picture, mask) == math.inf


MEASURES = (psnr, ssim, texture_ratio, patch_distance)


def test_a_handful_of_pixels_gives_no_figure(picture):
    mask = np.zeros_like(EVERYWHERE)
    mask[:3, :3] = True
    figures = [f(picture, picture, mask) for f in MEASURES]
    figures.append(restlessness(picture, picture, STILL, mask))
    assert all(math.isnan(figure) for figure in figures)


def test_similarity_falls_as_noise_grows(picture):
    rng = np.random.default_rng(6)
    noise = rng.normal(0, 1, picture.shape)
    noisy = [np.clip(picture + s * noise, 0, 255).astype(np.uint8) for s in (2, 10, 40)]
    assert ssim(noisy[0], picture) > ssim(noisy[1], picture) > ssim(noisy[2], picture)


def test_similarity_equals_its_definition_written_out(picture):
    other = cv2.GaussianBlur(picture, (5, 5), 1)
    slow = slow_ssim_at(picture, other, row=20, column=30)
    assert ssim_map(picture, other)[20, 30] == pytest.approx(slow, abs=1e-5)


def slow_ssim_at(a: np.ndarray, b: np.ndarray, row: int, column: int) -> float:
    """SSIM of one pixel, weight by weight."""
    grey = np.array([0.299, 0.587, 0.114])
    total, sums = 0.0, np.zeros(5)
    for j in range(-5, 6):
        for i in range(-5, 6):
            weight = math.exp(-(i * i + j * j) / (2 * 1.5**2))
            x, y = (float(p[row + j, column + i] @ grey) for p in (a, b))
            total += weight
            sums += weight * np.array([x, y, x * x, y * y, x * y])
    mx, my, xx, yy, xy = sums / total
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    top = (2 * mx * my + c1) * (2 * (xy - mx * my) + c2)
    return top / ((mx**2 + my**2 + c1) * (xx - mx**2 + yy - my**2 + c2))


def test_a_picture_has_all_of_its_own_texture(picture):
    assert texture_ratio(picture, picture, EVERYWHERE) == 1


def test_a_blurred_picture_has_less_texture(picture):
    assert texture_ratio(cv2.GaussianBlur(picture, (5, 5), 1), picture, EVERYWHERE) < 0.2


STILL = pixel_centres(Size(60, 40))


def test_a_still_film_is_not_restless(picture):
    assert restlessness(picture, picture, STILL, EVERYWHERE) == 0


def test_restlessness_is_the_mean_grey_difference(picture):
    brighter = picture + np.uint8(4)
    assert restlessness(picture, brighter, STILL, EVERYWHERE) == pytest.approx(4)


def test_what_moves_as_it_should_is_not_restless(picture):
    flow = STILL + np.array([3.0, 0.0])
    inner = EVERYWHERE.copy()
    inner[:, -3:] = False
    assert restlessness(picture, np.roll(picture, 3, axis=1), flow, inner) == 0


@pytest.fixture(scope="module")
def grass() -> np.ndarray:
    """Texture, twice as wide as high, so that one half can stand for the other."""
    noise = np.random.default_rng(9).normal(0, 60, (96, 192, 3))
    soft = cv2.GaussianBlur(noise, (0, 0), 1.2) + cv2.GaussianBlur(noise, (0, 0), 4) * 3
    return np.clip(soft + np.array([90, 130, 60]), 0, 255).astype(np.uint8)


LEFT = np.zeros((96, 192), bool)
LEFT[8:88, 8:88] = True


def filled(grass: np.ndarray, content: np.ndarray) -> np.ndarray:
    picture = grass.copy()
    picture[LEFT] = content[LEFT]
    return picture


def test_equal_pictures_have_the_same_patches(grass):
    assert patch_distance(grass, grass, LEFT) == 0


def test_a_blurred_fill_is_far_from_the_truths_patches(grass):
    near, far = (filled(grass, cv2.GaussianBlur(grass, (0, 0), s)) for s in (0.7, 3))
    assert 0.02 < patch_distance(near, grass, LEFT) < patch_distance(far, grass, LEFT)


def test_texture_from_elsewhere_is_nearer_than_one_even_colour(grass):
    elsewhere = filled(grass, np.roll(grass, 96, axis=1))
    flat = filled(grass, np.full_like(grass, grass[LEFT].mean(axis=0)))
    assert patch_distance(elsewhere, grass, LEFT) < 0.25 * patch_distance(flat, grass, LEFT)


def test_by_psnr_the_even_colour_would_win(grass):
    elsewhere = filled(grass, np.roll(grass, 96, axis=1))
    flat = filled(grass, np.full_like(grass, grass[LEFT].mean(axis=0)))
    assert psnr(flat, grass, LEFT) > psnr(elsewhere, grass, LEFT)


def test_an_even_colour_is_about_as_far_as_the_truth_spreads(grass):
    flat = filled(grass, np.full_like(grass, grass[LEFT].mean(axis=0)))
    assert 0.5 < patch_distance(flat, grass, LEFT) < 0.9


def test_the_right_texture_in_the_wrong_colour_is_far(grass):
    tinted = filled(grass, np.clip(grass + np.array([50.0, 0, -40]), 0, 255).astype(np.uint8))
    elsewhere = filled(grass, np.roll(grass, 96, axis=1))
    assert patch_distance(tinted, grass, LEFT) > 2 * patch_distance(elsewhere, grass, LEFT)


def test_patches_beyond_the_mask_do_not_count(grass):
    spoilt = grass.copy()
    spoilt[:, 88 + 4 * 2**OCTAVES :] = 0
    assert patch_distance(spoilt, grass, LEFT) == 0


def test_a_distance_of_patches_repeats_itself(grass):
    blurred = cv2.GaussianBlur(grass, (0, 0), 1)
    assert patch_distance(blurred, grass, LEFT) == patch_distance(blurred, grass, LEFT)


def test_two_pictures_tell_how_they_move(grass):
    flow = own_flow(grass, np.roll(grass, 2, axis=1)) - pixel_centres(Size(192, 96))
    assert np.median(flow[LEFT], axis=0) == pytest.approx([2, 0], abs=0.1)


def test_noise_is_no_motion(grass):
    rng = np.random.default_rng(4)
    noisy = [np.clip(grass + rng.normal(0, 5, grass.shape), 0, 255) for _ in range(2)]
    a, b = (picture.astype(np.uint8) for picture in noisy)
    still = restlessness(a, b, pixel_centres(Size(192, 96)), LEFT)
    assert restlessness(a, b, own_flow(a, b), LEFT) > 0.8 * still
