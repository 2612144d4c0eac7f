"""Depth Anything V2 through transformers: relative, one picture at a time; Small is Apache."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812  # its name everywhere
from jaxtyping import Float
from torch import Tensor
from transformers import DepthAnythingForDepthEstimation

from lyra_zoom.engines.lyra2.depth_da3 import COLOUR_MEAN, COLOUR_STD, PATCH_PX
from lyra_zoom.engines.lyra2.residence import at_work

TRAINED_SIDE_PX = 518
"""Of the square pictures the network was trained with."""


class DepthAnythingV2:
    """A `RelativeDepth`; works on `device` and lies where it was given meanwhile."""

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
        """Disparity of a frame within [-1, 1], up to scale and shift."""
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


def load_depth_anything_v2(folder: Path) -> DepthAnythingForDepthEstimation:
    """The network whose files lie in a folder; never asks the network."""
    network = DepthAnythingForDepthEstimation.from_pretrained(folder, local_files_only=True)
    network.train(False)
    network.requires_grad_(False)
    return network
