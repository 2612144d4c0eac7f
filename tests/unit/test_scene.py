"""From a relative disparity to a scene: a ground with its horizon where it should be."""

from __future__ import annotations

import numpy as np
import pytest

from lyra_zoom.engines.embedded.depth import RelativeDepth
from lyra_zoom.engines.embedded.scene import scene_from_relative
from lyra_zoom.engines.engine import Photo
from lyra_zoom.geometry.image import Size

SIZE = Size(320, 192)
HEIGHT, WIDTH = 96, 160
Y = (np.arange(HEIGHT)[:, None] + 0.5) / HEIGHT * np.ones((1, WIDTH))


def scene_of(disparity: np.ndarray, sky: np.ndarray):
    rows = np.linspace(60, 200, SIZE.height)[:, None, None] * np.ones((1, SIZE.width, 3))
    photo = Photo(texture=rows.astype(np.uint8), size=SIZE)
    return scene_from_relative(
        photo, RelativeDepth(disparity.astype(np.float32), sky.astype(np.float32))
    )


def horizon(scene) -> float:
    _, b, c = scene.ground.coefficients
    return float(-c / b)


@pytest.mark.parametrize("offset", [0.05, 0.1, 0.15])
def test_no_sky_is_seen_below_the_horizon_of_the_ground(offset):
    sky = Y < 0.45
    scene = scene_of(np.where(sky, 0, offset + (1 - offset) * (Y - 0.45) / 0.55), sky)
    assert horizon(scene) == pytest.approx(0.45, abs=0.03)


def test_ground_seen_through_a_network_is_a_plane():
    sky = Y < 0.4
    x = np.linspace(-1, 1, WIDTH)[None]
    bowl = np.where(sky, 0, (Y - 0.4) / 0.6 + 0.03 * x * x)
    scene = scene_of(np.clip(bowl, 0, 1), sky)
    row = scene.disparity[160]
    assert row.max() - row.min() < 0.01 * scene.disparity.max()
