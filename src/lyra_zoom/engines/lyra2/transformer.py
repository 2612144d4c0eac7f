"""The network of Lyra 2.0: 20 new latent frames, given a window of old ones and the cameras.

What no denoise step changes is made once: `prepare` for a chunk, `prepare_prompt` for a prompt.
Both use the weights, so they are made anew after the weights change (a LoRA added or removed).
`forward` then runs the blocks and never waits for the device. Weights may be bfloat16; the
noise level, norms, residual sums and the head are computed in float32 all the same.

Three quarters of the weights are in `blocks`, which every step uses. `contexts` (a quarter) and
`correspondence` serve the preparations alone. Whoever keeps the first two elsewhere than on the
device sets `block_source` and `context_source`: each call iterates all of them once, in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

import torch
from torch import Tensor, nn

from lyra_zoom.engines.lyra2.attention import Attend, attend
from lyra_zoom.engines.lyra2.blocks import (
    Bias,
    BiasParts,
    Block,
    Context,
    Head,
    KeyValue,
    Surroundings,
)
from lyra_zoom.engines.lyra2.conditions import Conditions
from lyra_zoom.engines.lyra2.config import HARMONICS, HARMONICS_OF, TransformerConfig
from lyra_zoom.engines.lyra2.embeddings import (
    ImageEmbedding,
    NoiseEmbedding,
    PromptEmbedding,
    harmonics,
)
from lyra_zoom.engines.lyra2.patches import (
    camera_tokens,
    correspondence_tokens,
    patchify,
    unpatchify,
)
from lyra_zoom.engines.lyra2.rope import Rope, window_rope
from lyra_zoom.engines.lyra2.sharing import Alone, TokenSharing
from lyra_zoom.engines.lyra2.window import HISTORY, NEW, PATCH, Segment, token_ranges


class KeptBias(StrEnum):
    """What `prepare` keeps of the bias of queries and keys.

    PARTS keeps low-rank parts, 0.9 GB at 480p and 2.1 GB at 720p in bfloat16, and every step
    makes the bias from them (1.3 % of its work at 480p). WHOLE keeps each block's bias, 15.7 GB
    and 36.2 GB.
    """

    PARTS = "parts"
    WHOLE = "whole"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedPrompt:
    """A prompt as each block looks at it."""

    text: tuple[KeyValue, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedChunk:
    """A chunk as the blocks look at it, but for its noisy latents."""

    history: Tensor  # (B, T, dim), tokens
    beside_noise: Tensor  # (B, 20, 20, h, w), channels that follow those of the noisy latents
    num_tokens: int
    rope: Rope
    bias: tuple[Bias, ...]
    image: tuple[KeyValue, ...]


class Lyra2Transformer(nn.Module):
    """The velocity of 20 noisy latent frames."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        layers = range(config.num_layers)
        self.config = config
        self.new_patches = _patch_embedding(NEW, config)
        self.history_patches = nn.ModuleList(_patch_embedding(s, config) for s in HISTORY)
        self.noise_embedding = NoiseEmbedding(config)
        self.prompt_embedding = PromptEmbedding(config)
        self.image_embedding = ImageEmbedding(config)
        self.correspondence = nn.ModuleList(_correspondence_encoder(config) for _ in layers)
        self.contexts = nn.ModuleList(Context(config) for _ in layers)
        self.blocks = nn.ModuleList(Block(config) for _ in layers)
        self.head = Head(config)
        self.block_source: Callable[[], Iterable[Block]] | None = None
        self.context_source: Callable[[], Iterable[Context]] | None = None
        self.visitors: tuple[Block, ...] = ()  # what `block_source` yields, if not `blocks`
        self.kept_bias = KeptBias.PARTS  # unless `prepare` is told otherwise
        self.sharing: TokenSharing = Alone(attend)
        self.requires_grad_(False)

    @property
    def dtype(self) -> torch.dtype:
        """In what the tokens travel."""
        return self.new_patches.weight.dtype

    def use_attention(self, kernel: Attend, sharing: TokenSharing | None = None) -> None:
        """Compute attention with this kernel, and among processes if `sharing` says how."""
        self.sharing = sharing or Alone(kernel)
        for block in (*cast("list[Block]", self.blocks), *self.visitors):
            block.self_attention.sharing = self.sharing
            block.cross_attention.attend = kernel

    def prepare_prompt(self, prompt_embeds: Tensor) -> PreparedPrompt:
        """What the blocks need of a prompt `(B, 512, text_dim)`; the same for all chunks."""
        embeds = self.prompt_embedding(prompt_embeds.to(self.dtype))
        return PreparedPrompt(text=tuple(context.text(embeds) for context in self._contexts()))

    def prepare(self, conditions: Conditions, keep: KeptBias | None = None) -> PreparedChunk:
        """What the blocks need of a chunk; the same for all steps and guidance branches.

        The bias is kept as `kept_bias` says, or for this chunk as `keep` says. Raises
        `ValueError` for latents whose sides are not even.
        """
        h, w = conditions.history_latents.shape[-2:]
        if h % PATCH or w % PATCH:
            raise ValueError(f"latents of {h} x {w} cannot be cut into 2 x 2 patches")
        rope = window_rope(self.config.head_dim, h, w, self.new_patches.weight.device)
        embeds = self.image_embedding(conditions.image_embeds.to(self.dtype))
        return PreparedChunk(
            history=self._history_tokens(conditions),
            beside_noise=conditions.new_channels().to(self.dtype),
            num_tokens=len(rope.cos),
            rope=Rope(*(self.sharing.split(part[None])[0] for part in rope)),
            bias=self._bias(conditions, keep or self.kept_bias),
            image=tuple(context.image(embeds) for context in self._contexts()),
        )

    def forward(
        self, latents: Tensor, timestep: Tensor, prompt: PreparedPrompt, chunk: PreparedChunk
    ) -> Tensor:
        """Velocity of latents `(B, 16, 20, h, w)` at timesteps `(B,)`, 0 to 1000; float32."""
        noise = self.noise_embedding(timestep)
        tokens = self.sharing.split(self._tokens(latents, chunk))
        per_block = zip(self._blocks(), chunk.bias, prompt.text, chunk.image, strict=True)
        for block, bias, text, image in per_block:
            around = Surroundings(
                modulation=noise.modulation,
                num_tokens=chunk.num_tokens,
                rope=chunk.rope,
                bias=bias,
                text=text,
                image=image,
            )
            tokens = block(tokens, around)
        new = self.sharing.join(tokens, chunk.num_tokens)[:, chunk.history.shape[1] :]
        return unpatchify(self.head(new, noise.embedding), *latents.shape[-2:])

    def _blocks(self) -> Iterable[Block]:
        own = cast("Iterable[Block]", self.blocks)
        return own if self.block_source is None else self.block_source()

    def _contexts(self) -> Iterable[Context]:
        own = cast("Iterable[Context]", self.contexts)
        return own if self.context_source is None else self.context_source()

    def _tokens(self, latents: Tensor, chunk: PreparedChunk) -> Tensor:
        channels = torch.cat([latents.to(self.dtype), chunk.beside_noise], dim=1)
        new = self.new_patches(patchify(channels, NEW.patch))
        return torch.cat([chunk.history, new], dim=1)

    def _history_tokens(self, conditions: Conditions) -> Tensor:
        channels = conditions.history_channels().to(self.dtype)
        tokens = [
            embed(patchify(channels[:, :, segment.positions], segment.patch))
            for segment, embed in zip(HISTORY, self.history_patches, strict=True)
        ]
        return torch.cat(tokens, dim=1)

    def _bias(self, conditions: Conditions, keep: KeptBias) -> tuple[Bias, ...]:
        split = self.sharing.split
        camera = split(camera_tokens(conditions.rays).to(self.dtype))
        parts = tuple(
            BiasParts(camera, split(rows))
            for rows in self._correspondence(conditions.correspondence)
        )
        if keep is KeptBias.PARTS:
            return parts
        return tuple(
            block.bias(part) for block, part in zip(self._blocks(), parts, strict=True)
        )

    def _correspondence(self, maps: Tensor) -> list[Tensor]:
        """For each block, the low-rank part `(B, L, rank)`; zero where nothing corresponds."""
        B, _, positions, h, w = maps.shape
        first = NEW.positions.stop - positions
        shape = (B, sum(segment.tokens(h, w) for segment, _ in token_ranges(h, w)))
        rank = self.config.correspondence_rank
        parts = [
            torch.zeros(*shape, rank, dtype=self.dtype, device=maps.device)
            for _ in self.correspondence
        ]
        for segment, place in token_ranges(h, w):
            if not segment.corresponds or segment.start < first:
                continue
            frames = slice(segment.start - first, segment.positions.stop - first)
            tokens = correspondence_tokens(maps[:, :, frames], segment)
            self._encode(tokens, [part[:, place] for part in parts])
        return parts

    def _encode(self, tokens: Tensor, parts: list[Tensor]) -> None:
        for start in range(0, tokens.shape[1], HARMONICS_OF):
            some = slice(start, start + HARMONICS_OF)
            waves = harmonics(tokens[:, some].float()).to(self.dtype)
            for part, encoder in zip(parts, self.correspondence, strict=True):
                part[:, some] = encoder(waves)


def _patch_embedding(segment: Segment, config: TransformerConfig) -> nn.Linear:
    frames, rows, columns = segment.patch
    return nn.Linear(config.in_channels * frames * rows * columns, config.dim)


def _correspondence_encoder(config: TransformerConfig) -> nn.Linear:
    features = PATCH * PATCH * config.correspondence_channels * HARMONICS
    return nn.Linear(features, config.correspondence_rank, bias=False)
