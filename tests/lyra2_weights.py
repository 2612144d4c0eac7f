"""A folder of weights for the lyra2 engine, of a toy's size and full of chance; needs torch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
from torch import Tensor, nn
from transformers import CLIPVisionModel, UMT5EncoderModel

from lyra_zoom.bench.lyra2_networks import TINY
from lyra_zoom.engines.lyra2.installed import Manifest, WeightsFolder
from lyra_zoom.engines.lyra2.text_keys import TIED
from lyra_zoom.engines.lyra2.transformer import Lyra2Transformer
from lyra_zoom.settings import Settings
from lyra_zoom.weights.whole_files import stored
from tests.published import (
    LORAS,
    write_lora,
    write_sizes,
    write_tensors,
    write_tokenizer,
)

SIZES = replace(TINY, vae_base_dim=4)
TRANSFORMER = SIZES.transformer


def toy_settings(data: Path) -> Settings:
    """Settings with which the lyra2 engine runs here, on a CPU, with the toy's weights."""
    return Settings(data=data, lyra2_licence="accepted", lyra2_device="cpu")


def toy_environment(data: Path) -> dict[str, str]:
    """The same as environment variables."""
    return {
        "LYRA_ZOOM_DATA": str(data),
        "LYRA_ZOOM_LYRA2_LICENCE": "accepted",
        "LYRA_ZOOM_LYRA2_DEVICE": "cpu",
    }


def write_toy_weights(data: Path) -> WeightsFolder:
    """Converted weights in a data folder, where the engine looks for them."""
    folder = WeightsFolder(Settings(data=data).lyra2_folder)
    torch.manual_seed(7)
    text = UMT5EncoderModel(SIZES.text).state_dict()
    every = {
        folder.transformer / "model.safetensors": _bf16(Lyra2Transformer(TRANSFORMER)),
        folder.vae: AutoencoderKLWan(base_dim=SIZES.vae_base_dim).state_dict(),
        folder.text_encoder / "model.safetensors": {
            name: tensor for name, tensor in text.items() if name != TIED[0]
        },
        folder.image_encoder: CLIPVisionModel(SIZES.image).state_dict(),
        folder.negative_prompt: {"prompt_embeds": torch.randn(1, 512, TRANSFORMER.text_dim)},
    }
    for file, tensors in every.items():
        write_tensors(file, dict(tensors))
    for name in LORAS:
        write_lora(folder.lora(name), TRANSFORMER)
    write_tokenizer(folder.tokenizer)
    write_sizes(folder.path, SIZES)
    _write_manifest(folder)
    return folder


def _bf16(network: nn.Module) -> dict[str, Tensor]:
    """Its weights with small numbers where it was made without any."""
    state = network.state_dict()
    return {
        name: (0.02 * torch.randn_like(tensor) if "modulation" in name else tensor).bfloat16()
        for name, tensor in state.items()
    }


def _write_manifest(folder: WeightsFolder) -> None:
    files = {
        str(file.relative_to(folder.path)): stored(file)
        for file in folder.path.rglob("*")
        if file.is_file()
    }
    folder.write_manifest(
        Manifest(
            source="a toy",
            made_by="tests",
            made_at="2026-11-22T00:00:00+00:00",
            depth="embedded",
            files=files,
        )
    )
