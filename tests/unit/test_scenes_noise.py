"""The chance in generated textures: smooth, repeatable, the same everywhere."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lyra_zoom.scenes.noise_kernels import cells2, fbm2, hash01, noise2, noise3


def hash_slowly(x: int, y: int, z: int, seed: int) -> float:
    """The obvious twin, in Python's unbounded integers."""
    h = (x * 374761393 + y * 668265263 + z * 1440662683 + seed * 915488749) % 2**32
    h = ((h ^ (h >> 15)) * 739982445) % 2**32
    h = ((h ^ (h >> 12)) * 695872825) % 2**32
    return (h ^ (h >> 15)) / 2**32


def test_the_hash_agrees_with_unbounded_integers():
    rng = np.random.default_rng(0)
    for x, y, z, seed in rng.integers(-(10**6), 10**6, (200, 4)).tolist():
        assert hash01(x, y, z, abs(seed)) == hash_slowly(x, y, z, abs(seed))


def test_noise_is_its_hash_at_whole_numbers():
    assert noise2(3.0, -4.0, 7) == hash01(3, -4, 0, 7)
    assert noise3(3.0, -4.0, 5.0, 7) == hash01(3, -4, 5, 7)


def test_noise_has_no_steps():
    values = [noise2(0.001 * k, 0.3, 1) for k in range(4000)]
    assert np.abs(np.diff(values)).max() < 0.003


def test_octaves_finer_than_a_pixel_fade_to_the_mean():
    assert fbm2(0.37, 0.61, 100.0, 5) == pytest.approx(0.5)


def test_a_cell_keeps_its_number_up_to_its_border():
    border, number = cells2(0.4, 0.4, 2)
    shift = 0.2 * border
    assert math.isclose(cells2(0.4 + shift, 0.4, 2)[1], number)
