"""The photograph to measure with: the project's own in a checkout, else a drawn one."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from lyra_zoom.geometry.image import Plane, RgbImage, Size

EXAMPLES = Path(__file__).parents[3] / "examples"
DRAWN_SIZE = Size(1600, 1000)
SKY, GROUND, HOUSE = (170, 200, 230), (120, 130, 90), (160, 110, 90)


def bench_photograph(folder: Path) -> Path:
    """A photograph's file; a drawn one is written into `folder`."""
    ours = sorted(EXAMPLES.glob("*.jpg"))
    if ours:
        return ours[0]
    file = folder / "drawn.jpg"
    Image.fromarray(drawn_photograph()).save(file, quality=92)
    return file


def drawn_photograph() -> RgbImage:
    """A rough landscape with houses: detail everywhere, the same on every machine."""
    width, height = DRAWN_SIZE.width, DRAWN_SIZE.height
    picture = np.empty((height, width, 3), np.float32)
    horizon = int(0.45 * height)
    picture[:horizon], picture[horizon:] = SKY, GROUND
    for number in range(6):
        left, tall = 60 + 250 * number, 160 + 70 * (number % 3)
        picture[horizon - tall : horizon + 90, left : left + 150] = HOUSE
        picture[horizon - tall + 30 : horizon, left + 20 : left + 130 : 37] = 40
    return (picture * (0.7 + 0.5 * _grain(DRAWN_SIZE)[..., None])).clip(0, 255).astype(np.uint8)


def _grain(size: Size) -> Plane:
    """Noise of all sizes, 0 to 1."""
    rng = np.random.default_rng(1)
    total = np.zeros((size.height, size.width), np.float32)
    for octave in range(2, 9):
        coarse = rng.random((2**octave, 2**octave), np.float32)
        total += cv2.resize(coarse, (size.width, size.height)) / 7
    return total
