"""The two simple methods do what their names say, so that beating them means something."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from lyra_zoom.bench.baseline_kernels import draw_grid
from lyra_zoom.bench.baselines import MeshPhoto
from lyra_zoom.bench.metrics import psnr
from lyra_zoom.geometry.camera import centred_intrinsics
from lyra_zoom.geometry.image import Size
from lyra_zoom.geometry.rigid import w2c_from

SIZE = Size(64, 40)
K = centred_intrinsics(60.0, SIZE)
PHOTOGRAPH = np.eye(4)
TO_THE_RIGHT = w2c_from(np.eye(3), np.array([0.3, 0.0, 0.0]))
BACK = w2c_from(np.eye(3), np.array([0.0, 0.0, -1.0]))


@pytest.fixture
def picture() -> np.ndarray:
    noise = np.random.default_rng(3).integers(0, 255, (SIZE.height, SIZE.width, 3))
    return cv2.GaussianBlur(noise.astype(np.uint8), (7, 7), 2)


@pytest.fixture
def step(picture) -> MeshPhoto:
    """A near square before a far wall."""
    depth = np.full((SIZE.height, SIZE.width), 8.0, np.float32)
    depth[10:30, 20:44] = 2.0
    return MeshPhoto.of(picture, depth, K, 2.0)


def test_from_where_it_was_taken_the_mesh_is_the_photograph(step, picture):
    assert psnr(step.stretched(PHOTOGRAPH, K).rgb, picture) > 38


def test_a_stretched_mesh_has_no_hole_inside(step):
    assert not step.stretched(TO_THE_RIGHT, K).holes[:, 4:50].any()


def test_a_cut_mesh_is_open_beside_what_is_near(step):
    holes = step.cut(TO_THE_RIGHT, K).holes
    assert holes[12:28].sum() > 8 * holes[:8].sum()


def test_a_flat_photograph_is_never_cut(picture):
    flat = MeshPhoto.of(picture, np.full((SIZE.height, SIZE.width), 2.0, np.float32), K, 2.0)
    assert not flat.cut(PHOTOGRAPH, K).holes.any()


def test_the_outside_takes_the_colour_of_the_nearest_border(picture):
    flat = MeshPhoto.of(picture, np.full((SIZE.height, SIZE.width), 2.0, np.float32), K, 2.0)
    drawn = flat.stretched(BACK, K)
    row = SIZE.height // 2
    edge = int(np.argmin(drawn.holes[row]))
    assert (drawn.rgb[row, :edge] == drawn.rgb[row, edge]).all()


def test_the_rasteriser_agrees_with_rays_through_every_pixel():
    rng = np.random.default_rng(8)
    screen = np.stack(np.meshgrid(np.linspace(1, 15, 6), np.linspace(1, 11, 5)), -1)
    depth = rng.uniform(1, 3, (5, 6, 1))
    screen = np.concatenate([screen + rng.normal(0, 1.0, (5, 6, 2)), depth], -1)
    uv = rng.uniform(0, 50, (5, 6, 2))
    fast = np.zeros((12, 16, 3))
    draw_grid(screen, uv, 1 / depth[..., 0], (0.1, 0.5), fast)
    np.testing.assert_allclose(fast, slow_grid(screen, uv, 1 / depth[..., 0], 0.5), atol=1e-6)


def slow_grid(
    screen: np.ndarray, uv: np.ndarray, disparity: np.ndarray, largest: float
) -> np.ndarray:
    """The nearest triangle on the ray of each pixel, by solving for the point it meets."""
    target = np.zeros((12, 16, 3))
    for y, x in np.ndindex(12, 16):
        ray = np.array([x + 0.5, y + 0.5, 1.0])
        for j, i in np.ndindex(4, 5):
            for last in ((j, i), (j + 1, i + 1)):
                corners = [(j, i + 1), (j + 1, i), last]
                values = [disparity[c] for c in corners]
                points = np.array([screen[c] * [*[screen[c][2]] * 2, 1] for c in corners])
                shares = np.linalg.solve(points.T, ray)
                if max(values) - min(values) > largest or (shares < 0).any():
                    continue
                inverse = shares.sum()
                if inverse > target[y, x, 0]:
                    where = sum(s * uv[c] for s, c in zip(shares, corners, strict=True))
                    target[y, x] = [inverse, *(where / inverse)]
    return target
