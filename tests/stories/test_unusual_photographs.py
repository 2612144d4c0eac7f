"""Whatever the photograph shows, a video comes out that begins with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from lyra_zoom.contract.zoom import ZoomInput
from lyra_zoom.engines.embedded.engine import EmbeddedEngine
from lyra_zoom.geometry.image import RgbImage, Size, resize
from lyra_zoom.pipeline.decode import decode_photo
from lyra_zoom.pipeline.progress import ProgressReport
from lyra_zoom.pipeline.shot import plan_shot
from lyra_zoom.pipeline.zoom import make_zoom
from tests.fakes import Notes
from tests.pictures import encoded, landscape, psnr

pytestmark = pytest.mark.slow

VIDEO = Size(832, 480)
FRAMES = 6


def screenshot() -> RgbImage:
    """Black text on white, to the border."""
    page = np.full((900, 1600, 3), 255, np.uint8)
    for line in range(24):
        text = "the camera moves through a page of text " * 3
        cv2.putText(page, text, (5, 35 + line * 37), cv2.FONT_HERSHEY_SIMPLEX, 1, (0, 0, 0), 2)
    return page


UNUSUAL = {
    "all white": np.full((600, 1040, 3), 255, np.uint8),
    "all black": np.zeros((600, 1040, 3), np.uint8),
    "one grey": np.full((600, 1040, 3), 119, np.uint8),
    "soft noise": cv2.GaussianBlur(
        np.random.default_rng(1).integers(0, 256, (600, 1040, 3), np.uint8), (0, 0), 2
    ),
    "a gradient": np.tile(
        np.linspace(0, 255, 1040).astype(np.uint8)[None, :, None], (600, 1, 3)
    ),
    "text": screenshot(),
    "a panorama 8:1": landscape(Size(4000, 500)),
    "a portrait 9:16": landscape(Size(720, 1280)),
    "hardly any pixels": landscape(Size(33, 32)),
}


@pytest.mark.parametrize("direction", ["in", "out"])
@pytest.mark.parametrize("name", UNUSUAL)
def test_an_unusual_photograph_becomes_a_video(tmp_path: Path, name, direction):
    data = encoded(UNUSUAL[name], "PNG")
    request = ZoomInput.model_validate(
        {"image_url": "x", "prompt": "x", "zoom_direction": direction}
    )
    shot = plan_shot(request, data, seed=1)
    shot = replace(shot, legs=(replace(shot.legs[0], num_frames=FRAMES),))
    make_zoom(shot, EmbeddedEngine(), tmp_path / "a.mp4", ProgressReport())
    with av.open(str(tmp_path / "a.mp4")) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    photo = decode_photo(data, VIDEO, Notes().say)
    assert len(frames) == FRAMES
    assert psnr(frames[0], resize(photo.texture, VIDEO)) >= 30
