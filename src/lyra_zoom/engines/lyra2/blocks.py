"""One of the network's layers, in two parts.

`Block` is what every denoise step runs. `Context` makes keys and values of the prompt and of
the image, once for many steps; a quarter of the weights is used for nothing else.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from lyra_zoom.engines.lyra2.attention import Attend, attend, in_heads
from lyra_zoom.engines.lyra2.config import TransformerConfig
from lyra_zoom.engines.lyra2.embeddings import BLOCK_MODULATIONS, FullPrecisionLinear
from lyra_zoom.engines.lyra2.rope import Rope, rotate
from lyra_zoom.engines.lyra2.sharing import Alone, TokenSharing


class KeyValue(NamedTuple):
    """What tokens can attend to, `(B, T, heads, head_dim)`."""

    key: Tensor
    value: Tensor


class BiasParts(NamedTuple):
    """From what a block computes the bias of its queries and keys, anew at every step."""

    camera: Tensor  # (B, L, 4 * ray channels)
    correspondence: Tensor  # (B, L, correspondence_rank); zero where there is none


Bias: TypeAlias = Tensor | BiasParts  # (B, L, dim), or its parts


class Surroundings(NamedTuple):
    """What a block is given besides the tokens."""

    modulation: Tensor  # (B, 6, dim), float32
    num_tokens: int  # of the whole window; this process may have fewer
    rope: Rope
    bias: Bias
    text: KeyValue
    image: KeyValue


class RmsNorm(nn.Module):
    """Features of one root mean square, over all heads together; computed in float32."""

    def __init__(self, dim: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))
        self.eps = eps

    def forward(self, features: Tensor) -> Tensor:
        """Features in float32."""
        dim = self.weight.shape
        return functional.rms_norm(features.float(), dim, self.weight.float(), self.eps)


class SelfAttention(nn.Module):
    """Tokens attend to each other; a bias is added to what makes queries and keys."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        dim = config.dim
        self.head_dim = config.head_dim
        self.to_q = nn.Linear(dim, dim)
        self.to_k = nn.Linear(dim, dim)
        self.to_v = nn.Linear(dim, dim)
        self.to_out = nn.Linear(dim, dim)
        self.norm_q = RmsNorm(dim, config.eps)
        self.norm_k = RmsNorm(dim, config.eps)
        self.sharing: TokenSharing = Alone(attend)

    def forward(self, tokens: Tensor, bias: Tensor, around: Surroundings) -> Tensor:
        """What each token `(B, L, dim)` gathers from the others."""
        biased = tokens + bias
        query = self._turned(self.norm_q(self.to_q(biased)), around.rope).to(tokens.dtype)
        key = self._turned(self.norm_k(self.to_k(biased)), around.rope).to(tokens.dtype)
        value = in_heads(self.to_v(tokens), self.head_dim)
        gathered = self.sharing.attend(query, key, value, around.num_tokens)
        return self.to_out(gathered.flatten(2))

    def _turned(self, features: Tensor, rope: Rope) -> Tensor:
        return rotate(in_heads(features, self.head_dim), rope)


