"""From noise to latents: two samplers, guidance, and where chance comes from.

A network predicts the velocity v = noise - clean of x = (1 - sigma) clean + sigma noise. All
arithmetic here is at least float32, whatever the network computes in. Chance is drawn on the
CPU from numbers that depend only on seed, chunk and step, so that any machine draws the same
and a chunk can be made again by itself.
Source: Lyra 2.0 specification, section 7.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from diffusers.schedulers.scheduling_unipc_multistep import UniPCMultistepScheduler
from torch import Tensor

from lyra_zoom.engines.engine import Progress
from lyra_zoom.errors import NumbersBroken

Predict = Callable[[Tensor, float], Tensor]
"""Velocity of the latents (B, C, F, h, w) at a timestep, 0 to 1000, which may be a fraction."""

Renoise = Callable[[int, torch.Size], Tensor]
"""The fresh noise after step i of the distilled schedule, in the shape of the latents."""

TRAIN_TIMESTEPS = 1000

LARGEST_LEVEL = 1 - 1 / TRAIN_TIMESTEPS
"""Noise level of the first step before the shift. (diffusers' own default is 1.)"""

DISTILLED_TIMESTEPS = tuple(
    TRAIN_TIMESTEPS * 5.0 * s / (1 + 4.0 * s) for s in (1.0, 0.75, 0.5, 0.25)
)
"""1000, 937.5, 833.3, 625: quarters of the way, warped by a shift of 5."""

SEEDS = 2**32


class Walk(Protocol):
    """One way from noise to latents; it may remember earlier steps."""

    @property
    def timesteps(self) -> Sequence[float]:
        """What the network is told at each step, 0 to 1000."""

    def step(self, index: int, velocity: Tensor, latents: Tensor) -> Tensor:
        """The latents after the step that `velocity` was predicted for."""


class Sampler(Protocol):
    """Chooses noise levels; knows nothing of the network."""

    @property
    def guided(self) -> bool:
        """Whether its predictions are pushed away from a negative prompt."""

    def begin(self) -> Walk:
        """A new walk, from pure noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UniPC:
    """UniPC, second order, with any number of steps: diffusers' own, at Wan's noise levels."""

    steps: int
    shift: float = 5.0
    guided: bool = True

    def begin(self) -> Walk:
        """A new walk, from pure noise."""
        return _UniPCWalk(self)


class _UniPCWalk:
    def __init__(self, sampler: UniPC) -> None:
        self._scheduler = UniPCMultistepScheduler(
            num_train_timesteps=TRAIN_TIMESTEPS,
            prediction_type="flow_prediction",
            use_flow_sigmas=True,
            flow_shift=sampler.shift,
        )
        levels = np.linspace(LARGEST_LEVEL, 0.0, sampler.steps + 1)[:-1]
        self._scheduler.set_timesteps(sigmas=levels)
        self._scheduler.set_begin_index(0)
        self.timesteps: Sequence[float] = self._scheduler.timesteps.double().tolist()

    def step(self, index: int, velocity: Tensor, latents: Tensor) -> Tensor:
        timestep = self._scheduler.timesteps[index]
        return self._scheduler.step(velocity, timestep, latents, return_dict=False)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dmd:
    """The distilled schedule: four steps without guidance, fresh noise after all but the last.

    It needs the LoRA that was distilled for it.
    """

    renoise: Renoise
    guided: bool = False

    def begin(self) -> Walk:
        """A new walk, from pure noise."""
        return _DmdWalk(self.renoise)


@dataclass(frozen=True, slots=True)
class _DmdWalk:
    renoise: Renoise
    timesteps: Sequence[float] = field(default=DISTILLED_TIMESTEPS)

    def step(self, index: int, velocity: Tensor, latents: Tensor) -> Tensor:
        sigma = self.timesteps[index] / TRAIN_TIMESTEPS
        clean = (latents.double() - sigma * velocity.double()).float()
        if index + 1 == len(self.timesteps):
            return clean
        noise = self.renoise(index, latents.shape).to(clean)
        next_sigma = self.timesteps[index + 1] / TRAIN_TIMESTEPS
        return (1 - next_sigma) * clean + next_sigma * noise


def chunk_noise(seed: int, chunk: int, shape: Sequence[int]) -> Tensor:
    """The noise a chunk starts from, (1, 16, 20, h, w): the reference's own draw."""
    return _normal(np.random.RandomState((seed + chunk) % SEEDS), shape)


def chunk_renoise(seed: int, chunk: int) -> Renoise:
    """The fresh noise of a chunk's distilled steps, a stream of its own for each step.

    The reference draws this from whatever state the device's global generator is in, so
    nothing can be equal to it; this depends on seed, chunk and step alone.
    """

    def renoise(step: int, shape: torch.Size) -> Tensor:
        entropy = np.random.SeedSequence((seed, chunk, step)).generate_state(8)
        return _normal(np.random.RandomState(entropy), shape)

    return renoise


def _normal(generator: np.random.RandomState, shape: Sequence[int]) -> Tensor:
    """RandomState, because numpy promises that its stream never changes."""
    return torch.from_numpy(generator.standard_normal(tuple(shape)).astype(np.float32))


def with_guidance(cond: Predict, uncond: Predict, guidance_scale: float) -> Predict:
    """One prediction pushed away from what the negative prompt asks for.

    A scale of 1 is the prompt's prediction itself; the other is then not computed.
    """
    if guidance_scale == 1:
        return cond

    def guided(latents: Tensor, timestep: float) -> Tensor:
        wanted, unwanted = cond(latents, timestep).float(), uncond(latents, timestep).float()
        return unwanted + guidance_scale * (wanted - unwanted)

    return guided


def denoise(predict: Predict, noise: Tensor, sampler: Sampler, progress: Progress) -> Tensor:
    """Clean latents, float32, in the place of `noise`; may be cancelled before each step.

    Raises:
        NumbersBroken: a step gave numbers that are not finite.
    """
    walk = sampler.begin()
    latents, steps = noise.float(), len(walk.timesteps)
    for index, timestep in enumerate(walk.timesteps):
        progress.advance(index / steps)
        velocity = predict(latents, timestep).float()
        latents = walk.step(index, velocity, latents)
        if not bool(torch.isfinite(latents).all()):
            raise NumbersBroken(f"denoise step {index + 1} of {steps} gave no finite latents")
    progress.advance(1.0)
    return latents
