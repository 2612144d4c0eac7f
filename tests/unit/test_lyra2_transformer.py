"""The network: its true size, what is prepared once, and what every step does."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import fields, replace
from pathlib import Path
from typing import cast

import pytest

pytest.importorskip("torch", reason="the lyra2 engine needs PyTorch")

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from lyra_zoom.engines.lyra2.attention import AttentionKernel, attend, choose_attention
from lyra_zoom.engines.lyra2.blocks import Block, Context
from lyra_zoom.engines.lyra2.conditions import Conditions
from lyra_zoom.engines.lyra2.config import LYRA2_14B
from lyra_zoom.engines.lyra2.dit_keys import from_lyra, to_ours
from lyra_zoom.engines.lyra2.flops import flops
from lyra_zoom.engines.lyra2.transformer import KeptBias, Lyra2Transformer
from lyra_zoom.errors import EngineNotReady
from tests.golden.lyra2_recipes import FOLDER, TINY, DitCase, dit_case, tiny_transformer
from tests.lyra2_processes import PROCESSES, compile_whole, velocity

BILLION = 1e9
HALF = torch.tensor([500.0])


def weights_in(*modules: nn.Module) -> float:
    return sum(weight.numel() for module in modules for weight in module.parameters())


def on_no_device(height: int, width: int) -> Conditions:
    """The conditions of a chunk of that size without their numbers."""
    h, w = height // 8, width // 8
    return Conditions(
        history_latents=torch.empty(1, 16, 25, h, w, device="meta"),
        warped_latents=torch.empty(1, 16, 20, h, w, device="meta"),
        rays=torch.empty(1, 384, 45, h, w, device="meta"),
        correspondence=torch.empty(1, 1280, 45, h, w, device="meta"),
        image_embeds=torch.empty(1, 257, 1280, device="meta"),
    )


@pytest.fixture(scope="module")
def real_size() -> Lyra2Transformer:
    """The network of the public weights, without numbers."""
    with torch.device("meta"):
        return Lyra2Transformer(LYRA2_14B).to(torch.bfloat16)


def test_the_network_has_as_many_weights_as_the_reference(real_size):
    per_block = [weights_in(block.bias) for block in real_size.blocks]
    encoders = sum(per_block) + weights_in(real_size.correspondence)
    history = weights_in(real_size.history_patches)
    everything = weights_in(real_size)
    assert encoders / BILLION == pytest.approx(0.577, abs=5e-4)
    assert history / BILLION == pytest.approx(0.058, abs=5e-4)
    assert (everything - encoders - history) / BILLION == pytest.approx(16.39, abs=5e-3)
    assert everything / BILLION == pytest.approx(17.03, abs=5e-3)


def test_a_quarter_of_the_weights_is_not_used_by_steps(real_size):
    prepared = weights_in(real_size.contexts, real_size.correspondence)
    assert prepared / weights_in(real_size) == pytest.approx(0.26, abs=0.005)


@pytest.mark.parametrize(("height", "width"), [(480, 832), (720, 1280)])
def test_a_step_of_true_width_waits_for_no_number(height, width):
    """On the meta device there are none, and whatever asks for one raises."""
    few_layers = replace(LYRA2_14B, num_layers=2)
    with torch.device("meta"):
        network = Lyra2Transformer(few_layers).to(torch.bfloat16)
    chunk = network.prepare(on_no_device(height, width))
    prompt = network.prepare_prompt(torch.empty(1, 512, 4096, device="meta"))
    latents = torch.empty(1, 16, 20, height // 8, width // 8, device="meta")
    with FlopCounterMode(display=False) as counter:
        result = network(latents, torch.empty(1, device="meta"), prompt, chunk)
    assert result.shape == latents.shape
    expected = flops(few_layers, height, width).step
    assert counter.get_total_flops() == pytest.approx(expected, rel=1e-3)


def test_a_bias_kept_whole_changes_nothing():
    network, case = tiny_transformer(), dit_case(1, 4, 4)
    parts = velocity(network, case, KeptBias.PARTS)
    torch.testing.assert_close(velocity(network, case, KeptBias.WHOLE), parts)


def test_kept_bias_takes_the_memory_that_is_told(real_size):
    """The docstring's figures at 480p, in gigabytes."""
    conditions = on_no_device(480, 832)
    parts = real_size.prepare(conditions, KeptBias.PARTS).bias
    camera = parts[0].camera.nbytes
    assert (camera + sum(part.correspondence.nbytes for part in parts)) / 1e9 == pytest.approx(
        0.9, abs=0.05
    )
    whole = real_size.prepare(conditions, KeptBias.WHOLE).bias
    assert sum(bias.nbytes for bias in whole) / 1e9 == pytest.approx(15.7, abs=0.05)


def test_a_prepared_chunk_serves_several_steps_with_several_prompts():
    network, case = tiny_transformer(), dit_case(1, 4, 4)
    chunk = network.prepare(case.conditions)
    prompts = [network.prepare_prompt(case.prompt_embeds * size) for size in (1, 0)]
    first = [network(case.latents, HALF, prompt, chunk) for prompt in prompts]
    again = [network(case.latents, HALF, prompt, chunk) for prompt in prompts]
    assert torch.equal(torch.stack(first), torch.stack(again))
    assert not torch.allclose(*first)


