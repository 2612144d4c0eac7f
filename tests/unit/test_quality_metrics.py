"""Figures of merit mean what their names say."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from lyra_zoom.bench.metrics import psnr, restlessness, ssim, ssim_map, texture_ratio

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


def test_a_handful_of_pixels_gives_no_figure(picture):
    mask = np.zeros_like(EVERYWHERE)
    mask[:3, :3] = True
    figures = [f(picture, picture, mask) for f in (psnr, ssim, texture_ratio, restlessness)]
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


def test_a_still_film_is_not_restless(picture):
    assert restlessness(picture, picture, EVERYWHERE) == 0


def test_restlessness_is_the_mean_grey_difference(picture):
    assert restlessness(picture + np.uint8(4), picture, EVERYWHERE) == pytest.approx(4)
