"""A folder of weights for the lyra2 engine, of a toy's size and full of chance; needs torch."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
from safetensors.torch import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from torch import Tensor, nn
from transformers import CLIPVisionConfig, CLIPVisionModel, UMT5Config, UMT5EncoderModel

from lyra_zoom.engines.lyra2.config import TransformerConfig
from lyra_zoom.engines.lyra2.installed import Manifest, StoredFile, WeightsFolder
from lyra_zoom.engines.lyra2.text_keys import TIED
from lyra_zoom.engines.lyra2.transformer import Lyra2Transformer
from lyra_zoom.settings import Settings

TRANSFORMER = TransformerConfig(
    dim=24,
    ffn_dim=32,
    num_layers=2,
    num_heads=2,
    freq_dim=8,
    text_dim=16,
    image_dim=20,
    correspondence_rank=4,
)
TEXT: dict[str, Any] = {
    "vocab_size": 8,
    "d_model": 16,
    "d_kv": 8,
    "d_ff": 24,
    "num_layers": 2,
    "num_heads": 2,
    "feed_forward_proj": "gated-gelu",
}
IMAGE: dict[str, Any] = {
    "hidden_size": 20,
    "intermediate_size": 40,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "patch_size": 14,
    "image_size": 28,
    "hidden_act": "gelu",
}
VAE_BASE_DIM = 4
LORAS = ("realism_boost", "detail_enhancer", "dmd_distillation")


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
    _save(folder.transformer / "model.safetensors", _bf16(Lyra2Transformer(TRANSFORMER)))
    _save(folder.vae, dict(AutoencoderKLWan(base_dim=VAE_BASE_DIM).state_dict()))
    text = UMT5EncoderModel(UMT5Config(**TEXT)).state_dict()
    _save(
        folder.text_encoder / "model.safetensors",
        {name: tensor for name, tensor in text.items() if name != TIED[0]},
    )
    _save(folder.image_encoder, dict(CLIPVisionModel(CLIPVisionConfig(**IMAGE)).state_dict()))
    _save(folder.negative_prompt, {"prompt_embeds": torch.randn(1, 512, TRANSFORMER.text_dim)})
    for name in LORAS:
        _save(folder.lora(name), _lora())
    _write_tokenizer(folder.tokenizer)
    sizes = {"transformer": asdict(TRANSFORMER), "text": TEXT, "image": IMAGE}
    (folder.path / "sizes.json").write_text(json.dumps(sizes | {"vae_base_dim": VAE_BASE_DIM}))
    _write_manifest(folder)
    return folder


def _bf16(network: nn.Module) -> dict[str, Tensor]:
    """Its weights with small numbers where it was made without any."""
    state = network.state_dict()
    return {
        name: (0.02 * torch.randn_like(tensor) if "modulation" in name else tensor).bfloat16()
        for name, tensor in state.items()
    }


def _lora(rank: int = 2) -> dict[str, Tensor]:
    """Small additions to one layer of each block."""
    tensors = {}
    for layer in range(TRANSFORMER.num_layers):
        name = f"diffusion_model.blocks.{layer}.self_attn.q"
        tensors[f"{name}.lora_A.weight"] = 0.1 * torch.randn(rank, TRANSFORMER.dim)
        tensors[f"{name}.lora_B.weight"] = 0.1 * torch.randn(TRANSFORMER.dim, rank)
    return tensors


def _save(file: Path, tensors: dict[str, Tensor]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, file)


def _write_tokenizer(folder: Path) -> None:
    """One that knows a few words."""
    words = ("<pad>", "</s>", "<unk>", "a", "harbour", "frozen", "still", "boats")
    tokenizer = Tokenizer(WordLevel({word: n for n, word in enumerate(words)}, "<unk>"))
    tokenizer.pre_tokenizer = Whitespace()
    folder.mkdir(parents=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "<pad>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))


def _write_manifest(folder: WeightsFolder) -> None:
    files = {
        str(file.relative_to(folder.path)): StoredFile(
            bytes=file.stat().st_size, sha256=hashlib.sha256(file.read_bytes()).hexdigest()
        )
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
