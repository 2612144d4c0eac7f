"""Rollouts of a picture as small as a stamp, with the reference's small networks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lyra_zoom.engines.engine import Sampling
from lyra_zoom.engines.lyra2.denoising import PromptPair
from lyra_zoom.engines.lyra2.depth import FirstDepth, NewFrames
from lyra_zoom.engines.lyra2.projection import Cameras
from lyra_zoom.engines.lyra2.rollout import Networks, Rollout
from lyra_zoom.engines.lyra2.scene import Lyra2Scene
from lyra_zoom.engines.lyra2.states import Beginning, ChunkState
from lyra_zoom.geometry.camera import CameraPath, centred_intrinsics
from lyra_zoom.geometry.image import Size
from tests.fakes_lyra2 import ConstantImageEncoder, tiny_autoencoder
from tests.golden.lyra2_recipes import prompt_embeds, rnd, tiny_transformer

SIZE = Size(48, 32)
SLOWLY = -0.01  # scene units per frame, forward


@dataclass(frozen=True)
class SameDepth:
    """Sees the same depth everywhere, whatever it is shown."""

    depth: float

    def first(self, image: Tensor) -> FirstDepth:
        depth = torch.full(image.shape[1:], self.depth)
        return FirstDepth(depth=depth, valid=torch.ones_like(depth).bool())

    def update(self, new: NewFrames) -> Tensor:
        return torch.full((len(new.frames), *new.shape), self.depth)


def forward_path(frames: int, size: Size = SIZE, step: float = SLOWLY) -> CameraPath:
    """Straight ahead from the photograph."""
    w2c = np.tile(np.eye(4), (frames, 1, 1))
    w2c[:, 2, 3] = step * np.arange(frames)
    intrinsics = centred_intrinsics(0.9 * size.width, size)
    return CameraPath(w2c, np.tile(intrinsics, (frames, 1, 1)), size)


def small_rollout(
    path: CameraPath, *, depth: float = 2.0, seed: int = 5, use_dmd: bool = True
) -> Rollout:
    """A leg along a path; two steps where it is guided."""
    size = path.size
    image = rnd(seed, (3, size.height, size.width), 0.3).clamp(-1, 1)
    seen = torch.full((size.height, size.width), depth)
    return Rollout(
        Networks(
            transformer=tiny_transformer(),
            vae=tiny_autoencoder(),
            image_encoder=ConstantImageEncoder(),
            depth=SameDepth(depth),
        ),
        Lyra2Scene(
            picture=((image.permute(1, 2, 0) + 1) * 127.5).round().byte().numpy(),
            K=path.K[0],
            image=image,
            seen_depth=seen,
            valid=torch.ones_like(seen).bool(),
        ),
        path,
        PromptPair(cond=prompt_embeds(1, 20), uncond=prompt_embeds(2, 20)),
        Sampling(prompt="", seed=seed, use_dmd=use_dmd, num_inference_steps=2),
    )


def state_of(chunk: int, size: Size = SIZE, *, last: bool = False) -> ChunkState:
    """What some process could have left behind after a chunk."""
    frames = () if last else range(80 * chunk + 8, 80 * chunk + 81, 8)
    return ChunkState(
        chunk=chunk,
        latents=rnd(40 + chunk, (16, 20, size.height // 8, size.width // 8)),
        depths={frame: torch.full((size.height, size.width), 2.0) for frame in frames},
        beginning=None if chunk else beginning_of(forward_path(81 if last else 161, size)),
    )


def beginning_of(path: CameraPath, depth: float = 2.0) -> Beginning:
    """What a leg along this path begins with."""
    plane = torch.full((path.size.height, path.size.width), depth)
    return Beginning(depth=plane, cameras=Cameras.of(path))