def test_history_in_time_has_no_correspondence():
    network, case = tiny_transformer(), dit_case(1, 4, 4)
    maps = case.conditions.correspondence.clone()
    in_time = [0, *range(6, 25)]
    maps[:, :, in_time] = 7
    other = replace(case, conditions=replace(case.conditions, correspondence=maps))
    assert torch.equal(velocity(network, case), velocity(network, other))


def test_several_chunks_at_once_are_as_one_by_one():
    network, cases = tiny_transformer(), [dit_case(seed, 4, 4) for seed in (1, 2)]
    one_by_one = torch.cat([velocity(network, case) for case in cases])
    together = replace(
        cases[0],
        latents=torch.cat([case.latents for case in cases]),
        prompt_embeds=torch.cat([case.prompt_embeds for case in cases]),
        conditions=type(cases[0].conditions)(
            **{
                field.name: torch.cat([getattr(case.conditions, field.name) for case in cases])
                for field in fields(cases[0].conditions)
            }
        ),
    )
    torch.testing.assert_close(velocity(network, together), one_by_one)


def test_blocks_may_come_from_elsewhere():
    network, case = tiny_transformer(), dit_case(1, 4, 4)
    expected = velocity(network, case)
    elsewhere = tiny_transformer()
    asked: Counter[str] = Counter()

    def blocks() -> Iterable[Block]:
        asked["blocks"] += 1
        return cast("Iterable[Block]", elsewhere.blocks)

    def contexts() -> Iterable[Context]:
        asked["contexts"] += 1
        return cast("Iterable[Context]", elsewhere.contexts)

    for part in (network.blocks, network.contexts):
        part.to("meta")
    network.block_source, network.context_source = blocks, contexts
    assert torch.equal(velocity(network, case), expected)
    assert asked == {"blocks": 1, "contexts": 2}  # once for the prompt, once for the image


def test_latents_that_cannot_be_cut_into_patches_are_refused():
    case = dit_case(1, 4, 5)
    with pytest.raises(ValueError, match="4 x 5"):
        tiny_transformer().prepare(case.conditions)


@pytest.mark.parametrize("timestep", [999.0, 937.5, 92.0])
def test_bfloat16_weights_drift_by_less_than_a_hundredth(timestep):
    """Root mean square, relative; 0.0047 when this was written."""
    case, moment = dit_case(1, 4, 4), torch.tensor([timestep])
    exact, rounded = (at(network, case, moment) for network in (
        tiny_transformer(), tiny_transformer().to(torch.bfloat16)))  # fmt: skip
    assert rounded.dtype == torch.float32
    assert (rounded - exact).square().mean().sqrt() < 0.01 * exact.square().mean().sqrt()


@pytest.mark.slow
def test_the_network_compiles_as_one_graph(tmp_path: Path):
    process = PROCESSES.Process(target=compile_whole, args=(tmp_path / "both.pt",))
    process.start()
    process.join()
    compiled, as_it_is = torch.load(tmp_path / "both.pt")
    assert torch.equal(compiled, as_it_is)


def test_every_name_of_the_checkpoint_has_a_place_here():
    kept = json.loads((FOLDER / "dit_tiny_keys.json").read_text())
    state = {
        f"net.{name}": torch.empty(shape, device="meta") for name, (shape, _) in kept.items()
    }
    ours = {name: tensor.shape for name, tensor in from_lyra(state).items()}
    with torch.device("meta"):
        network = Lyra2Transformer(TINY)
    assert ours == {name: tensor.shape for name, tensor in network.state_dict().items()}


def test_what_is_no_weight_is_left_out():
    state = {"net.accum_iteration": HALF, "net.blocks.0.self_attn.attn_op._extra_state": HALF}
    assert from_lyra(state) == {}


def test_a_name_that_this_network_has_nothing_for_is_an_error():
    with pytest.raises(KeyError, match=r"blocks\.0\.self_attn\.gate"):
        to_ours("blocks.0.self_attn.gate.weight")


def test_another_kernel_is_used_by_every_attention():
    network, case = tiny_transformer(), dit_case(1, 4, 4)
    expected = velocity(network, case)
    calls: Counter[int] = Counter()

    def counting(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        calls[key.shape[1]] += 1
        return attend(query, key, value)

    network.use_attention(counting)
    assert torch.equal(velocity(network, case), expected)
    assert calls == {101: TINY.num_layers, 512: TINY.num_layers, 257: TINY.num_layers}


def test_without_a_gpu_attention_is_that_of_pytorch():
    assert choose_attention(AttentionKernel.AUTO, torch.device("cpu")) is attend


def test_every_kernel_of_pytorch_gives_the_same():
    query, key, value = torch.randn(3, 1, 5, 2, 8).unbind()
    for name in (AttentionKernel.SDPA, AttentionKernel.CUDNN):
        kernel = choose_attention(name, torch.device("cpu"))
        torch.testing.assert_close(kernel(query, key, value), attend(query, key, value))


@pytest.mark.parametrize("kernel", [AttentionKernel.FLASH3, AttentionKernel.SAGE])
def test_a_kernel_that_is_not_installed_is_said_so(kernel):
    with pytest.raises(EngineNotReady, match="needs the package"):
        choose_attention(kernel, torch.device("cpu"))


def at(network: Lyra2Transformer, case: DitCase, timestep: Tensor) -> Tensor:
    chunk = network.prepare(case.conditions)
    return network(case.latents, timestep, network.prepare_prompt(case.prompt_embeds), chunk)
