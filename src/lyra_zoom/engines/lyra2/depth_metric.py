"""Metres: a second look at the photograph by a model that knows them, if the operator has one.

The reference scales its depth by MoGe (`Ruicheng/moge-vitl`, MIT), which is a package of its
own and on no index: `pip install git+https://github.com/microsoft/MoGe`. That first version
knows sizes only about; its second one measures in metres. Depth Anything V2 Metric needs no
package more. Whichever it is lies in one folder, and a small look tells which.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lyra_zoom.engines.lyra2.depth import FirstDepth, MetricDepth, believed
from lyra_zoom.engines.lyra2.depth_dav2 import DepthAnythingV2, load_depth_anything_v2
from lyra_zoom.engines.lyra2.residence import at_work
from lyra_zoom.errors import EngineNotReady, WeightsUnusable

MOGE_FILE = "model.pt"
TRANSFORMERS_FILE = "config.json"

SATURATED = 0.95
"""Share of the greatest depth a network can tell, beyond which it may mean anything."""


class Moge:
    """MoGe, of either version; works on `device` and lies where it was given meanwhile."""

    def __init__(self, network: Any, device: torch.device) -> None:  # noqa: ANN401  # not there
        self._network = network
        self._device = device

    @torch.no_grad()
    def __call__(self, image: Float[Tensor, "3 H W"]) -> FirstDepth:
        """Depth of a picture within [-1, 1]; what it masks is not believed."""
        colours = (image * 0.5 + 0.5).to(self._device, torch.float32)
        with at_work(self._network, self._device):
            told = self._network.infer(colours, use_fp16=self._device.type == "cuda")
        return believed(told["depth"].clone().cpu())


class AnythingInMetres:
    """Depth Anything V2 Metric."""

    def __init__(self, network: DepthAnythingV2, farthest_m: float) -> None:
        self._network = network
        self._farthest_m = farthest_m

    def __call__(self, image: Float[Tensor, "3 H W"]) -> FirstDepth:
        """Depth of a picture within [-1, 1]; the farthest it knows may be anything beyond."""
        depth_m = self._network(image).cpu()
        trusted = depth_m < SATURATED * self._farthest_m
        return believed(torch.where(trusted, depth_m, torch.inf))


def load_metric_depth(folder: Path, device: torch.device) -> MetricDepth | None:
    """The metric model in this folder, on the CPU until it works; None without the folder.

    Raises:
        WeightsUnusable: the folder holds something else.
        EngineNotReady: it holds MoGe, and its package is not installed.
    """
    if not folder.is_dir():
        return None
    if (folder / TRANSFORMERS_FILE).is_file():
        network = load_depth_anything_v2(folder, kind="metric")
        return AnythingInMetres(
            DepthAnythingV2(network, device), network.config.max_depth or 1.0
        )
    if (folder / MOGE_FILE).is_file():
        return Moge(_moge(folder / MOGE_FILE), device)
    raise WeightsUnusable(
        f"depth/metric holds no metric model: neither {TRANSFORMERS_FILE} nor {MOGE_FILE}"
    )


def _moge(file: Path) -> nn.Module:
    """The network in a file of MoGe; the file says of which version."""
    try:
        stored: Mapping[str, Any] = torch.load(file, "cpu", weights_only=True, mmap=True)
        version = "v2" if "neck" in stored["model_config"] else "v1"
    except (OSError, RuntimeError, UnpicklingError, KeyError, TypeError) as error:
        raise WeightsUnusable(f"depth/metric/{file.name} is not a file of MoGe") from error
    try:
        kind = import_module(f"moge.model.{version}").MoGeModel
    except ImportError as error:
        raise EngineNotReady(f"MoGe cannot be used: {error}") from error
    network: nn.Module = kind.from_pretrained(str(file))
    return network.eval().requires_grad_(False)
