"""What the network is told about the next chunk: history, warps, memory and cameras.

Source: Lyra 2.0 specification, 5.2 to 5.6.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from lyra_zoom.engines.lyra2.conditions import Conditions
from lyra_zoom.engines.lyra2.config import CHUNK_FRAMES
from lyra_zoom.engines.lyra2.correspondence import MEMORY_SLOTS, correspondence
from lyra_zoom.engines.lyra2.latents import Autoencoder
from lyra_zoom.engines.lyra2.past import Past, new_frames
from lyra_zoom.engines.lyra2.projection import Cameras, c2w_of
from lyra_zoom.engines.lyra2.rays import ray_map, space_to_depth
from lyra_zoom.engines.lyra2.warp import warp_in_groups

RAYS_AT_A_TIME = 9  # frames: ray maps are large before they are packed


class SeesFrames(Protocol):
    """CLIP, or whatever stands for it."""

    def __call__(self, frame: Float[Tensor, "3 H W"]) -> Float[Tensor, "1 257 D"]:
        """What a frame within [-1, 1] shows."""


def build_conditions(
    past: Past,
    cameras: Cameras,
    vae: Autoencoder,
    image_encoder: SeesFrames,
    dtype: torch.dtype = torch.float32,
) -> Conditions:
    """The conditions of the chunk after `past`, given the cameras of all frames of the leg.

    They are rounded to `dtype`, as the reference does before its network: computed in float32.
    """
    targets = cameras[past.newest + 1 : past.newest + 1 + CHUNK_FRAMES]
    retrieved = past.memory.retrieve(targets[-1:], most=MEMORY_SLOTS)
    slots = [0] * (MEMORY_SLOTS - len(retrieved)) + retrieved
    frames = [0, *slots, *past.recent_frames(), *new_frames(past.newest)]
    newest_frame = past.keyframes[past.newest].to(past.device)
    return Conditions(
        history_latents=_history_latents(past, slots, vae)[None].to(dtype),
        warped_latents=_warped_latents(past, newest_frame, targets, vae)[None].to(dtype),
        rays=_rays(cameras, frames, past, dtype)[None],
        correspondence=correspondence(past.memory, retrieved, targets, dtype)[None],
        image_embeds=image_encoder(newest_frame).to(past.device, dtype),
    )


def _history_latents(
    past: Past, slots: Sequence[int], vae: Autoencoder
) -> Float[Tensor, "C 25 h w"]:
    """The photograph, the remembered frames, each encoded alone, and what was shown last."""
    alone = {frame: vae.encode_image(past.keyframes[frame]) for frame in set(slots)}
    remembered = [alone[frame].to(past.device) for frame in slots]
    return torch.cat([past.first_latent, *remembered, past.recent_latents], dim=1)


def warps_ahead(
    past: Past, newest_frame: Float[Tensor, "3 H W"], targets: Cameras
) -> Iterator[Float[Tensor, "3 F H W"]]:
    """The newest frame as the new cameras see it, a group of frames at a time."""
    for warped in warp_in_groups(newest_frame, past.memory.posed(past.newest), targets):
        yield warped.planes.transpose(0, 1)


def _warped_latents(
    past: Past, newest_frame: Tensor, targets: Cameras, vae: Autoencoder
) -> Float[Tensor, "C 20 h w"]:
    encoder = vae.open_encoder()
    latents = list[Tensor]()
    for video in warps_ahead(past, newest_frame, targets):
        if not latents:  # a video's first frame has a latent of its own: give it a double
            encoder.encode(video[:, :1])
        latents.append(encoder.encode(video))
    return torch.cat(latents, dim=1).to(past.device)


def _rays(
    cameras: Cameras, frames: list[int], past: Past, dtype: torch.dtype
) -> Float[Tensor, "384 45 h w"]:
    """Ray maps of the cameras of these frames, seen from the newest frame's camera."""
    seen_from = cameras.w2c[past.newest]
    c2w = seen_from @ c2w_of(cameras.w2c[frames])
    height, width = past.keyframes[0].shape[-2:]
    packed = []
    for start in range(0, len(frames), RAYS_AT_A_TIME):
        some = slice(start, start + RAYS_AT_A_TIME)
        rays = ray_map(cameras.K[frames[some]], c2w[some].to(past.device), height, width)
        packed.append(space_to_depth(rays.permute(0, 3, 1, 2)).to(dtype))
    return torch.cat(packed).transpose(0, 1)
