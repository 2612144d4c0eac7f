"""Which depth model stands behind the port: that of the weights, or the embedded one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lyra_zoom.engines.lyra2.depth import DepthEstimator, MetricallyScaled
from lyra_zoom.engines.lyra2.depth_da3 import DepthAnything3, eight_bits
from lyra_zoom.engines.lyra2.depth_da3_package import (
    REFERENCE_MODEL,
    PackageNetwork,
    empty_network,
    with_weights,
)
from lyra_zoom.engines.lyra2.depth_dav2 import DepthAnythingV2, load_depth_anything_v2
from lyra_zoom.engines.lyra2.depth_metric import load_metric_depth
from lyra_zoom.engines.lyra2.depth_relative import SUBJECT_DEPTH, AlignedDepth
from lyra_zoom.engines.lyra2.installed import DepthChoice, WeightsFolder
from lyra_zoom.engines.lyra2.stored import StoredTensors
from lyra_zoom.geometry.image import Plane, RgbImage

EmbeddedDepth: TypeAlias = Callable[[RgbImage], Plane]
"""Disparity of a picture, relative, larger = nearer, at the picture's size."""

_GUESSED = f"the subject of every photograph is put {SUBJECT_DEPTH:g} units away"
UNITS: dict[DepthChoice, str] = {
    "da3": "the scale is that of Depth Anything 3 alone",
    "dav2-small": _GUESSED,
    "embedded": _GUESSED,
}
"""What lengths are measured in where no metric model is asked."""


@dataclass(frozen=True, slots=True)
class EmbeddedRelative:
    """The network of the embedded engine, as one that tells near from far."""

    estimate: EmbeddedDepth

    def __call__(self, frame: Float[Tensor, "3 H W"]) -> Float[Tensor, "H W"]:
        """Disparity of a frame within [-1, 1]."""
        return torch.from_numpy(self.estimate(eight_bits(frame[None])[0]))


def load_depth(
    folder: WeightsFolder,
    devices: tuple[torch.device, torch.device],
    embedded: EmbeddedDepth,
    say: Callable[[str], None],
) -> DepthEstimator:
    """The depth model of these weights, in metres if there is a metric one beside it.

    `devices` are where it works and where it lies; `say` hears what the scale is from.
    """
    manifest = folder.manifest()
    choice = "embedded" if manifest is None else manifest.depth
    estimator = _estimator(choice, folder.depth, devices, embedded)
    metric = load_metric_depth(folder.metric_depth, devices[0])
    if metric is None:
        say(f"no metric depth model is installed: {UNITS[choice]}")
        return estimator
    return MetricallyScaled(estimator=estimator, metric=metric)


def _estimator(
    choice: DepthChoice,
    folder: Path,
    devices: tuple[torch.device, torch.device],
    embedded: EmbeddedDepth,
) -> DepthEstimator:
    works_on, at_home = devices
    if choice == "da3":
        network = with_weights(empty_network(REFERENCE_MODEL), StoredTensors(folder))
        return DepthAnything3(network=PackageNetwork(network.to(at_home), works_on))
    if choice == "dav2-small":
        anything = load_depth_anything_v2(folder, kind="relative")
        nn.Module.to(anything, at_home)
        return AlignedDepth(relative=DepthAnythingV2(anything, works_on))
    return AlignedDepth(relative=EmbeddedRelative(embedded))
