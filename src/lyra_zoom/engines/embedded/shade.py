"""Draws and composes layers into a frame, nearest layer first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from lyra_zoom.engines.embedded.hole_kernels import close_holes
from lyra_zoom.engines.embedded.mesh import Mesh
from lyra_zoom.engines.embedded.push_pull import push_pull
from lyra_zoom.engines.embedded.raster import LayerBuffer, no_tiles
from lyra_zoom.engines.embedded.shade_kernels import (
    Look,
    find_hidden,
    flatten,
    shade_under,
)
from lyra_zoom.engines.embedded.texture import Texture
from lyra_zoom.geometry.camera import Intrinsics
from lyra_zoom.geometry.image import Mask, RgbImage, Size
from lyra_zoom.geometry.rigid import Rigid

NEAREST_SHARE = 1e-3  # of `fade_to`: the near plane when nothing fades
SMALL_HOLE_PX = 4  # from its rim; deeper holes are filled by wide averages
CLOSE_PX = 24  # around deep holes: what their averages are made of


@dataclass(frozen=True, slots=True)
class DrawnLayer:
    """Meshes that share a texture and hide each other by depth."""

    meshes: tuple[Mesh, ...]
    texture: Texture


@dataclass(frozen=True, slots=True, kw_only=True)
class Shading:
    """How layers are turned into colours.

    From `fade_from` to `fade_to`, in scene units before the camera, a surface goes from clear
    to full, so that what passes the lens dissolves. `lod_bias` is added to the level of detail:
    negative is sharper.
    """

    fade_from: float
    fade_to: float
    lod_bias: float = -0.25

    def look(self) -> Look:
        """The numbers that the kernels use."""
        gain = 2.0 ** (2 * self.lod_bias)
        per_depth = 1 / max(self.fade_to - self.fade_from, 1e-6)
        return Look(np.float32(gain), np.float32(self.fade_from), np.float32(per_depth))


class Canvas:
    """Memory in which one frame at a time is composed; not to be shared between threads."""

    def __init__(self, size: Size) -> None:
        self._rgba = np.zeros((size.height, size.width, 4), np.uint8)
        self.holes: Mask = np.zeros((size.height, size.width), bool)
        self.hidden: UInt8[np.ndarray, "rows columns"] = no_tiles(size)

    def begin(self) -> None:
        """Start an empty frame."""
        self._rgba.fill(0)
        self.hidden.fill(0)

    def put_under(self, buffer: LayerBuffer, texture: Texture, shading: Shading) -> None:
        """Put a drawn layer behind those that are there; `hidden` is brought up to date."""
        shade_under(self._rgba, buffer.target, texture.pyramid, shading.look())
        find_hidden(self._rgba, self.hidden)

    def finish(self, frame: RgbImage) -> int:
        """Write the picture to `frame`; how many pixels no layer covers (marked in `holes`)."""
        return flatten(self._rgba, frame, self.holes)


class FrameRenderer:
    """A canvas and a depth buffer: what one thread needs to make frames."""

    def __init__(self, size: Size) -> None:
        self.canvas = Canvas(size)
        self._buffer = LayerBuffer(size)

    def render(
        self,
        layers: Sequence[DrawnLayer],
        w2c: Rigid,
        K: Intrinsics,
        shading: Shading,
        frame: RgbImage,
    ) -> int:
        """Write to `frame` what a camera sees, nearest layer first; how many holes are left."""
        near = max(shading.fade_from, NEAREST_SHARE * shading.fade_to)
        self.canvas.begin()
        for layer in layers:
            if self.canvas.hidden.all():
                break
            self._buffer.clear(self.canvas.hidden)
            for mesh in layer.meshes:
                self._buffer.draw(mesh, w2c, K, near, layer.texture.alpha)
            self.canvas.put_under(self._buffer, layer.texture, shading)
        return self.canvas.finish(frame)


def fill_holes(frame: RgbImage, holes: Mask) -> None:
    """Give uncovered pixels a smooth continuation of their surroundings, in place.

    Small holes, the usual ones, cost next to nothing; `holes` itself is left as it is.
    """
    deep = holes.copy()
    if close_holes(frame, deep, SMALL_HOLE_PX) == 0:
        return
    part = _surroundings(deep)
    known = (~deep[part]).astype(np.float32)
    filled = push_pull(frame[part].astype(np.float32), known)
    frame[deep] = np.clip(filled[deep[part]] + 0.5, 0, 255).astype(np.uint8)


def _surroundings(mask: Mask) -> tuple[slice, slice]:
    """The rows and columns that hold all marked pixels and what is close to them."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return (
        slice(max(rows[0] - CLOSE_PX, 0), rows[-1] + 1 + CLOSE_PX),
        slice(max(columns[0] - CLOSE_PX, 0), columns[-1] + 1 + CLOSE_PX),
    )
