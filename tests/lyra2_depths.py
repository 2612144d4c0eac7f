"""Depth models of a toy's size, in the files that the true ones come in; needs torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config

BACKBONE: dict[str, Any] = {
    "hidden_size": 24,
    "num_hidden_layers": 4,
    "num_attention_heads": 3,
    "image_size": 70,
    "patch_size": 14,
    "out_features": ["stage1", "stage2", "stage3", "stage4"],
    "reshape_hidden_states": False,
}

MOGE_CODE = """
import torch


class MoGeModel(torch.nn.Module):
    def __init__(self, scale, **sizes):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(scale))

    @classmethod
    def from_pretrained(cls, file):
        stored = torch.load(file, map_location="cpu", weights_only=True)
        network = cls(**stored["model_config"])
        network.load_state_dict(stored["model"])
        return network

    @torch.inference_mode()
    def infer(self, image, use_fp16=True):
        assert image.dim() == 3 and image.min() >= 0 and image.max() <= 1 and not use_fp16
        depth = self.weight * FACTOR * (1 + image.mean(dim=0))
        mask = image[0] < 0.9
        return {"depth": torch.where(mask, depth, torch.inf), "mask": mask}
"""
"""What stands for the package: the names we call, and depth by brightness."""


def write_small_depth_anything(folder: Path, **fields: Any) -> None:  # its own
    """Depth Anything V2, untrained, as transformers saves it."""
    torch.manual_seed(0)
    config = DepthAnythingConfig(
        backbone_config=Dinov2Config(**BACKBONE),
        patch_size=14,
        reassemble_hidden_size=24,
        neck_hidden_sizes=[8, 12, 16, 16],
        fusion_hidden_size=12,
        head_hidden_size=8,
        **fields,
    )
    DepthAnythingForDepthEstimation(config).save_pretrained(folder)


def write_moge_package(folder: Path) -> None:
    """A package `moge` in a folder that may become part of the search path."""
    for version, factor in (("v1", 1.0), ("v2", 10.0)):
        file = folder / "moge" / "model" / f"{version}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(MOGE_CODE.replace("FACTOR", str(factor)))


def write_moge_file(folder: Path, scale: float, **sizes: Any) -> None:  # any
    """A checkpoint of MoGe; version 2 names the size of its neck."""
    folder.mkdir(parents=True, exist_ok=True)
    stored = {
        "model_config": {"scale": scale, **sizes},
        "model": {"weight": torch.tensor(scale)},
    }
    torch.save(stored, folder / "model.pt")
