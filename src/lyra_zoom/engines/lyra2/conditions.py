"""What the network is told about a chunk before any noise is removed."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

MASK_CHANNELS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """All of a chunk that no denoise step and no guidance branch changes.

    Window positions are those of `window.py`: 25 of history, 20 new; h, w are latent sizes.
    Correspondence is for all 45 positions, or for the 20 new ones where no view is remembered;
    what it says at positions of history in time is not used.
    """

    history_latents: Float[Tensor, "B 16 25 h w"]  # clean
    warped_latents: Float[Tensor, "B 16 20 h w"]  # the newest frame seen by the new cameras
    rays: Float[Tensor, "B 384 45 h w"]
    correspondence: Float[Tensor, "B 1280 P h w"]  # within [-1, 1]
    image_embeds: Float[Tensor, "B T D"]  # the newest frame seen by CLIP: 257 x 1280

    def history_channels(self) -> Float[Tensor, "B 36 25 h w"]:
        """What the network sees of history: its latents twice, marked as known."""
        return torch.cat([self.history_latents, _known(self.history_latents)], dim=1)

    def new_channels(self) -> Float[Tensor, "B 20 20 h w"]:
        """What stands beside the noisy latents: the warped ones, marked as known."""
        return _known(self.warped_latents)


def _known(latents: Tensor) -> Tensor:
    mask = latents.new_ones(len(latents), MASK_CHANNELS, *latents.shape[2:])
    return torch.cat([mask, latents], dim=1)
