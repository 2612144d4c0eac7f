"""The lyra2 engine's networks with random weights, made where they will lie.

Speed and memory do not depend on what the weights are. Each tensor is drawn on the device, so
that the host never holds more than what the memory mode keeps there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
from torch import Tensor, nn
from transformers import (
    CLIPVisionConfig,
    CLIPVisionModel,
    DepthAnythingConfig,
    DepthAnythingForDepthEstimation,
    Dinov2Config,
    UMT5Config,
    UMT5EncoderModel,
)

from lyra_zoom.bench.lyra2_loras import AnyWeights, random_loras
from lyra_zoom.engines.lyra2.budget import Mode, Precision
from lyra_zoom.engines.lyra2.config import TransformerConfig
from lyra_zoom.engines.lyra2.depth_dav2 import DepthAnythingV2
from lyra_zoom.engines.lyra2.latents import Autoencoder
from lyra_zoom.engines.lyra2.lora import LoraDeltas, LoraMerger
from lyra_zoom.engines.lyra2.modes import MemoryPlan
from lyra_zoom.engines.lyra2.sizes import Sizes
from lyra_zoom.engines.lyra2.speed import Tuning, make_ready
from lyra_zoom.engines.lyra2.transformer import Lyra2Transformer
from lyra_zoom.engines.lyra2.vision import SIXTEEN_BITS, ImageEncoder

CPU = torch.device("cpu")
Net = TypeVar("Net", bound=nn.Module)

TINY = Sizes(
    transformer=TransformerConfig(
        dim=24,
        ffn_dim=32,
        num_layers=2,
        num_heads=2,
        freq_dim=8,
        text_dim=16,
        image_dim=20,
        correspondence_rank=4,
    ),
    text=UMT5Config(
        vocab_size=8,
        d_model=16,
        d_kv=8,
        d_ff=24,
        num_layers=2,
        num_heads=2,
        feed_forward_proj="gated-gelu",
    ),
    image=CLIPVisionConfig(
        hidden_size=20,
        intermediate_size=40,
        num_hidden_layers=2,
        num_attention_heads=2,
        patch_size=14,
        image_size=28,
        hidden_act="gelu",
    ),
    vae_base_dim=8,
)
"""Sizes of a toy, for a CPU; the tests take them too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomNetworks:
    """All networks of the engine but the depth model of the reference, and LoRAs to merge."""

    sizes: Sizes
    transformer: Lyra2Transformer
    merger: LoraMerger
    loras: tuple[LoraDeltas, LoraDeltas, LoraDeltas]
    autoencoder: Autoencoder
    text_encoder: UMT5EncoderModel
    image_encoder: ImageEncoder
    depth: DepthAnythingV2  # Small, in the place of Depth Anything 3
    device: torch.device
    stays: bool  # everything on the device, always


def random_networks(
    sizes: Sizes, plan: MemoryPlan, device: torch.device, tuning: Tuning
) -> RandomNetworks:
    """The networks as the plan places them, bfloat16 on a GPU and float32 on a CPU."""
    home = device if plan.mode is Mode.FULL else CPU
    tower = _random(CLIPVisionModel, sizes.image, home, device)
    if device.type != "cpu":
        nn.Module.to(tower, SIXTEEN_BITS)
    positions = torch.arange(tower.embeddings.num_positions, device=home)
    tower.embeddings.get_buffer("position_ids").copy_(positions[None])
    depth = _random(DepthAnythingForDepthEstimation, _depth_config(sizes), home, device)
    with torch.device("meta"):
        vae = AutoencoderKLWan(base_dim=sizes.vae_base_dim)
    weights = AnyWeights(empty_transformer(sizes.transformer), dtype_on(device))
    ready = make_ready(_transformer(sizes, plan, device), plan, device, weights, tuning)
    return RandomNetworks(
        sizes=sizes,
        transformer=ready.transformer,
        merger=ready.merger,
        loras=(random_loras(weights), random_loras(weights), random_loras(weights)),
        autoencoder=Autoencoder(filled(vae, device, device)),
        text_encoder=_random(UMT5EncoderModel, sizes.text, home, device),
        image_encoder=ImageEncoder(tower, device),
        depth=DepthAnythingV2(depth, device),
        device=device,
        stays=plan.mode is Mode.FULL,
    )


def filled(network: Net, home: torch.device, device: torch.device) -> Net:
    """The network, until now on no device, with random weights on `home` drawn on `device`."""
    nn.Module.to_empty(network, device=home)
    nn.Module.to(network, dtype_on(device))
    generator = torch.Generator(device).manual_seed(0)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(False)
        parameter.copy_(_drawn(name, parameter, generator))
    for buffer in network.buffers():
        buffer.zero_()
    if isinstance(network, UMT5EncoderModel):
        network.tie_weights()  # what was one matrix is one again
    return network.train(False)


def dtype_on(device: torch.device) -> torch.dtype:
    """In what networks are made there."""
    return torch.float32 if device.type == "cpu" else torch.bfloat16


def empty_transformer(config: TransformerConfig) -> Lyra2Transformer:
    """The transformer with names and shapes but without numbers."""
    with torch.device("meta"):
        return Lyra2Transformer(config)


def _drawn(name: str, parameter: Tensor, generator: torch.Generator) -> Tensor:
    """Values that keep signals finite: matrices by their inputs, norms near one."""
    if parameter.ndim < 2:
        value = 1.0 if name.endswith("weight") else 0.0
        return torch.full_like(parameter, value, device=generator.device)
    values = torch.randn(
        parameter.shape, generator=generator, device=generator.device, dtype=parameter.dtype
    )
    return values * (0.5 * parameter[0].numel() ** -0.5)


def _transformer(sizes: Sizes, plan: MemoryPlan, device: torch.device) -> Lyra2Transformer:
    transformer = empty_transformer(sizes.transformer)
    blocks_home = (
        CPU if plan.mode is Mode.STREAM or plan.precision is not Precision.BF16 else device
    )
    homes = {"blocks": blocks_home, "contexts": device if plan.mode is Mode.FULL else CPU}
    for name, part in transformer.named_children():
        filled(part, homes.get(name, device), device)
    return transformer


def _random(kind: type[Net], config: object, home: torch.device, device: torch.device) -> Net:
    with torch.device("meta"):
        network = kind(config)
    return filled(network, home, device)


def _depth_config(sizes: Sizes) -> DepthAnythingConfig:
    """Depth Anything V2 Small, or something of its build where sizes are tiny."""
    tiny = sizes is TINY
    layers = (1, 2, 3, 4) if tiny else (3, 6, 9, 12)
    backbone = Dinov2Config.from_dict(
        {
            "hidden_size": 48 if tiny else 384,
            "num_hidden_layers": layers[-1],
            "num_attention_heads": 2 if tiny else 6,
            "patch_size": 14,
            "image_size": 518,
            "out_features": [f"stage{layer}" for layer in layers],
            "reshape_hidden_states": False,
        }
    )
    return DepthAnythingConfig(
        backbone_config=backbone,
        reassemble_hidden_size=backbone.hidden_size,
        patch_size=14,
        neck_hidden_sizes=[8, 16, 32, 32] if tiny else [48, 96, 192, 384],
        fusion_hidden_size=8 if tiny else 64,
        head_hidden_size=8 if tiny else 32,
    )
