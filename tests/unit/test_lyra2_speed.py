"""However the transformer is made ready for a device, it computes the same."""

from __future__ import annotations

import logging

import pytest

torch = pytest.importorskip("torch", reason="the lyra2 engine needs torch")

from torch import nn  # noqa: E402

from lyra_zoom.engines.lyra2.attention import attend  # noqa: E402
from lyra_zoom.engines.lyra2.budget import GIB, Mode, Precision, budget_of  # noqa: E402
from lyra_zoom.engines.lyra2.conditions import Conditions  # noqa: E402
from lyra_zoom.engines.lyra2.config import TransformerConfig  # noqa: E402
from lyra_zoom.engines.lyra2.lora import LoraDeltas, LowRank  # noqa: E402
from lyra_zoom.engines.lyra2.modes import MemoryPlan  # noqa: E402
from lyra_zoom.engines.lyra2.speed import compile_blocks, make_ready  # noqa: E402
from lyra_zoom.engines.lyra2.transformer import KeptBias, Lyra2Transformer  # noqa: E402
from lyra_zoom.geometry.image import Size  # noqa: E402

CPU = torch.device("cpu")
TINY = TransformerConfig(
    dim=64,
    ffn_dim=96,
    num_layers=3,
    num_heads=2,
    freq_dim=16,
    text_dim=24,
    correspondence_rank=4,
)
EIGHT_BIT_ERROR = 0.06
"""Root mean square error over that of the velocity itself, for three random blocks."""


def transformer() -> Lyra2Transformer:
    torch.manual_seed(3)
    network = Lyra2Transformer(TINY)
    for name, parameter in network.named_parameters():
        if parameter.ndim > 1:
            nn.init.normal_(parameter, std=parameter.shape[-1] ** -0.5)
        elif "norm" in name and name.endswith("weight"):
            nn.init.ones_(parameter)
        else:
            nn.init.normal_(parameter, std=0.1)
    return network


def velocity(network: Lyra2Transformer, h: int = 4, w: int = 6):
    torch.manual_seed(4)
    conditions = Conditions(
        history_latents=torch.randn(1, 16, 25, h, w),
        warped_latents=torch.randn(1, 16, 20, h, w),
        rays=0.1 * torch.randn(1, TINY.ray_channels, 45, h, w),
        correspondence=torch.rand(1, TINY.correspondence_channels, 45, h, w) * 2 - 1,
        image_embeds=torch.randn(1, 257, TINY.image_dim),
    )
    prompt = network.prepare_prompt(torch.randn(1, 512, TINY.text_dim))
    latents, timestep = torch.randn(1, 16, 20, h, w), torch.tensor([700.0])
    return network(latents, timestep, prompt, network.prepare(conditions))


def plan(mode: Mode, precision: Precision = Precision.BF16, *, keeps_bias=False) -> MemoryPlan:
    budget = budget_of(Size(832, 480), mode, precision)
    return MemoryPlan(mode=mode, precision=precision, keeps_bias=keeps_bias, budget=budget)


def readied(mode: Mode, precision: Precision = Precision.BF16, **wishes):
    network = transformer()
    base = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    return make_ready(network, plan(mode, precision, **wishes), CPU, base)


def error(result, truth) -> float:
    return float((result - truth).square().mean().sqrt() / truth.square().mean().sqrt())


@pytest.fixture(scope="module")
def truth():
    return velocity(transformer())


def lora():
    torch.manual_seed(5)
    dim, ffn = TINY.dim, TINY.ffn_dim
    layers = {
        "blocks.1.self_attention.to_q": LowRank(
            down=torch.randn(2, dim) * 0.2, up=torch.randn(dim, 2) * 0.2
        ),
        "blocks.2.feed_forward.up": LowRank(
            down=torch.randn(2, dim) * 0.2, up=torch.randn(ffn, 2) * 0.2
        ),
        "contexts.0.text.to_k": LowRank(
            down=torch.randn(2, dim) * 0.2, up=torch.randn(dim, 2) * 0.2
        ),
    }
    return LoraDeltas(layers=layers), 1.0


@pytest.mark.parametrize("mode", Mode)
def test_every_mode_gives_the_very_same_velocity(mode, truth):
    assert torch.equal(velocity(readied(mode).transformer), truth)


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("precision", [Precision.FP8, Precision.INT8])
def test_eight_bits_stay_close_in_every_mode(mode, precision, truth):
    result = velocity(readied(mode, precision).transformer)
    assert 0 < error(result, truth) < EIGHT_BIT_ERROR


@pytest.mark.parametrize("mode", Mode)
def test_a_lora_works_the_same_in_every_mode(mode, truth):
    plain = readied(Mode.FULL)
    plain.merger.merge([lora()])
    expected = velocity(plain.transformer)
    ready = readied(mode)
    assert ready.merger.merge([lora()]) == ()
    assert torch.equal(velocity(ready.transformer), expected)
    ready.merger.merge([])
    assert torch.equal(velocity(ready.transformer), truth)


def test_a_kept_bias_gives_what_a_computed_one_gives(truth):
    ready = readied(Mode.FULL, keeps_bias=True)
    assert ready.transformer.kept_bias is KeptBias.WHOLE
    torch.testing.assert_close(velocity(ready.transformer), truth)


def test_in_stream_the_blocks_on_the_device_are_three_at_most():
    network = readied(Mode.STREAM).transformer
    assert network.block_source is not None
    assert len({id(block) for block in network.block_source()}) == 3


def test_a_kernel_chosen_later_is_that_of_visiting_blocks_as_well():
    asked = []

    def kernel(query, key, value):
        asked.append(query.shape)
        return attend(query, key, value)

    network = readied(Mode.STREAM).transformer
    network.use_attention(kernel)
    velocity(network)
    assert len(asked) == 3 * TINY.num_layers


@pytest.mark.slow
def test_compiled_blocks_give_the_same(truth):
    network = transformer()
    compile_blocks(network.blocks, "eager")
    torch.testing.assert_close(velocity(network), truth)


@pytest.mark.slow
def test_all_blocks_share_one_compiled_program():
    programs = []

    def counts(graph, inputs):
        programs.append(graph)
        return graph.forward

    network = transformer()
    compile_blocks(network.blocks, counts)
    velocity(network)
    assert len(programs) == 1


@pytest.mark.slow
def test_compiled_blocks_take_another_size():
    network = transformer()
    larger = velocity(network, 6, 8)
    compile_blocks(network.blocks, "eager")
    velocity(network)
    torch.testing.assert_close(velocity(network, 6, 8), larger)


@pytest.mark.slow
def test_blocks_that_cannot_be_compiled_work_as_they_are(truth, caplog):
    def refuses(graph, inputs):
        raise NotImplementedError("no such machine")

    network = transformer()
    compile_blocks(network.blocks, refuses)
    with caplog.at_level(logging.WARNING):
        result = velocity(network)
    assert torch.equal(result, truth)
    assert caplog.text.count("the blocks are not compiled") == 1  # and it is tried only once


def test_what_a_plan_needs_is_told_in_words():
    told = str(plan(Mode.STREAM))
    budget = plan(Mode.STREAM).budget
    need, host = budget.device_bytes / GIB, budget.host_bytes / GIB
    assert told == (
        f"memory mode stream, weights in bf16, {need:.1f} GiB and {host:.0f} GiB of main memory"
    )
    assert "main memory" in str(plan(Mode.FULL))
