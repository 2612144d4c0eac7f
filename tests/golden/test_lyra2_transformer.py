"""The network with the reference's small weights gives the reference's numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the lyra2 engine needs PyTorch")

import torch
from torch import Tensor

from lyra_zoom.engines.lyra2.patches import camera_tokens, correspondence_tokens
from lyra_zoom.engines.lyra2.rope import window_angles
from lyra_zoom.engines.lyra2.transformer import Lyra2Transformer
from lyra_zoom.engines.lyra2.window import NEW, token_ranges
from tests.golden import lyra2_recipes as recipes
from tests.reference import reference

TOLERANCE = 1e-4
CASES = ["dit_case_4x6", "dit_case_8x12"]

Arrays = Mapping[str, np.ndarray]


def load(file: Path) -> dict[str, np.ndarray]:
    with np.load(file) as arrays:
        return dict(arrays)


@cache
def transformer() -> Lyra2Transformer:
    return recipes.tiny_transformer()


@cache
def computed(name: str) -> dict[str, np.ndarray]:
    """Everything that a file of the reference may hold for this case, computed here."""
    kept = load(recipes.FOLDER / f"{name}.npz")
    h, w = int(kept["h"]), int(kept["w"])
    case = recipes.dit_case(int(kept["seed"]), h, w)
    return {
        **inputs_of(case),
        **tokens_of(case, h, w),
        **outputs_of(case, kept["t"]),
        **{key: kept[key] for key in ("seed", "h", "w", "t")},
    }


def inputs_of(case: recipes.DitCase) -> dict[str, Any]:
    conditions = case.conditions
    latents = torch.cat([conditions.history_latents, case.latents], 2)
    beside = torch.cat([conditions.beside_history, conditions.warped_latents], 2)
    mask = torch.ones_like(beside[:, :4])
    inputs = [
        latents,
        torch.cat([mask, beside, conditions.rays], 1),
        conditions.correspondence,
        case.prompt_embeds,
        conditions.image_embeds,
    ]
    return {"checks": np.array([float(tensor.double().sum()) for tensor in inputs])}


def tokens_of(case: recipes.DitCase, h: int, w: int) -> dict[str, Any]:
    camera = camera_tokens(case.conditions.rays)[0].numpy()
    corresponding, valid = correspondence_of(case.conditions.correspondence, h, w)
    *_, (_, new) = token_ranges(h, w)
    return {
        "rope_angles": window_angles(recipes.TINY.head_dim, h, w).numpy(),
        "gen_range": np.array([new.start, new.stop]),
        "gen_grid": np.array(NEW.grid(h, w)),
        "camera_tokens": camera,
        "camera_tokens_sample": camera[:, ::16],
        "buffer_tokens_hist_sample": corresponding[: new.start, ::16],
        "buffer_tokens_gen_sample": corresponding[new, ::256],
        "buffer_tokens_sample": corresponding[:, ::64],
        "validity": valid,
    }


def correspondence_of(maps: Tensor, h: int, w: int) -> tuple[np.ndarray, np.ndarray]:
    """Correspondence tokens with their validity as last feature, and the validity."""
    rows = []
    for segment, place in token_ranges(h, w):
        tokens = -torch.ones(place.stop - place.start, 4 * maps.shape[1])
        if segment.corresponds:
            tokens = correspondence_tokens(maps[:, :, segment.positions], segment)[0]
        validity = torch.full((len(tokens), 1), float(segment.corresponds))
        rows.append(torch.cat([tokens, validity], 1))
    every = torch.cat(rows).numpy()
    return every, every[:, -1]


def outputs_of(case: recipes.DitCase, timesteps: np.ndarray) -> dict[str, Any]:
    network = transformer()
    chunk = network.prepare(case.conditions)
    prompt = network.prepare_prompt(case.prompt_embeds)
    half = network.prepare_prompt(case.prompt_embeds * 0.5)
    blocks: list[np.ndarray] = []
    hooks = [
        block.register_forward_hook(lambda *call: blocks.append(call[2][0, ::7].numpy()))
        for block in network.blocks
    ]
    first, last = (torch.tensor([float(timestep)]) for timestep in timesteps)
    embedded: list[np.ndarray] = []
    hooks.append(
        network.blocks[0].register_forward_pre_hook(
            lambda *call: embedded.append(call[1][0][0].numpy())
        )
    )
    outputs = {"out_t1": network(case.latents, last, prompt, chunk)[0].numpy()}
    for hook in hooks:
        hook.remove()
    return {
        **outputs,
        "out_t0": network(case.latents, first, prompt, chunk)[0].numpy(),
        "out_t0_text_half": network(case.latents, first, half, chunk)[0].numpy(),
        "tokens": embedded[0],
        "block0": blocks[0],
        "block1": blocks[1],
    }


def assert_equal(ours: Arrays, theirs: Arrays) -> None:
    """Every array of theirs is equal to ours, within rounding of the type it is kept in."""
    for name, array in theirs.items():
        tolerance = 2e-3 if array.dtype == np.float16 else TOLERANCE
        np.testing.assert_allclose(ours[name], array, rtol=0, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("name", CASES)
def test_tokens_and_velocities_are_those_of_the_reference(name):
    assert_equal(computed(name), load(recipes.FOLDER / f"{name}.npz"))


@pytest.mark.parametrize("name", CASES)
def test_every_array_of_the_reference_run_is_the_same(name):
    assert_equal(computed(name), load(reference(f"golden/{name}.npz")))


def test_inputs_drawn_again_begin_as_those_of_the_reference():
    heads = load(reference("golden/dit_case_4x6_inputs_head.npz"))
    case = recipes.dit_case(200, 4, 6)
    ours = {
        "x_head": case.conditions.history_latents,
        "y_ch4_head": case.conditions.beside_history,
        "buf_head": case.conditions.correspondence,
        "txt_head": case.prompt_embeds,
        "img_head": case.conditions.image_embeds,
    }
    for name, inputs in ours.items():
        np.testing.assert_array_equal(inputs.flatten()[:64].numpy(), heads[name], name)


def test_without_remembered_views_velocities_are_those_of_the_reference():
    expected = load(recipes.FOLDER / "dit_genonly_buffer.npz")["out"]
    case = recipes.dit_case(200, 4, 6)
    new_only = case.conditions.correspondence[:, :, NEW.positions]
    chunk = transformer().prepare(replace(case.conditions, correspondence=new_only))
    prompt = transformer().prepare_prompt(case.prompt_embeds)
    velocity = transformer()(case.latents, torch.tensor([700.0]), prompt, chunk)
    np.testing.assert_allclose(velocity[0], expected, rtol=0, atol=TOLERANCE)
