"""The legs that the Lyra 2.0 reference was run for, whole, with its small networks.

Its depth model was replaced by a formula, its picture encoder by a constant.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lyra_zoom.engines.engine import Sampling
from lyra_zoom.engines.lyra2.config import CHUNK_FRAMES
from lyra_zoom.engines.lyra2.denoising import PromptPair
from lyra_zoom.engines.lyra2.depth import FirstDepth, NewFrames
from lyra_zoom.engines.lyra2.past import KEYFRAME_EVERY
from lyra_zoom.engines.lyra2.projection import Cameras
from lyra_zoom.engines.lyra2.rollout import Networks, Rollout
from lyra_zoom.engines.lyra2.scene import Lyra2Scene
from lyra_zoom.engines.lyra2.schedule import Renoise, chunk_renoise
from lyra_zoom.engines.lyra2.states import Beginning, ChunkState, save_state
from lyra_zoom.geometry.camera import CameraPath
from lyra_zoom.geometry.image import Size
from lyra_zoom.geometry.rigid import look_at
from tests.fakes_lyra2 import ConstantImageEncoder, tiny_autoencoder
from tests.golden.lyra2_recipes import prompt_embeds, tiny_transformer

WORDS, NEGATIVE_WORDS = 50, 30


class FormulaDepth:
    """The photograph's depth, moved as the camera moves; keeps what it was asked."""

    def __init__(self, depth: Tensor) -> None:
        self._depth = depth
        self.frames = list[Tensor]()
        self.w2c = list[Tensor]()

    def first(self, image: Tensor) -> FirstDepth:
        return FirstDepth(depth=self._depth, valid=torch.ones_like(self._depth).bool())

    def update(self, new: NewFrames) -> Tensor:
        self.frames.append(new.frames)
        self.w2c.append(new.cameras.w2c)
        return torch.stack([self.of(camera) for camera in new.cameras.w2c])

    def of(self, w2c: Tensor) -> Tensor:
        """Depth of the frame of one camera."""
        x, _, z = -w2c[:3, :3].T @ w2c[:3, 3]
        return (self._depth - z + 0.3 * x).clamp(min=0.2)


@dataclass(frozen=True)
class Leg:
    """One run of the reference: what went in, and `arrays` of what came out."""

    arrays: Mapping[str, np.ndarray]

    @classmethod
    def of(cls, file: Path) -> Leg:
        """The leg in a file of the reference's arrays."""
        with np.load(file) as arrays:
            return cls(dict(arrays))

    @cached_property
    def meta(self) -> Mapping[str, Any]:
        """How the reference was run."""
        return json.loads(str(self.arrays["meta"]))

    @cached_property
    def depth(self) -> FormulaDepth:
        return FormulaDepth(self.tensor("depth"))

    def tensor(self, name: str) -> Tensor:
        """A kept array, float32."""
        return torch.from_numpy(self.arrays[name].astype(np.float32))

    def rollout(self) -> Rollout:
        """A new rollout of this leg."""
        return Rollout(
            Networks(
                transformer=tiny_transformer(),
                vae=tiny_autoencoder(),
                image_encoder=ConstantImageEncoder(),
                depth=self.depth,
            ),
            self._scene(),
            self.path,
            PromptPair(
                cond=prompt_embeds(self.meta["seed"] + 600, WORDS),
                uncond=prompt_embeds(self.meta["seed"] + 601, NEGATIVE_WORDS),
            ),
            Sampling(
                prompt="",
                seed=self.meta["seed"],
                use_dmd=self.meta["dmd"],
                guidance_scale=self.meta["guidance"],
                num_inference_steps=self.meta["steps"],
            ),
            renoise_of=self._renoise if self.meta["dmd"] else chunk_renoise,
        )

    @property
    def chunks(self) -> int:
        """How many chunks the leg has."""
        return (len(self.path) - 1) // CHUNK_FRAMES

    def state(self, chunk: int) -> bytes:
        """What the reference's own chunk would leave behind."""
        first = 1 + CHUNK_FRAMES * chunk
        later = () if chunk + 1 == self.chunks else range(first, first + CHUNK_FRAMES)
        keyframes = [frame for frame in later if frame % KEYFRAME_EVERY == 0]
        cameras = Cameras.of(self.path)
        return save_state(
            ChunkState(
                chunk=chunk,
                latents=self.tensor(f"chunk{chunk}|gen_latents"),
                depths={frame: self.depth.of(cameras.w2c[frame]) for frame in keyframes},
                beginning=None
                if chunk
                else Beginning(depth=self.tensor("depth"), cameras=cameras),
            )
        )

    @cached_property
    def path(self) -> CameraPath:
        """The reference's cameras, computed in float32 as it does.

        A pose that is off by one bit lets single pixels of a warp appear or vanish.
        """
        move = _retreat if self.meta["traj"] == "horizontal_zoom" else _orbit
        frames = self.meta["N"]
        subject_depth = float(torch.quantile(self.tensor("depth"), 0.25))
        w2c = move(frames, self.meta["strength"], subject_depth)
        intrinsics = np.tile(self.arrays["K"].astype(np.float64), (frames, 1, 1))
        return CameraPath(w2c, intrinsics, Size(self.meta["W"], self.meta["H"]))

    def _scene(self) -> Lyra2Scene:
        image = self.tensor("image")
        return Lyra2Scene(
            picture=((image.permute(1, 2, 0) + 1) * 127.5).round().byte().numpy(),
            K=self.arrays["K"].astype(np.float64),
            image=image,
            seen_depth=self.tensor("depth"),
            valid=torch.ones_like(self.tensor("depth")).bool(),
        )

    def _renoise(self, seed: int, chunk: int) -> Renoise:
        """The fresh noise that the reference drew from its global generator."""
        del seed

        def renoise(step: int, shape: torch.Size) -> Tensor:
            noise = self.tensor(f"chunk{chunk}|renoise{step}_gen_T_C_h_w")
            return noise.transpose(0, 1).reshape(shape)

        return renoise


def _retreat(frames: int, strength: float, subject_depth: float) -> np.ndarray:
    """Straight back, and up by 0.15 of that."""
    nominal = (np.arange(frames) * strength).astype(np.float32) * np.float32(subject_depth)
    back = nominal / np.float32(frames)
    w2c = np.tile(np.eye(4, dtype=np.float32), (frames, 1, 1))
    w2c[:, 2, 3] = back
    w2c[:, 1, 3] = np.float32(0.15) * back
    return w2c.astype(np.float64)


def _orbit(frames: int, strength: float, subject_depth: float) -> np.ndarray:
    """Around the subject, to the right."""
    angles = strength * np.arange(frames) / (frames - 1)
    x, z = subject_depth * np.sin(angles), subject_depth * (1 - np.cos(angles))
    target = np.array([0.0, 0.0, subject_depth])
    places = np.stack([x, np.zeros_like(x), z], axis=-1)
    return np.stack([look_at(place, target) for place in places])
