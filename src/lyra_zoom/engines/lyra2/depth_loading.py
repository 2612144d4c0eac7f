"""Which depth model stands behind the port: that of the weights, or the embedded one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lyra_zoom.engines.lyra2.depth import DepthEstimator
from lyra_zoom.engines.lyra2.depth_da3 import DepthAnything3, eight_bits
from lyra_zoom.engines.lyra2.depth_da3_package import PackageNetwork, build_network
from lyra_zoom.engines.lyra2.depth_dav2 import DepthAnythingV2, load_depth_anything_v2
from lyra_zoom.engines.lyra2.depth_relative import AlignedDepth
from lyra_zoom.engines.lyra2.installed import DepthChoice
from lyra_zoom.engines.lyra2.stored import StoredTensors
from lyra_zoom.geometry.image import Plane, RgbImage

EmbeddedDepth: TypeAlias = Callable[[RgbImage], Plane]
"""Disparity of a picture, relative, larger = nearer, at the picture's size."""


@dataclass(frozen=True, slots=True)
class EmbeddedRelative:
    """The network of the embedded engine, as one that tells near from far."""

    estimate: EmbeddedDepth

    def __call__(self, frame: Float[Tensor, "3 H W"]) -> Float[Tensor, "H W"]:
        """Disparity of a frame within [-1, 1]."""
        return torch.from_numpy(self.estimate(eight_bits(frame[None])[0]))


def load_depth(
    choice: DepthChoice,
    folder: Path,
    devices: tuple[torch.device, torch.device],
    embedded: EmbeddedDepth,
) -> DepthEstimator:
    """The depth model of this name; `devices` are where it works and where it lies."""
    works_on, at_home = devices
    if choice == "da3":
        network = build_network(StoredTensors(folder)).to(at_home)
        return DepthAnything3(network=PackageNetwork(network, works_on))
    if choice == "dav2-small":
        anything = load_depth_anything_v2(folder)
        nn.Module.to(anything, at_home)
        return AlignedDepth(relative=DepthAnythingV2(anything, works_on))
    return AlignedDepth(relative=EmbeddedRelative(embedded))
