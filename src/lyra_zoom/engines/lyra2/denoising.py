"""One chunk from noise to latents: the network, the prompts and the sampler put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from lyra_zoom.engines.engine import Progress, Sampling
from lyra_zoom.engines.lyra2.conditions import Conditions
from lyra_zoom.engines.lyra2.schedule import (
    Dmd,
    Predict,
    Renoise,
    Sampler,
    UniPC,
    chunk_noise,
    chunk_renoise,
    denoise,
    with_guidance,
)
from lyra_zoom.engines.lyra2.transformer import Lyra2Transformer, PreparedChunk, PreparedPrompt


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptPair:
    """Embeddings of what is wanted, and of what is not: the latter only for guidance."""

    cond: Float[Tensor, "1 T D"]
    uncond: Float[Tensor, "1 T D"] | None = None

    def on(self, device: torch.device) -> PromptPair:
        """The same, on a device."""
        uncond = None if self.uncond is None else self.uncond.to(device)
        return PromptPair(cond=self.cond.to(device), uncond=uncond)


class Denoiser:
    """Draws the latents of any chunk; the prompt stays the same."""

    def __init__(
        self,
        transformer: Lyra2Transformer,
        prompts: PromptPair,
        sampling: Sampling,
        renoise_of: Callable[[int, int], Renoise] = chunk_renoise,
    ) -> None:
        self._transformer = transformer
        self._sampling = sampling
        self._renoise_of = renoise_of
        self._cond = transformer.prepare_prompt(prompts.cond)
        self._uncond: PreparedPrompt | None = None
        if not sampling.use_dmd:
            if prompts.uncond is None:
                raise ValueError("guidance needs the embedding of what is not wanted")
            self._uncond = transformer.prepare_prompt(prompts.uncond)

    def prepare(self, conditions: Conditions) -> PreparedChunk:
        """A chunk as the network takes it: a fraction of its conditions, which may then go."""
        return self._transformer.prepare(conditions)

    def draw(
        self, prepared: PreparedChunk, chunk: int, progress: Progress
    ) -> Float[Tensor, "1 C 20 h w"]:
        """The latents of a chunk; may be cancelled before each step."""
        beside = prepared.beside_noise
        shape = (len(beside), self._transformer.config.out_channels, *beside.shape[2:])
        noise = chunk_noise(self._sampling.seed, chunk, shape).to(beside.device)
        return denoise(self._prediction(prepared), noise, self._sampler(chunk), progress)

    def _sampler(self, chunk: int) -> Sampler:
        if self._sampling.use_dmd:
            return Dmd(renoise=self._renoise_of(self._sampling.seed, chunk))
        return UniPC(steps=self._sampling.num_inference_steps)

    def _prediction(self, chunk: PreparedChunk) -> Predict:
        cond = self._prediction_for(self._cond, chunk)
        if self._uncond is None:
            return cond
        uncond = self._prediction_for(self._uncond, chunk)
        return with_guidance(cond, uncond, self._sampling.guidance_scale)

    def _prediction_for(self, prompt: PreparedPrompt, chunk: PreparedChunk) -> Predict:
        def predict(latents: Tensor, timestep: float) -> Tensor:
            timesteps = torch.full((len(latents),), timestep, device=latents.device)
            return self._transformer(latents, timesteps, prompt, chunk)

        return predict
