"""The network of the package `depth-anything-3`, if the operator installed it.

Only its network is used, so that it needs only `einops`, `omegaconf` and `addict` beside it:
`pip install --no-deps depth-anything-3` (its full list asks for an older NumPy than ours).
"""

from __future__ import annotations

import inspect
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lyra_zoom.engines.lyra2.depth_da3 import Sighting
from lyra_zoom.engines.lyra2.filling import compare, shapes_of
from lyra_zoom.engines.lyra2.projection import Cameras
from lyra_zoom.engines.lyra2.residence import at_work
from lyra_zoom.errors import EngineNotReady

REFERENCE_MODEL = "da3nested-giant-large"
"""CC BY-NC 4.0. Of the same family, and Apache-2.0: `da3-base`, `da3-small`."""

PREFIX = "model."

SPLATS = re.compile(r"(^|\.)gs_(head|adapter)\.")
"""Names of what makes splats in the published files: nothing here asks for them."""

SEED = 42
"""The nested network guesses quantiles from pixels it draws by chance."""

ONLY_SKY = "non-sky"
"""Part of what it says when too few pixels are anything but sky."""

logger = logging.getLogger(__name__)


class PackageNetwork:
    """A network of the package; works on `device` and lies where it was given meanwhile."""

    def __init__(self, network: nn.Module, device: torch.device) -> None:
        self._network = network
        self._device = device

    @torch.no_grad()
    def __call__(
        self, pictures: Float[Tensor, "V 3 h w"], cameras: Cameras | None
    ) -> Sighting | None:
        """Depth and cameras of pictures; views keep their order.

        None where it sees nothing but sky, or too little else to tell a scale.
        """
        w2c, K = (None, None) if cameras is None else (cameras.w2c, cameras.K)
        try:
            with at_work(self._network, self._device), self._same_chance():
                told = self._network(
                    self._batch(pictures),
                    extrinsics=self._batch(w2c),
                    intrinsics=self._batch(K),
                    export_feat_layers=[],
                    ref_view_strategy="first",
                )
        except AssertionError as error:
            if ONLY_SKY not in str(error):
                raise
            logger.warning("the depth network sees nothing but sky views=%d", len(pictures))
            return None
        sighting = Sighting(
            depth=told["depth"][0].float(),
            w2c=_four_by_four(told["extrinsics"][0].float()),
            K=told["intrinsics"][0].float(),
        )
        if bool(sighting.w2c.isfinite().all()):
            return sighting
        logger.warning("the depth network cannot tell a scale views=%d", len(pictures))
        return None

    @contextmanager
    def _same_chance(self) -> Iterator[None]:
        """The same draws every time, which nobody else notices; sixteen bits on a GPU."""
        kind, on_gpu = self._device.type, self._device.type == "cuda"
        with (
            torch.random.fork_rng([self._device] if on_gpu else []),
            torch.autocast(kind, torch.bfloat16, enabled=on_gpu),
        ):
            torch.manual_seed(SEED)
            yield

    def _batch(self, values: Tensor | None) -> Tensor | None:
        return None if values is None else values[None].to(self._device)


def with_weights(network: nn.Module, state: Mapping[str, Tensor]) -> nn.Module:
    """A network of the package with these weights, named as in its published files.

    Raises `WeightsUnusable` for a tensor too many, too few or of another shape; those of the
    head that is left out may be there.
    """
    own = {
        name.removeprefix(PREFIX): tensor
        for name, tensor in state.items()
        if not SPLATS.search(name)
    }
    compare(shapes_of(own), shapes_of(network.state_dict()), "the depth model")
    network.load_state_dict(own, strict=True)
    return network.eval().requires_grad_(False)


def empty_network(model: str) -> nn.Module:
    """A network of the package as it is before its weights are loaded.

    Raises:
        EngineNotReady: the package is not there, too old, or does not know the model.
    """
    try:
        configs = import_module("depth_anything_3.cfg")
        known = import_module("depth_anything_3.registry").MODEL_REGISTRY
        if model not in known:
            raise EngineNotReady(f"depth-anything-3 has no model {model}")
        network: nn.Module = configs.create_object(configs.load_config(known[model]))
    except ImportError as error:
        raise EngineNotReady(f"depth-anything-3 cannot be used: {error}") from error
    if "ref_view_strategy" not in inspect.signature(network.forward).parameters:
        raise EngineNotReady("depth-anything-3 is older than 0.1.1")
    _without_gaussians(network)
    return network


def _without_gaussians(network: Any) -> None:  # noqa: ANN401  # a class of a package not there
    """Leave out the head that makes splats, whose weights `SPLATS` names."""
    main = getattr(network, "da3", network)
    main.gs_head = main.gs_adapter = None


def _four_by_four(w2c: Tensor) -> Tensor:
    """Rigid motions as 4x4, whether or not the last row was told."""
    whole = torch.eye(4, device=w2c.device).repeat(len(w2c), 1, 1)
    whole[:, :3] = w2c[:, :3]
    return whole
