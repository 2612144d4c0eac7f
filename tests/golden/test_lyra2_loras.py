"""LoRAs in all three styles change the network as they change the reference's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

pytest.importorskip("torch", reason="the lyra2 engine needs PyTorch")

import torch

from lyra_zoom.engines.lyra2.lora import LoraMerger, load_lora
from tests.golden import lyra2_recipes as recipes

TOLERANCE = 1e-4


def velocity(loras: Sequence[tuple[str, float]], timestep: float) -> np.ndarray:
    network = recipes.tiny_transformer()
    stack = [
        (load_lora(recipes.FOLDER / f"lora_{name}.safetensors"), strength)
        for name, strength in loras
    ]
    assert LoraMerger(network).merge(stack) == ()
    case = recipes.dit_case(200, 4, 6)
    chunk = network.prepare(case.conditions)
    prompt = network.prepare_prompt(case.prompt_embeds)
    return network(case.latents, torch.tensor([timestep]), prompt, chunk)[0].numpy()


@pytest.mark.parametrize(
    ("name", "loras", "timestep"),
    [
        ("out_A04_B04_t999", [("plainA", 0.4), ("downalphaB", 0.4)], 999.0),
        (
            "out_A04_B04_C1_t937p5",
            [("plainA", 0.4), ("downalphaB", 0.4), ("dmdlikeC", 1.0)],
            937.5,
        ),
    ],
)
def test_merged_loras_give_the_velocity_of_the_reference(name, loras, timestep):
    with np.load(recipes.FOLDER / "lora_outputs.npz") as arrays:
        expected = arrays[name]
    np.testing.assert_allclose(velocity(loras, timestep), expected, rtol=0, atol=TOLERANCE)
