"""The sizes of the network and of the window it looks at; numbers only, no torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformerConfig:
    """Sizes of the transformer: the public weights by default, anything smaller in tests."""

    dim: int = 5120
    ffn_dim: int = 13824
    num_layers: int = 40
    num_heads: int = 40
    freq_dim: int = 256
    text_dim: int = 4096
    image_dim: int = 1280
    in_channels: int = 36
    out_channels: int = 16
    ray_channels: int = 384
    correspondence_channels: int = 1280
    correspondence_rank: int = 256
    eps: float = 1e-6

    @property
    def head_dim(self) -> int:
        """Features of one attention head."""
        return self.dim // self.num_heads


LYRA2_14B = TransformerConfig()

PROMPT_TOKENS = 512
"""The transformer sees so many tokens of every prompt; longer prompts lose their end."""

IMAGE_TOKENS = 257
HARMONICS = 4  # features that are made of one of correspondence
HARMONICS_OF = 4096  # tokens at once: in float32 that takes 0.9 GB

CHUNK_FRAMES = 80
FRAMES_PER_LATENT = 4
PIXELS_PER_LATENT = 8
