"""From noise to latents: both samplers take the reference's steps."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

pytest.importorskip("torch", reason="the lyra2 engine needs PyTorch")

import torch

from lyra_zoom.engines.lyra2.schedule import (
    Dmd,
    UniPC,
    chunk_noise,
    chunk_renoise,
    denoise,
    with_guidance,
)
from lyra_zoom.errors import Cancelled, EngineFailed
from tests.fakes import Notes
from tests.fakes_lyra2 import golden


def toy_velocity(latents: torch.Tensor, timestep: float) -> torch.Tensor:
    return torch.tanh(0.7 * latents) + 0.3 * np.sin(timestep / 100) - 0.1 * latents


class Watched:
    """A prediction that remembers what it was asked."""

    def __init__(self, predict: Callable[[torch.Tensor, float], torch.Tensor]) -> None:
        self.predict = predict
        self.seen: list[torch.Tensor] = []
        self.timesteps: list[float] = []

    def __call__(self, latents: torch.Tensor, timestep: float) -> torch.Tensor:
        self.seen.append(latents)
        self.timesteps.append(timestep)
        return self.predict(latents, timestep)


@pytest.mark.parametrize("steps", [4, 28, 50])
def test_unipc_takes_the_steps_of_the_reference(steps):
    reference = golden(f"unipc_N{steps}_shift5")
    watched = Watched(toy_velocity)
    noise = torch.from_numpy(reference["x_init"])
    latents = denoise(watched, noise, UniPC(steps=steps), Notes())
    assert watched.timesteps == reference["timesteps"].tolist()
    walked = torch.stack([*watched.seen[1:], latents])
    torch.testing.assert_close(
        walked, torch.from_numpy(reference["x_steps"]), rtol=0, atol=1e-5
    )


def test_the_distilled_schedule_takes_the_steps_of_the_reference():
    reference = {name: torch.from_numpy(array) for name, array in golden("dmd4").items()}
    watched = Watched(toy_velocity)
    sampler = Dmd(renoise=lambda step, _: reference[f"noise_{step}"])
    latents = denoise(watched, reference["x_init"], sampler, Notes())
    assert watched.timesteps == pytest.approx(reference["denoising_timesteps"].tolist())
    for step, before in enumerate(watched.seen[1:]):
        torch.testing.assert_close(before, reference[f"x_next_{step}"], rtol=0, atol=2e-6)
    torch.testing.assert_close(latents, reference["x0_3"], rtol=0, atol=2e-6)


def test_a_chunk_starts_from_the_noise_of_the_reference():
    expected = golden("init_noise")["seed7_1_16_20_2_3"]
    assert np.array_equal(chunk_noise(5, 2, expected.shape).numpy(), expected)


def test_any_seed_can_be_drawn_from():
    assert chunk_noise(2**32 - 1, 3, (1, 2)).shape == (1, 2)


def test_fresh_noise_depends_on_seed_chunk_and_step_alone():
    shape = torch.Size((1, 16, 20, 2, 3))
    first = chunk_renoise(7, 1)(2, shape)
    assert torch.equal(chunk_renoise(7, 1)(2, shape), first)
    others = [chunk_renoise(8, 1)(2, shape), chunk_renoise(7, 2)(2, shape)]
    others += [chunk_renoise(7, 1)(1, shape), chunk_noise(7, 1, shape)]
    assert all((other - first).abs().max() > 1 for other in others)
    assert abs(float(first.mean())) < 0.1
    assert abs(float(first.std()) - 1) < 0.1


def test_both_samplers_reach_the_clean_latents_of_a_perfect_network():
    clean = torch.linspace(-2, 2, 24).reshape(1, 2, 3, 2, 2)

    def perfect(latents: torch.Tensor, timestep: float) -> torch.Tensor:
        return (latents - clean) / (timestep / 1000)

    noise = chunk_noise(1, 0, clean.shape)
    for sampler in (UniPC(steps=20), Dmd(renoise=chunk_renoise(1, 0))):
        torch.testing.assert_close(
            denoise(perfect, noise, sampler, Notes()), clean, atol=2e-2, rtol=0
        )


def test_a_sampler_can_be_used_again():
    noise, sampler = chunk_noise(3, 0, (1, 2, 3, 2, 2)), UniPC(steps=5)
    first, second = (denoise(toy_velocity, noise, sampler, Notes()) for _ in range(2))
    assert torch.equal(first, second)


def test_guidance_goes_beyond_the_prompt():
    predict = with_guidance(lambda x, t: x + 2, lambda x, t: x + 1, 5.0)
    assert torch.equal(predict(torch.zeros(2), 500.0), torch.full((2,), 6.0))


def test_guidance_of_one_asks_the_prompt_only():
    unasked = Watched(toy_velocity)
    predict = with_guidance(lambda x, t: x + 2, unasked, 1.0)
    assert torch.equal(predict(torch.zeros(2), 500.0), torch.full((2,), 2.0))
    assert not unasked.seen


def test_only_the_long_schedule_is_guided():
    assert UniPC(steps=4).guided
    assert not Dmd(renoise=chunk_renoise(0, 0)).guided


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_end_the_work(bad):
    watched = Watched(lambda x, t: x * (bad if t < 900 else 1.0))
    with pytest.raises(EngineFailed, match="denoise step"):
        denoise(watched, chunk_noise(1, 0, (1, 2)), UniPC(steps=28), Notes())
    assert watched.timesteps[-1] < 900 <= watched.timesteps[-2]


class Impatient(Notes):
    """Wants no more after a given share of the work."""

    def __init__(self, limit: float) -> None:
        super().__init__()
        self.limit = limit
        self.told: list[float] = []

    def advance(self, fraction: float) -> None:
        self.told.append(fraction)
        if fraction >= self.limit:
            raise Cancelled


def test_cancelled_work_ends_before_the_next_step():
    watched = Watched(toy_velocity)
    with pytest.raises(Cancelled):
        denoise(watched, chunk_noise(1, 0, (1, 2)), UniPC(steps=10), Impatient(0.3))
    assert len(watched.seen) == 3


def test_progress_is_reported_for_every_step():
    progress = Impatient(limit=2.0)
    denoise(toy_velocity, chunk_noise(1, 0, (1, 2)), UniPC(steps=10), progress)
    assert progress.told[0] == 0
    assert progress.told[-1] == 1
    assert all(
        later - earlier == pytest.approx(0.1) for earlier, later in pairwise(progress.told)
    )
