"""Depth Anything 3 with weights by chance, where the operator has installed its package."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from lyra_zoom.bench.lyra2_networks import TINY, RandomNetworks
from lyra_zoom.bench.lyra2_paths import straight_path
from lyra_zoom.bench.lyra2_watch import Stage, Watch
from lyra_zoom.engines.lyra2.budget import Phase
from lyra_zoom.engines.lyra2.depth_da3 import pictures_for_network
from lyra_zoom.engines.lyra2.depth_da3_package import (
    REFERENCE_MODEL,
    PackageNetwork,
    empty_network,
)
from lyra_zoom.engines.lyra2.faults import in_one_line
from lyra_zoom.engines.lyra2.projection import Cameras
from lyra_zoom.errors import EngineNotReady
from lyra_zoom.geometry.image import Size

ALONE, TOGETHER = "depth by da3", "depth of a chunk by da3"


def depth_anything_3(
    networks: RandomNetworks, frames: Float[Tensor, "V 3 H W"], watch: Watch
) -> Iterator[Stage]:
    """One frame alone, and all together with their cameras; or why not."""
    why_not, network = _network(networks)
    if network is None:
        yield Stage(name=ALONE, skipped=why_not)
        yield Stage(name=TOGETHER, skipped=why_not)
        return
    pictures = pictures_for_network(frames)
    size = Size(pictures.shape[-1], pictures.shape[-2])
    cameras = Cameras.of(straight_path(size, chunks=1))[list(range(len(frames)))]
    yield _told(watch, network, ALONE, (pictures[:1], None))
    yield _told(watch, network, TOGETHER, (pictures, cameras))


def _network(networks: RandomNetworks) -> tuple[str, PackageNetwork | None]:
    """The network, or why there is none."""
    if networks.sizes is TINY:
        return "there is no tiny one", None
    try:
        network = empty_network(REFERENCE_MODEL)
    except EngineNotReady as error:
        return str(error), None
    network.eval().requires_grad_(False)
    home = networks.device if networks.stays else torch.device("cpu")
    return "", PackageNetwork(network.to(home), networks.device)


def _told(
    watch: Watch, network: PackageNetwork, name: str, seen: tuple[Tensor, Cameras | None]
) -> Stage:
    """What it takes; some of what weights by chance make of pictures is no depth at all."""
    try:
        return watch.time(name, Phase.SEEING, lambda: network(*seen))
    except (AssertionError, ValueError, IndexError, RuntimeError) as error:
        return Stage(name=name, skipped=f"fails with random weights: {in_one_line(error)}")
