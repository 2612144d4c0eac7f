"""Composes drawn layers into a frame, nearest layer first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lyra_zoom.engines.embedded.push_pull import push_pull
from lyra_zoom.engines.embedded.raster import LayerBuffer
from lyra_zoom.engines.embedded.shade_kernels import Look, flatten, shade_under
from lyra_zoom.engines.embedded.texture import Texture
from lyra_zoom.geometry.image import Mask, RgbImage, Size


@dataclass(frozen=True, slots=True, kw_only=True)
class Shading:
    """How textures are read.

    `lod_bias` is added to the level of detail (negative: sharper). Between the depths
    `fade_from` and `fade_to` a surface goes from clear to full.
    """

    lod_bias: float = -0.35
    fade_from: float = 0.0
    fade_to: float = 0.0

    def look(self) -> Look:
        """The numbers that the kernels use."""
        width = max(self.fade_to - self.fade_from, 1e-6)
        gain = np.float32(2.0 ** (2 * self.lod_bias))
        return Look(gain, np.float32(self.fade_from), np.float32(1 / width))


class Canvas:
    """Memory for composing one frame at a time; not to be shared between threads."""

    def __init__(self, size: Size) -> None:
        self._rgba = np.zeros((size.height, size.width, 4), np.uint8)
        self._holes = np.zeros((size.height, size.width), bool)

    def compose(
        self, frame: RgbImage, layers: Sequence[tuple[LayerBuffer, Texture]], shading: Shading
    ) -> int:
        """Write layers, the nearest first, to `frame`; how many pixels none of them covers."""
        look = shading.look()
        self._rgba.fill(0)
        for buffer, texture in layers:
            shade_under(self._rgba, buffer.target, texture.pyramid, look)
        return flatten(self._rgba, frame, self._holes)

    @property
    def holes(self) -> Mask:
        """The uncovered pixels of the last frame."""
        return self._holes


def fill_holes(frame: RgbImage, holes: Mask) -> None:
    """Give uncovered pixels a smooth continuation of their surroundings, in place."""
    if not holes.any():
        return
    known = (~holes).astype(np.float32)
    filled = push_pull(frame.astype(np.float32), known)
    frame[holes] = np.clip(filled[holes] + 0.5, 0, 255).astype(np.uint8)
