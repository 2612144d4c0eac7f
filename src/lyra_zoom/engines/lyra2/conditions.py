"""What the network is told about a chunk before any noise is removed."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """All of a chunk that no denoise step and no guidance branch changes.

    Window positions are those of `window.py`: 25 of history, 20 new; h, w are latent sizes.
    """

    history_latents: Tensor  # (B, 16, 25, h, w), clean
    warped_latents: Tensor  # (B, 16, 20, h, w), the newest frame seen by the new cameras
    rays: Tensor  # (B, 384, 45, h, w)
    correspondence: Tensor  # (B, 1280, 45, h, w), within [-1, 1]
    image_embeds: Tensor  # (B, 257, 1280), the newest frame seen by CLIP
