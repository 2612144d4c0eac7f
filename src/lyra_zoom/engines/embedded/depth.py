"""How far away things are in one photograph: the bundled network, or one that an operator has.

Both answer relative disparity at their own resolution. The bundled network knows where zero
is (infinitely far) up to its error; only its scale is free.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
from jaxtyping import Float32

from lyra_zoom.engines.embedded.detail import with_detail
from lyra_zoom.engines.embedded.network import Network, planes
from lyra_zoom.geometry.image import Plane, RgbImage, Size, resize

WEIGHTS = Path(__file__).parent / "weights" / "depth.onnx"

SHAPE_LONG_SIDE, OUTLINE_LONG_SIDE, BUNDLED_STEP = 384, 448, 32
"""Long sides at which the bundled network judges shape and outlines best, in steps."""

ANYTHING_LONG_SIDE, ANYTHING_STEP = 518, 14
"""The same for Depth Anything V2. Source: its README and the size of its patches."""

IMAGENET_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
IMAGENET_SPREAD = np.array([0.229, 0.224, 0.225], np.float32)

Normals: TypeAlias = Float32[np.ndarray, "H W 3"]

NEAREST_PERCENTILE = 99.8
"""Disparity of this percentile becomes 1, so that one wrong pixel does not set the scale."""


@dataclass(frozen=True, slots=True)
class RelativeDepth:
    """What a network says of a photograph, at the network's own size.

    `disparity` is relative, 0 to 1, larger = nearer. `sky` is the probability of sky. A network
    may also know unit `normal`s (camera axes, towards the camera; those of a camera whose axis
    goes through the picture's middle) and the probability of `ground`, which is what things
    stand on: floors, streets, water, land.
    """

    disparity: Plane
    sky: Plane
    normal: Normals | None = None
    ground: Plane | None = None


class DepthModel(Protocol):
    """Anything that tells near from far in one picture."""

    def why_not_ready(self) -> str | None:
        """One sentence on why it cannot answer here, or None when it can."""

    def estimate(self, texture: RgbImage) -> RelativeDepth:
        """Relative disparity and sky; the same picture gives the same bytes."""


class BundledDepth:
    """The project's own network, read at two sizes, each straight and mirrored."""

    def __init__(self, weights: Path = WEIGHTS) -> None:
        self._network = Network(weights)

    def why_not_ready(self) -> str | None:
        """What is wrong with the weights, None when nothing is."""
        return self._network.why_not_ready()

    def estimate(self, texture: RgbImage) -> RelativeDepth:
        """Relative disparity and sky of the picture."""
        small, large = (
            self._read(texture, side) for side in (SHAPE_LONG_SIDE, OUTLINE_LONG_SIDE)
        )
        size = Size.of(large.disparity)
        shape = resize(small.disparity, size)
        disparity = with_detail(shape, large.disparity, 1 - large.sky)
        return replace(large, disparity=stretched(disparity))

    def _read(self, texture: RgbImage, long_side: int) -> RelativeDepth:
        size = network_size(Size.of(texture), long_side, BUNDLED_STEP)
        image = resize(texture, size).astype(np.float32) / 255
        mirrored = self._network.named(planes(image[:, ::-1]))
        straight = self._network.named(planes(image))
        mean = {name: 0.5 * (a + mirrored[name][..., ::-1]) for name, a in straight.items()}
        normal = None
        if "normal" in straight:
            normal = mean_normal(straight["normal"][0], mirrored["normal"][0, :, :, ::-1])
        return RelativeDepth(
            mean["disparity"][0, 0],
            mean["sky"][0, 0],
            normal,
            mean["ground"][0, 0] if "ground" in mean else None,
        )


class DepthAnythingDepth:
    """A Depth Anything V2 ONNX file that the operator has; it knows no sky of its own."""

    def __init__(self, weights: Path) -> None:
        self._network = Network(weights)

    def why_not_ready(self) -> str | None:
        """What is wrong with the weights, None when nothing is."""
        return self._network.why_not_ready()

    def estimate(self, texture: RgbImage) -> RelativeDepth:
        """Relative disparity of the picture; what is very far counts as sky."""
        fixed = self._network.fixed_size()
        size = fixed or network_size(Size.of(texture), ANYTHING_LONG_SIDE, ANYTHING_STEP)
        image = resize(texture, size).astype(np.float32) / 255
        answer = self._network.run(planes((image - IMAGENET_MEAN) / IMAGENET_SPREAD))[0]
        disparity = stretched(np.maximum(answer.reshape(answer.shape[-2:]), 0))
        return RelativeDepth(disparity, np.clip(2 - disparity / 0.015, 0, 1).astype(np.float32))


def depth_model(path: Path | None) -> DepthModel:
    """The bundled network, or the Depth Anything file at `path`."""
    return BundledDepth() if path is None else DepthAnythingDepth(path)


def network_size(picture: Size, long_side: int, step: int) -> Size:
    """The size nearest to the picture's aspect, with this long side, in steps."""
    long_side = round(long_side / step) * step
    scale = long_side / max(picture.width, picture.height)
    width, height = (
        max(step, round(side * scale / step) * step) for side in (picture.width, picture.height)
    )
    return Size(width, height)


def mean_normal(straight: np.ndarray, mirrored: np.ndarray) -> Normals:
    """Unit normals `(H, W, 3)` between those of a picture and of its mirror, `(3, H, W)`."""
    x, y, z = straight + mirrored * np.array([-1, 1, 1], np.float32)[:, None, None]
    both = np.stack([x, y, z], -1)
    return both / np.maximum(np.linalg.norm(both, axis=-1, keepdims=True), 1e-6)


def stretched(disparity: Plane) -> Plane:
    """Disparity scaled so that nearly the nearest is 1; its zero stays where it is."""
    nearest = float(np.percentile(disparity, NEAREST_PERCENTILE))
    return np.clip(disparity / max(nearest, 1e-6), 0, 1).astype(np.float32)
