"""How much work one forward pass of the network is; a multiply and an add count as two."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lyra_zoom.engines.lyra2.config import (
    HARMONICS,
    IMAGE_TOKENS,
    PIXELS_PER_LATENT,
    PROMPT_TOKENS,
    TransformerConfig,
)
from lyra_zoom.engines.lyra2.window import HISTORY, NEW, PATCH, WINDOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Flops:
    """Work in FLOP: of a denoise step, and of what is prepared once per chunk and prompt."""

    linear: int
    self_attention: int
    cross_attention: int
    preparation: int

    @property
    def step(self) -> int:
        """One forward pass."""
        return self.linear + self.self_attention + self.cross_attention


def flops(config: TransformerConfig, height_px: int, width_px: int) -> Flops:
    """Work for pictures of this size, the bias of queries and keys being made in every step."""
    h, w = height_px // PIXELS_PER_LATENT, width_px // PIXELS_PER_LATENT
    tokens = sum(segment.tokens(h, w) for segment in WINDOW)
    looked_at = PROMPT_TOKENS + IMAGE_TOKENS
    per_layer = tokens * _block_weights(config)
    ends = NEW.tokens(h, w) * PATCH**2 * config.dim * (config.in_channels + config.out_channels)
    return Flops(
        linear=2 * (config.num_layers * per_layer + ends),
        self_attention=4 * config.num_layers * tokens**2 * config.dim,
        cross_attention=4 * config.num_layers * tokens * looked_at * config.dim,
        preparation=2 * _prepared(config, h, w),
    )


def _block_weights(config: TransformerConfig) -> int:
    attention = 6 * config.dim**2  # four of self-attention, query and output of cross-attention
    bias = (PATCH**2 * config.ray_channels + config.correspondence_rank) * config.dim
    return attention + 2 * config.dim * config.ffn_dim + bias


def _prepared(config: TransformerConfig, h: int, w: int) -> int:
    keys_values = (PROMPT_TOKENS + IMAGE_TOKENS) * 2 * config.dim**2
    corresponding = sum(segment.tokens(h, w) for segment in WINDOW if segment.corresponds)
    features = HARMONICS * PATCH**2 * config.correspondence_channels
    correspondence = corresponding * features * config.correspondence_rank
    patches = sum(
        segment.tokens(h, w) * math.prod(segment.patch) * config.in_channels * config.dim
        for segment in HISTORY
    )
    return config.num_layers * (keys_values + correspondence) + patches
