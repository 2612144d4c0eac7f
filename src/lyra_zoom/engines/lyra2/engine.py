"""The lyra2 engine: NVIDIA's Lyra 2.0, which dreams what a moving camera would see.

Needs the weights and a GPU. Same photo, path and sampling: same frames, on one kind of GPU.
Every frame follows from those before it, so a chunk leaves a state for whoever goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from lyra_zoom.engines.engine import Costs, Photo, Progress, Sampling
from lyra_zoom.engines.lyra2.config import CHUNK_FRAMES
from lyra_zoom.engines.lyra2.denoising import PromptPair
from lyra_zoom.engines.lyra2.depth import FirstDepth
from lyra_zoom.engines.lyra2.faults import named_faults
from lyra_zoom.engines.lyra2.lead import LeadTransformer
from lyra_zoom.engines.lyra2.opening import Opening
from lyra_zoom.engines.lyra2.rollout import Networks, Rollout
from lyra_zoom.engines.lyra2.scene import Lyra2Scene, as_image, build_scene
from lyra_zoom.engines.lyra2.shares import costs_before
from lyra_zoom.errors import InputRejected
from lyra_zoom.geometry.camera import CameraPath, Intrinsics, centred_intrinsics
from lyra_zoom.geometry.image import RgbImage, Size, resize

USUAL_FOCAL = 1.5
"""Focal length in longer sides where neither depth model nor file tells; the reference's."""


class Loras(Protocol):
    """The additions to the transformer's weights."""

    def use(self, *, distilled: bool) -> None:
        """Merge those of the distilled schedule, or of the full one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lyra2Model:
    """Everything that was loaded. `largest` is the largest video there is memory for."""

    networks: Networks
    read_prompt: Callable[[str], Float[Tensor, "1 T D"]]
    unwanted: Float[Tensor, "1 T D"]  # the negative prompt, embedded
    loras: Loras
    largest: Size


class Lyra2Engine:
    """Renders a photograph chunk by chunk with a diffusion model; see `Engine`."""

    name = "lyra2"

    def __init__(self, model: Lyra2Model) -> None:
        self._model = model

    def why_not_ready(self) -> str | None:
        """What was missing is told before the weights are loaded; a crew may get lost later."""
        transformer = self._model.networks.transformer
        return transformer.why_lost() if isinstance(transformer, LeadTransformer) else None

    def costs(self, sampling: Sampling) -> Costs:
        """Nearly all the time goes into denoising."""
        return costs_before(sampling)

    def build_scene(self, photo: Photo, progress: Progress) -> Lyra2Scene:
        """The photograph with the depth that the depth model sees in it.

        The camera is the one that the depth model saw it with, else the photograph's own, if
        the file tells its focal length, else a usual one.
        """
        largest = self._model.largest
        if photo.size.width * photo.size.height > largest.width * largest.height:
            raise InputRejected(
                "resolution",
                f"the GPU of this server has too little memory for more than {largest.height}p",
                "feature_not_supported",
            )
        progress.begin("depth", 1.0)
        with named_faults():
            picture = resize(photo.texture, photo.size)
            image = as_image(picture).to(self._model.networks.device)
            first = self._model.networks.depth.first(image)
            K = _intrinsics(photo, first)
            return build_scene(picture, first, K, Opening(photo.legs))

    def set_up(
        self,
        scene: Lyra2Scene,
        path: CameraPath,
        sampling: Sampling,
        progress: Progress,
        states: Sequence[bytes] = (),
    ) -> Lyra2Stage:
        """The leg at the photograph, or after the chunks that left these states."""
        progress.begin("prompt", 1.0)
        with named_faults():
            self._model.loras.use(distilled=sampling.use_dmd)
            prompts = PromptPair(
                cond=self._model.read_prompt(sampling.prompt),
                uncond=None if sampling.use_dmd else self._model.unwanted,
            )
            rollout = Rollout(self._model.networks, scene, path, prompts, sampling)
            if states:
                progress.begin("look back", 0.0)
                rollout.replay(states, progress)
        return Lyra2Stage(rollout, scene.picture, chunks_made=len(states))


class Lyra2Stage:
    """A leg on its way; draws each of its chunks once, from the photograph on."""

    def __init__(self, rollout: Rollout, picture: RgbImage, chunks_made: int) -> None:
        self._rollout = rollout
        self._picture = picture
        self._chunks_made = chunks_made

    def render(self, frames: range, progress: Progress) -> Iterator[RgbImage]:
        """The frames with these places on the path, in that order; those of the next chunk.

        The photograph is frame 0 of the first chunk.
        """
        first = 1 + CHUNK_FRAMES * self._chunks_made
        if max(frames) not in range(first, first + CHUNK_FRAMES):
            raise ValueError(f"frame {max(frames)} does not follow on frame {first - 1}")
        with named_faults():
            drawn = as_pictures(self._rollout.next_chunk(progress))
        self._chunks_made += 1
        for place in frames:
            yield self._picture if place == 0 else drawn[place - first]

    def state(self) -> bytes:
        """The latents of the chunk drawn last, and the depth that was seen in it."""
        return self._rollout.state()


def as_pictures(frames: Float[Tensor, "F 3 H W"]) -> UInt8[np.ndarray, "F H W 3"]:
    """Frames, about -1 to 1, as bytes: clamped and cut off, as the reference does.

    Computed where the frames lie, one by one: bytes are all that comes to the host.
    """
    pictures = frames.new_empty(len(frames), *frames.shape[2:], 3, dtype=torch.uint8)
    for frame, picture in zip(frames, pictures, strict=True):
        shares = (frame.clamp(-1.0, 1.0) + 1.0) / 2.0
        picture.copy_((shares * 255.0).to(torch.uint8).permute(1, 2, 0))
    return pictures.cpu().numpy()


def _intrinsics(photo: Photo, first: FirstDepth) -> Intrinsics:
    """K of the photograph: depth and the camera it was seen with belong together."""
    if first.K is not None:
        seen: Intrinsics = first.K.detach().cpu().double().numpy()
        return seen
    usual_px = USUAL_FOCAL * max(photo.size.width, photo.size.height)
    return centred_intrinsics(photo.focal_px or usual_px, photo.size)
