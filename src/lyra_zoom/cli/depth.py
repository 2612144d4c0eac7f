"""`lyra-zoom depth`: how near everything in a photograph is."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from lyra_zoom.engines.embedded.depth import depth_model
from lyra_zoom.engines.embedded.refine import photo_sized
from lyra_zoom.errors import OutputRejected
from lyra_zoom.geometry.image import Plane, RgbImage, Size, resize
from lyra_zoom.pipeline.decode import decode_whole
from lyra_zoom.pipeline.whole_file import whole_file
from lyra_zoom.settings import Settings
from lyra_zoom.storage.fetch import fetch_any

WORKING_LONG_SIDE_PX = 1664
"""Jumps are laid on picture edges at this size at most, as for a video; then enlarged."""


def run(arguments: argparse.Namespace) -> None:
    """Write the relative disparity of the photograph at its own size."""
    target = Path(arguments.output)
    file_of = FORMATS.get(target.suffix.lower())
    if file_of is None:
        raise OutputRejected(f"output: {target} must end in {' or '.join(FORMATS)}")
    photograph = decode_whole(fetch_any(arguments.image), _say)
    settings = Settings.from_environment(os.environ)
    disparity = relative_disparity(photograph, settings.depth_model)
    with whole_file(target) as part:
        part.write_bytes(file_of(disparity))
    size = Size.of(photograph)
    print(f"{target}: {size.width}x{size.height}, 0 is infinitely far, the nearest is about 1")


def relative_disparity(photograph: RgbImage, depth_model_file: Path | None) -> Plane:
    """Disparity 0 to 1 at the photograph's own size; larger is nearer, sky is 0."""
    size = Size.of(photograph)
    scale = min(1.0, WORKING_LONG_SIDE_PX / max(size.width, size.height))
    picture = resize(photograph, size.scaled(scale))
    estimate = depth_model(depth_model_file).estimate(picture)
    disparity, sky = photo_sized(estimate.disparity, estimate.sky, picture)
    return resize(np.where(sky, 0, disparity).astype(np.float32), size)


def _as_npy(disparity: Plane) -> bytes:
    file = io.BytesIO()
    np.save(file, disparity.astype(np.float32))
    return file.getvalue()


def _as_png(disparity: Plane) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.rint(np.clip(disparity, 0, 1) * 65535).astype(np.uint16)).save(
        file, "PNG"
    )
    return file.getvalue()


FORMATS: dict[str, Callable[[Plane], bytes]] = {".npy": _as_npy, ".png": _as_png}
"""What the file name's end asks for: float32, or 16-bit grey."""


def _say(message: str) -> None:
    print(message, file=sys.stderr)
