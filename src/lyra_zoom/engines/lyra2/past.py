"""What a leg has shown so far, as far as later chunks look back at it.

Frames count from the photograph, which is 0; frames that were drawn count from 1. Chunk c makes
frames 80 c + 1 to 80 c + 80, so that the newest frame before it is 80 c.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from lyra_zoom.engines.lyra2.config import CHUNK_FRAMES, FRAMES_PER_LATENT
from lyra_zoom.engines.lyra2.memory import SpatialMemory
from lyra_zoom.engines.lyra2.projection import CPU

KEYFRAME_EVERY = 8  # frames that may be shown again; the newest one always is such a frame
LOOK_BACK = 19  # latents before the new ones that the network sees, besides the first


@dataclass(slots=True, kw_only=True)
class Past:
    """Latents, keyframes and depth of a leg; grows by one chunk at a time."""

    first_latent: Float[Tensor, "C 1 h w"]  # of the photograph
    recent_latents: Float[Tensor, "C 19 h w"]
    keyframes: dict[int, Float[Tensor, "3 H W"]]  # on the CPU, as decoded, not clamped
    memory: SpatialMemory
    chunks: int = 0

    @property
    def device(self) -> torch.device:
        """Where latents and depth lie."""
        return self.first_latent.device

    @property
    def newest(self) -> int:
        """The frame that the next chunk goes on from."""
        return CHUNK_FRAMES * self.chunks

    def keep(
        self, frames: Float[Tensor, "3 80 H W"], latents: Float[Tensor, "C 20 h w"]
    ) -> None:
        """Go on by a chunk of frames and what they look like to the autoencoder."""
        first = self.newest + KEYFRAME_EVERY
        places = range(first, self.newest + CHUNK_FRAMES + 1, KEYFRAME_EVERY)
        kept = frames[:, KEYFRAME_EVERY - 1 :: KEYFRAME_EVERY].to(CPU, copy=True)
        self.keyframes.update(zip(places, kept.unbind(1), strict=True))
        self.recent_latents = torch.cat([self.recent_latents, latents], dim=1)[:, -LOOK_BACK:]
        self.chunks += 1

    def newest_keyframes(self, most: int) -> list[int]:
        """Up to `most` keyframes, the newest last."""
        oldest = max(KEYFRAME_EVERY, self.newest - KEYFRAME_EVERY * (most - 1))
        return list(range(oldest, self.newest + 1, KEYFRAME_EVERY))

    def recent_frames(self) -> list[int]:
        """For each recent latent, the last frame in it; the photograph before the leg began."""
        ages = range(LOOK_BACK - 1, -1, -1)
        return [max(0, self.newest - FRAMES_PER_LATENT * age) for age in ages]


def new_frames(newest: int) -> list[int]:
    """For each latent of the chunk after frame `newest`, the last frame in it."""
    return list(range(newest + FRAMES_PER_LATENT, newest + CHUNK_FRAMES + 1, FRAMES_PER_LATENT))
