"""Inputs and small networks with which the Lyra 2.0 reference was run; see lyra2/README.

Inputs are drawn again from their seeds, weights and outputs lie in `lyra2/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from lyra_zoom.engines.lyra2.conditions import MASK_CHANNELS, Conditions
from lyra_zoom.engines.lyra2.config import IMAGE_TOKENS, PROMPT_TOKENS, TransformerConfig
from lyra_zoom.engines.lyra2.dit_keys import from_lyra
from lyra_zoom.engines.lyra2.transformer import Lyra2Transformer
from lyra_zoom.engines.lyra2.window import HISTORY_FRAMES, WINDOW_FRAMES

torch.set_num_threads(1)  # what is this small gains nothing from two that wait for each other

FOLDER = Path(__file__).parent / "lyra2"

TINY = TransformerConfig(
    dim=128, ffn_dim=192, num_layers=2, num_heads=2, text_dim=64, correspondence_rank=8
)
LATENT_CHANNELS = TINY.out_channels


def rnd(seed: int, shape: tuple[int, ...], scale: float = 1.0) -> Tensor:
    """Numbers from NumPy's old generator, float32; the same everywhere."""
    numbers = np.random.RandomState(seed).standard_normal(shape) * scale
    return torch.from_numpy(numbers.astype(np.float32))


def prompt_embeds(seed: int, words: int) -> Tensor:
    """A prompt of so many tokens, `(1, 512, 64)`; the rest is zero."""
    embeds = rnd(seed, (1, PROMPT_TOKENS, TINY.text_dim))
    embeds[:, words:] = 0
    return embeds


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeConditions(Conditions):
    """Conditions whose history is not repeated but accompanied by other numbers."""

    beside_history: Tensor  # (B, 16, 25, h, w)

    def history_channels(self) -> Tensor:
        """Latents, mask, and the other numbers."""
        mask = torch.ones_like(self.history_latents[:, :MASK_CHANNELS])
        return torch.cat([self.history_latents, mask, self.beside_history], dim=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DitCase:
    """All inputs of one run of the network."""

    latents: Tensor
    conditions: RecipeConditions
    prompt_embeds: Tensor


def dit_case(seed: int, h: int, w: int) -> DitCase:
    """The inputs of the reference's case of that seed, for latents of h x w."""
    size = (WINDOW_FRAMES, h, w)
    x = rnd(seed, (1, LATENT_CHANNELS, *size))
    y = rnd(seed + 1, (1, MASK_CHANNELS + LATENT_CHANNELS + TINY.ray_channels, *size))
    _, beside, rays = y.split([MASK_CHANNELS, LATENT_CHANNELS, TINY.ray_channels], dim=1)
    old = slice(0, HISTORY_FRAMES)
    new = slice(HISTORY_FRAMES, None)
    conditions = RecipeConditions(
        history_latents=x[:, :, old],
        beside_history=beside[:, :, old],
        warped_latents=beside[:, :, new],
        rays=rays,
        correspondence=rnd(seed + 2, (1, TINY.correspondence_channels, *size)).tanh(),
        image_embeds=rnd(seed + 4, (1, IMAGE_TOKENS, TINY.image_dim)),
    )
    return DitCase(
        latents=x[:, :, new],
        conditions=conditions,
        prompt_embeds=prompt_embeds(seed + 3, words=40),
    )


@cache
def tiny_state() -> Mapping[str, Tensor]:
    """The weights of the small network under the reference's names, float32."""
    weights = load_file(FOLDER / "dit_tiny_weights_bf16.safetensors")
    return {name: weight.float() for name, weight in weights.items()}


def tiny_transformer() -> Lyra2Transformer:
    """A small network of its own, with the reference's weights."""
    with torch.device("meta"):
        transformer = Lyra2Transformer(TINY)
    own = {name: weight.clone() for name, weight in from_lyra(tiny_state()).items()}
    transformer.load_state_dict(own, assign=True)
    return transformer
