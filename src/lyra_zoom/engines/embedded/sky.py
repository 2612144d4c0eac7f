"""A photograph's sky without anything before it."""

from __future__ import annotations

import cv2
import numpy as np

from lyra_zoom.engines.embedded.inpaint import inpaint_behind
from lyra_zoom.engines.embedded.scene import EmbeddedScene
from lyra_zoom.geometry.image import RgbImage

SKY_EDGE_PX = 2  # of sky beside an outline, where colours mix
KNOWN_SKY = 0.1  # of a pixel of that copy: with less it is invented
SKY_COARSER = 6  # times smaller is the copy on which more sky is invented


def sky_picture(scene: EmbeddedScene, seed: int) -> RgbImage:
    """The photograph with all but its sky replaced by more of that sky, softer."""
    window = np.ones((2 * SKY_EDGE_PX + 1,) * 2, np.uint8)
    pure = cv2.erode(scene.sky.astype(np.uint8), window)
    picture = scene.picture.astype(np.float32)
    size = scene.size.scaled(1 / SKY_COARSER)
    small, shown = (
        cv2.resize(values, (size.width, size.height), interpolation=cv2.INTER_AREA)
        for values in (picture / 255 * pure[..., None], pure.astype(np.float32))
    )
    known = shown > KNOWN_SKY
    mean = small / np.maximum(shown, KNOWN_SKY)[..., None]
    small = np.where(known[..., None], mean, 0).astype(np.float32)
    nowhere, even = np.zeros_like(known), np.zeros(known.shape, np.float32)
    more = inpaint_behind(small, ~known, nowhere, even, seed)
    whole = cv2.resize(
        more * 255, (scene.size.width, scene.size.height), interpolation=cv2.INTER_CUBIC
    )
    soft = cv2.GaussianBlur(pure.astype(np.float32), (0, 0), SKY_EDGE_PX)
    share = np.clip(2 * soft - 1, 0, 1)[..., None]
    return np.clip(whole + share * (picture - whole) + 0.5, 0, 255).astype(np.uint8)
