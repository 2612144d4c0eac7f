"""How far away things are in one photograph: the bundled network, or one that an operator has.

Both answer relative disparity at their own resolution. The bundled network knows where zero
is (infinitely far) up to its error; only its scale is free.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from lyra_zoom.engines.embedded.network import Network, planes
from lyra_zoom.geometry.image import Plane, RgbImage, Size, resize

WEIGHTS = Path(__file__).parent / "weights" / "depth.onnx"

BUNDLED_LONG_SIDE, BUNDLED_STEP = 384, 32
"""Long side at which the bundled network judges best; its sides are multiples of the step."""

ANYTHING_LONG_SIDE, ANYTHING_STEP = 518, 14
"""The same for Depth Anything V2. Source: its README and the size of its patches."""

IMAGENET_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
IMAGENET_SPREAD = np.array([0.229, 0.224, 0.225], np.float32)

NEAREST_PERCENTILE = 99.8
"""Disparity of this percentile becomes 1, so that one wrong pixel does not set the scale."""


@dataclass(frozen=True, slots=True)
class RelativeDepth:
    """What a network says of a photograph, at the network's own size.

    `disparity` is relative, 0 to 1, larger = nearer. `sky` is the probability of sky.
    """

    disparity: Plane
    sky: Plane


class DepthModel(Protocol):
    """Anything that tells near from far in one picture."""

    def why_not_ready(self) -> str | None:
        """One sentence on why it cannot answer here, or None when it can."""

    def estimate(self, texture: RgbImage) -> RelativeDepth:
        """Relative disparity and sky; the same picture gives the same bytes."""


class BundledDepth:
    """The project's own network, averaged over the picture and its mirror image."""

    def __init__(self, weights: Path = WEIGHTS) -> None:
        self._network = Network(weights)

    def why_not_ready(self) -> str | None:
        """What is wrong with the weights, None when nothing is."""
        return self._network.why_not_ready()

    def estimate(self, texture: RgbImage) -> RelativeDepth:
        """Relative disparity and sky of the picture."""
        size = network_size(Size.of(texture), BUNDLED_LONG_SIDE, BUNDLED_STEP)
        image = resize(texture, size).astype(np.float32) / 255
        mirrored = self._network.run(planes(image[:, ::-1]))
        straight = self._network.run(planes(image))
        disparity, sky = (
            0.5 * (a[0, 0] + b[0, 0, :, ::-1]) for a, b in zip(straight, mirrored, strict=True)
        )
        return RelativeDepth(stretched(disparity), sky)


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


def stretched(disparity: Plane) -> Plane:
    """Disparity scaled so that nearly the nearest is 1; its zero stays where it is."""
    nearest = float(np.percentile(disparity, NEAREST_PERCENTILE))
    return np.clip(disparity / max(nearest, 1e-6), 0, 1).astype(np.float32)