class CrossAttention(nn.Module):
    """Tokens attend to the prompt and to the image; the two answers are added."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.head_dim = config.head_dim
        self.to_q = nn.Linear(config.dim, config.dim)
        self.to_out = nn.Linear(config.dim, config.dim)
        self.norm_q = RmsNorm(config.dim, config.eps)
        self.attend: Attend = attend

    def forward(self, tokens: Tensor, text: KeyValue, image: KeyValue) -> Tensor:
        """What each token `(B, L, dim)` gathers from the two."""
        query = self.norm_q(self.to_q(tokens)).to(tokens.dtype)
        query = in_heads(query, self.head_dim)
        gathered = self.attend(query, *text) + self.attend(query, *image)
        return self.to_out(gathered.flatten(2))


class FeedForward(nn.Module):
    """What each token makes of itself."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.up = nn.Linear(config.dim, config.ffn_dim)
        self.down = nn.Linear(config.ffn_dim, config.dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens `(B, L, dim)` after two layers."""
        return self.down(functional.gelu(self.up(tokens), approximate="tanh"))


class QueryKeyBias(nn.Module):
    """Where a token is seen from, and what it corresponds to, as a bias of queries and keys."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.camera = nn.Linear(4 * config.ray_channels, config.dim, bias=False)
        self.correspondence = nn.Linear(config.correspondence_rank, config.dim, bias=False)

    def forward(self, parts: BiasParts) -> Tensor:
        """The bias `(B, L, dim)`."""
        return self.camera(parts.camera) + self.correspondence(parts.correspondence)


class Block(nn.Module):
    """Self-attention, cross-attention and the feed-forward part, each added to the tokens."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.eps = config.eps
        self.modulation = nn.Parameter(torch.empty(1, BLOCK_MODULATIONS, config.dim))
        self.bias = QueryKeyBias(config)
        self.self_attention = SelfAttention(config)
        self.cross_norm = nn.LayerNorm(config.dim, eps=config.eps)
        self.cross_attention = CrossAttention(config)
        self.feed_forward = FeedForward(config)

    def forward(self, tokens: Tensor, around: Surroundings) -> Tensor:
        """Tokens `(B, L, dim)` after this block."""
        modulation = (self.modulation.float() + around.modulation)[:, :, None].unbind(1)
        shift, scale, gate, ffn_shift, ffn_scale, ffn_gate = modulation
        bias = around.bias if isinstance(around.bias, Tensor) else self.bias(around.bias)

        inner = modulated(tokens, shift, scale, self.eps)
        tokens = _add(tokens, self.self_attention(inner, bias, around), gate)
        inner = self._cross_normed(tokens)
        tokens = tokens + self.cross_attention(inner, around.text, around.image)
        inner = modulated(tokens, ffn_shift, ffn_scale, self.eps)
        return _add(tokens, self.feed_forward(inner), ffn_gate)

    def _cross_normed(self, tokens: Tensor) -> Tensor:
        norm = self.cross_norm
        weight, bias = norm.weight.float(), norm.bias.float()
        normed = functional.layer_norm(
            tokens.float(), norm.normalized_shape, weight, bias, norm.eps
        )
        return normed.to(tokens.dtype)


class KeyValueProjection(nn.Module):
    """Keys and values for one block's cross-attention."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.head_dim = config.head_dim
        self.to_k = nn.Linear(config.dim, config.dim)
        self.to_v = nn.Linear(config.dim, config.dim)
        self.norm_k = RmsNorm(config.dim, config.eps)

    def forward(self, embeds: Tensor) -> KeyValue:
        """Keys and values of `(B, T, dim)`."""
        key = self.norm_k(self.to_k(embeds)).to(embeds.dtype)
        value = self.to_v(embeds)
        return KeyValue(in_heads(key, self.head_dim), in_heads(value, self.head_dim))


class Context(nn.Module):
    """What one block's cross-attention looks at: made once per prompt and once per image."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.text = KeyValueProjection(config)
        self.image = KeyValueProjection(config)


class Head(nn.Module):
    """Tokens to the velocities of their latents, in float32."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.eps = config.eps
        self.modulation = nn.Parameter(torch.empty(1, 2, config.dim))
        self.projection = FullPrecisionLinear(config.dim, 4 * config.out_channels)

    def forward(self, tokens: Tensor, noise_embedding: Tensor) -> Tensor:
        """Velocities `(B, T, 4 * out_channels)` of tokens `(B, T, dim)` at noise `(B, dim)`."""
        modulation = self.modulation.float() + noise_embedding[:, None]
        shift, scale = modulation[:, :, None].unbind(1)
        return self.projection(modulated(tokens.float(), shift, scale, self.eps))


def modulated(tokens: Tensor, shift: Tensor, scale: Tensor, eps: float) -> Tensor:
    """Tokens of zero mean and unit variance, then scaled and shifted; computed in float32."""
    normed = functional.layer_norm(tokens.float(), tokens.shape[-1:], eps=eps)
    return (normed * (1 + scale) + shift).to(tokens.dtype)


def _add(tokens: Tensor, change: Tensor, gate: Tensor) -> Tensor:
    return (tokens + change * gate).to(tokens.dtype)
