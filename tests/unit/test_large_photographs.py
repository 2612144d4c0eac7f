"""A photograph larger than the video is sharp from near by and calm from far away."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from lyra_zoom.bench.metrics import psnr, restlessness, texture_ratio
from lyra_zoom.bench.quality import PRESETS
from lyra_zoom.engines.embedded.scene import intrinsics_of, scene_from_depth
from lyra_zoom.engines.embedded.stage import set_up
from lyra_zoom.geometry.camera import CameraPath, pixel_centres
from lyra_zoom.geometry.image import Size, resize
from lyra_zoom.pipeline.cameras import SourceView, plan_leg
from lyra_zoom.pipeline.decode import decode_photo
from lyra_zoom.pipeline.shot import Leg

VIDEO = Size(208, 120)
LARGE = Size(1000, 577)  # as 4000 pixels are to a video of 832
DISTANCE = 3.0  # of the even wall that it shows
ZOOM_IN, ZOOM_OUT = (preset.leg for preset in PRESETS[:2])
LAST = ZOOM_IN.num_frames - 1


@pytest.fixture(scope="module")
def wall() -> np.ndarray:
    """Fine detail everywhere, down to two pixels of the photograph."""
    noise = np.random.default_rng(11).normal(0, 1, (LARGE.height, LARGE.width, 3))
    fine = cv2.GaussianBlur(noise, (0, 0), 1.0)
    return np.clip(128 + 180 * fine, 0, 255).astype(np.uint8)


class Film:
    """The frames of a move before the wall, and what really is to be seen."""

    def __init__(self, wall: np.ndarray, photographed: np.ndarray, leg: Leg) -> None:
        file = io.BytesIO()
        Image.fromarray(photographed).save(file, "PNG")
        photo = decode_photo(file.getvalue(), VIDEO, lambda said: None)
        self.wall, self.K = wall, intrinsics_of(photo)
        depth = np.full((VIDEO.height, VIDEO.width), DISTANCE, np.float32)
        view = SourceView(K=self.K, size=VIDEO, depth=depth, subject_depth=DISTANCE)
        self.path: CameraPath = plan_leg(leg, view, lambda said: None)
        self.stage = set_up(scene_from_depth(photo, depth, self.K), self.path, 1)

    def drawn(self, frame: int) -> np.ndarray:
        return self.stage.draw(self.path.w2c[frame], self.path.K[frame])

    def there(self, frame: int) -> np.ndarray:
        """Where each pixel of a frame is in the photograph, in pixels of the video."""
        x, y, z = self.path.w2c[frame][:3, 3] + [0, 0, DISTANCE]
        middle = np.array([VIDEO.width / 2, VIDEO.height / 2])
        aside = np.array([x, y]) * self.K[0, 0] / DISTANCE
        return middle + (pixel_centres(VIDEO) - middle) * z / DISTANCE - aside

    def flow(self, now: int, then: int) -> np.ndarray:
        """Where each pixel of one frame is in another."""
        corner = self.there(then)
        step = corner[1, 1] - corner[0, 0]
        return (self.there(now) - corner[0, 0]) / step + 0.5

    def true(self, frame: int, rays: int = 6) -> np.ndarray:
        """The mean of the photograph's detail over each pixel."""
        corner = self.there(frame)
        step = corner[1, 1] - corner[0, 0]
        scale = LARGE.width / VIDEO.width
        total = np.zeros((*corner.shape[:2], 3))
        for j, i in np.ndindex(rays, rays):
            at = (corner + step * ((np.array([i, j]) + 0.5) / rays - 0.5)) * scale - 0.5
            x, y = np.moveaxis(at.astype(np.float32), -1, 0)
            total += cv2.remap(self.wall, x, y, cv2.INTER_LINEAR)
        return np.round(total / rays**2).astype(np.uint8)

    def inside(self, frame: int) -> np.ndarray:
        """The pixels that the photograph shows, but for those at its border."""
        x, y = np.moveaxis(self.there(frame), -1, 0)
        return (x > 2) & (x < VIDEO.width - 2) & (y > 2) & (y < VIDEO.height - 2)


@pytest.fixture(scope="module")
def from_large(wall) -> Film:
    return Film(wall, wall, ZOOM_IN)


@pytest.fixture(scope="module")
def from_small(wall) -> Film:
    return Film(wall, resize(wall, VIDEO), ZOOM_IN)


def test_an_approach_shows_the_detail_of_a_large_photograph(from_large):
    true, inside = from_large.true(LAST), from_large.inside(LAST)
    assert texture_ratio(from_large.drawn(LAST), true, inside) > 0.8


def test_a_photograph_of_the_videos_size_has_none_of_that_detail(from_small):
    true, inside = from_small.true(LAST), from_small.inside(LAST)
    assert texture_ratio(from_small.drawn(LAST), true, inside) < 0.2


def test_an_approach_is_truer_to_a_large_photograph(from_large, from_small):
    large, small = (
        psnr(film.drawn(LAST), film.true(LAST), film.inside(LAST))
        for film in (from_large, from_small)
    )
    assert large > small + 6


def test_a_retreat_from_a_large_photograph_does_not_shimmer(wall):
    film, now, then = Film(wall, wall, ZOOM_OUT), 60, 61
    flow, inside = film.flow(now, then), film.inside(now)
    own = restlessness(film.drawn(now), film.drawn(then), flow, inside)
    real = restlessness(film.true(now), film.true(then), flow, inside)
    assert own < 1.2 * real
