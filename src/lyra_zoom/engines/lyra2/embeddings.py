"""What the network makes once of the noise level, the prompt and the image."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from lyra_zoom.engines.lyra2.config import TransformerConfig

MAX_PERIOD = 10_000.0
IMAGE_NORM_EPS = 1e-5
BLOCK_MODULATIONS = 6  # shift, scale and gate of attention, then of the feed-forward part


class FullPrecisionLinear(nn.Linear):
    """A linear layer that computes in float32, whatever its weights and its input are."""

    def forward(self, features: Tensor) -> Tensor:
        """Features in float32."""
        bias = None if self.bias is None else self.bias.float()
        return functional.linear(features.float(), self.weight.float(), bias)


class Noise(NamedTuple):
    """How much noise there is, as the network uses it; float32."""

    embedding: Tensor  # (B, dim)
    modulation: Tensor  # (B, 6, dim)


class NoiseEmbedding(nn.Module):
    """Timestep to features, in float32."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.freq_dim = config.freq_dim
        self.up = FullPrecisionLinear(config.freq_dim, config.dim)
        self.down = FullPrecisionLinear(config.dim, config.dim)
        self.modulation = FullPrecisionLinear(config.dim, BLOCK_MODULATIONS * config.dim)

    def forward(self, timestep: Tensor) -> Noise:
        """Embed timesteps `(B,)`, 0 to 1000, fractions allowed."""
        embedding = self.down(functional.silu(self.up(sinusoid(timestep, self.freq_dim))))
        modulation = self.modulation(functional.silu(embedding))
        return Noise(embedding, modulation.reshape(len(timestep), BLOCK_MODULATIONS, -1))


class PromptEmbedding(nn.Module):
    """Features of the text encoder to features of this network."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.up = nn.Linear(config.text_dim, config.dim)
        self.down = nn.Linear(config.dim, config.dim)

    def forward(self, embeds: Tensor) -> Tensor:
        """Embed the prompt `(B, T, text_dim)` as `(B, T, dim)`."""
        return self.down(functional.gelu(self.up(embeds), approximate="tanh"))


class ImageEmbedding(nn.Module):
    """Features of CLIP to features of this network."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.norm_in = nn.LayerNorm(config.image_dim, eps=IMAGE_NORM_EPS)
        self.up = nn.Linear(config.image_dim, config.image_dim)
        self.down = nn.Linear(config.image_dim, config.dim)
        self.norm_out = nn.LayerNorm(config.dim, eps=IMAGE_NORM_EPS)

    def forward(self, embeds: Tensor) -> Tensor:
        """Embed the image `(B, T, image_dim)` as `(B, T, dim)`."""
        return self.norm_out(self.down(functional.gelu(self.up(self.norm_in(embeds)))))


def sinusoid(timestep: Tensor, features: int) -> Tensor:
    """Cosines, then sines of a number at geometrically spaced periods, `(B, features)`."""
    half = features // 2
    steps = torch.arange(half, dtype=torch.float64, device=timestep.device)
    angles = torch.outer(timestep.double(), torch.exp(-math.log(MAX_PERIOD) / half * steps))
    return torch.cat([angles.cos(), angles.sin()], dim=1).float()


def harmonics(maps: Tensor) -> Tensor:
    """Sine and cosine of pi and 2 pi times each feature, `HARMONICS` times as many features."""
    angles = [math.pi * maps, 2 * math.pi * maps]
    return torch.cat([wave for a in angles for wave in (a.sin(), a.cos())], dim=-1)
