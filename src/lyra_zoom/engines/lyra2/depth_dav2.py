"""Depth Anything V2 through transformers, one picture at a time; Small is Apache-2.0.

Relative networks tell disparity up to scale and shift, metric ones depth in metres.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F  # noqa: N812  # its name everywhere
from jaxtyping import Float
from torch import Tensor
from transformers import DepthAnythingForDepthEstimation

from lyra_zoom.engines.lyra2.depth_da3 import COLOUR_MEAN, COLOUR_STD, PATCH_PX
from lyra_zoom.engines.lyra2.pretrained import pretrained
from lyra_zoom.engines.lyra2.residence import at_work
from lyra_zoom.errors import WeightsUnusable

Kind: TypeAlias = Literal["relative", "metric"]

TRAINED_SIDE_PX = 518
"""Of the square pictures the network was trained with."""


class DepthAnythingV2:
    """What the network tells; works on `device` and lies where it was given meanwhile."""

    def __init__(
        self,
        network: DepthAnythingForDepthEstimation,
        device: torch.device,
        trained_side_px: int = TRAINED_SIDE_PX,
    ) -> None:
        self._network = network
        self._device = device
        self._trained_side_px = trained_side_px

    @torch.no_grad()
    def __call__(self, frame: Float[Tensor, "3 H W"]) -> Float[Tensor, "H W"]:
        """Disparity of a frame within [-1, 1], or metres, at the frame's size."""
        height, width = frame.shape[1:]
        pixels = self._pixels(frame.to(self._device, torch.float32))
        with at_work(self._network, self._device):
            dtype = next(self._network.parameters()).dtype
            told = self._network(pixel_values=pixels.to(dtype)).predicted_depth.float()
        plane = F.interpolate(
            told[:, None], (height, width), mode="bilinear", align_corners=False
        )
        return plane[0, 0]

    def _pixels(self, frame: Tensor) -> Tensor:
        height, width = frame.shape[1:]
        factors = (self._trained_side_px / height, self._trained_side_px / width)
        factor = min(
            factors, key=lambda factor: abs(1 - factor)
        )  # the smaller change of the two
        size = [max(1, round(side * factor / PATCH_PX)) * PATCH_PX for side in (height, width)]
        colours = F.interpolate(frame[None] * 0.5 + 0.5, size, mode="bicubic", antialias=True)
        mean, std = (frame.new_tensor(v)[:, None, None] for v in (COLOUR_MEAN, COLOUR_STD))
        return (colours.clamp(0, 1) - mean) / std


def load_depth_anything_v2(folder: Path, kind: Kind) -> DepthAnythingForDepthEstimation:
    """The network whose files lie in a folder; never asks the network.

    Raises `WeightsUnusable` where it is not of that kind.
    """
    network = pretrained(DepthAnythingForDepthEstimation, folder, "the depth model")
    found = network.config.depth_estimation_type
    if found != kind:
        raise WeightsUnusable(f"the depth model tells {found} depth where {kind} is needed")
    return network
