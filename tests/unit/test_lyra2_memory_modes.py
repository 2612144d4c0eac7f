"""Whatever memory mode the operator asks for, the frames are the same bytes."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, TypeAlias

import pytest

torch = pytest.importorskip("torch", reason="the lyra2 engine needs torch")

import numpy as np  # noqa: E402

from lyra_zoom.engines.engine import Photo, Sampling  # noqa: E402
from lyra_zoom.engines.lyra2.loading import load_engine  # noqa: E402
from lyra_zoom.geometry.camera import CameraPath  # noqa: E402
from lyra_zoom.geometry.image import Size  # noqa: E402
from lyra_zoom.settings import Settings  # noqa: E402
from tests.fakes import Notes  # noqa: E402
from tests.lyra2_weights import toy_settings, write_toy_weights  # noqa: E402
from tests.pictures import landscape  # noqa: E402

pytestmark = pytest.mark.slow

Wish: TypeAlias = Literal["full", "lean", "stream"]

SIZE = Size(64, 32)
PHOTO = Photo(texture=landscape(Size(128, 64)), size=SIZE)


def flat(picture):
    """A depth network that takes every picture for a wall."""
    return np.ones(picture.shape[:2], np.float32)


def frames_of(settings: Settings, mode: Wish) -> bytes:
    """The first chunk after another with the other schedule, so that LoRAs have changed."""
    engine = load_engine(replace(settings, lyra2_memory=mode), flat, Notes().say)
    scene = engine.build_scene(PHOTO, Notes())
    w2c = np.repeat(np.eye(4)[None], 81, axis=0)
    w2c[:, 2, 3] = -np.linspace(0, 0.5, 81) * scene.subject_depth
    path = CameraPath(w2c, np.repeat(scene.K[None], 81, axis=0), SIZE)
    sampling = Sampling(prompt="a wall", seed=7, num_inference_steps=2)
    engine.set_up(scene, path, replace(sampling, use_dmd=False), Notes())
    stage = engine.set_up(scene, path, replace(sampling, use_dmd=True), Notes())
    return b"".join(frame.tobytes() for frame in stage.render(range(81), Notes()))


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    data = tmp_path_factory.mktemp("data")
    write_toy_weights(data)
    return toy_settings(data)


def test_lean_and_stream_draw_what_full_draws(settings):
    full = frames_of(settings, "full")
    assert frames_of(settings, "lean") == full
    assert frames_of(settings, "stream") == full
