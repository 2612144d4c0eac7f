"""Weights in eight bits: how far they are from what they stand for."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the lyra2 engine needs torch")

from torch import nn  # noqa: E402

from lyra_zoom.engines.lyra2.budget import Precision  # noqa: E402
from lyra_zoom.engines.lyra2.lora import LoraDeltas, LoraMerger, LowRank  # noqa: E402
from lyra_zoom.engines.lyra2.quantize import (  # noqa: E402
    KINDS,
    ROWS_AT_A_TIME,
    EightBitLinear,
    EightBitMerger,
    Fp8Linear,
    eight_bits_for,
    large_linears,
    quantize_blocks,
)
from lyra_zoom.errors import WeightsUnusable  # noqa: E402

TOLERANCE = {Precision.FP8: 0.05, Precision.INT8: 0.012}
"""Root mean square error of a layer's output over that of the output, for Gaussian weights."""


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def error(result, truth):
    return float((result - truth).square().mean().sqrt() / truth.square().mean().sqrt())


class Block(nn.Module):
    """A stand-in with the names that matter here."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.ModuleDict({"camera": nn.Linear(8, 32, bias=False)})
        self.feed_forward = nn.Sequential(nn.Linear(32, 64), nn.GELU(), nn.Linear(64, 32))

    def forward(self, tokens):
        return tokens + self.feed_forward(tokens)


class Network(nn.Module):
    """A first layer, two blocks and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(32, 32)
        self.blocks = nn.ModuleList([Block(), Block()])
        self.head = nn.Linear(32, 32)
        self.requires_grad_(False)

    def forward(self, tokens):
        tokens = self.first(tokens)
        for block in self.blocks:
            tokens = block(tokens)
        return self.head(tokens)


@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_stays_close_to_what_it_was(kind):
    linear = nn.Linear(512, 256).requires_grad_(False)
    features = torch.randn(2, 40, 512)
    layer = KINDS[kind](linear)
    assert error(layer(features), linear(features)) < TOLERANCE[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_each_channel_has_a_scale_of_its_own(kind):
    linear = nn.Linear(128, 4, bias=False).requires_grad_(False)
    linear.weight.mul_(torch.tensor([[1e-4], [1.0], [1e3], [0.0]]))
    features = torch.randn(64, 128)
    result, truth = KINDS[kind](linear)(features), linear(features)
    for channel in range(3):
        assert error(result[:, channel], truth[:, channel]) < 2 * TOLERANCE[kind]
    assert (result[:, 3] == 0).all()


def test_in_fp8_each_token_has_a_scale_of_its_own():
    linear = nn.Linear(128, 64, bias=False).requires_grad_(False)
    features = torch.randn(3, 128) * torch.tensor([[1e-5], [1.0], [1e4]])
    result, truth = Fp8Linear(linear)(features), linear(features)
    for token in range(3):
        assert error(result[token], truth[token]) < 2 * TOLERANCE[Precision.FP8]


def test_many_tokens_are_multiplied_as_few_are():
    layer = Fp8Linear(nn.Linear(32, 16))
    features = torch.randn(ROWS_AT_A_TIME + 5, 32)
    few = torch.cat([layer(features[:7]), layer(features[7:-3]), layer(features[-3:])])
    torch.testing.assert_close(layer(features), few)


@pytest.mark.parametrize("kind", KINDS)
def test_shape_and_dtype_are_those_of_the_layer_it_replaces(kind):
    linear = nn.Linear(32, 48).bfloat16()
    features = torch.randn(2, 3, 32, dtype=torch.bfloat16)
    result = KINDS[kind](linear)(features)
    assert (result.shape, result.dtype) == ((2, 3, 48), torch.bfloat16)


@pytest.mark.parametrize("kind", KINDS)
def test_codes_take_a_byte_each(kind):
    layer = KINDS[kind](nn.Linear(512, 256).bfloat16())
    tensors = layer.state_dict().values()
    assert sum(tensor.nbytes for tensor in tensors) == 512 * 256 + 256 * (4 + 2)


def test_only_the_large_matrices_of_blocks_are_replaced():
    network = Network()
    count = quantize_blocks(network, Precision.INT8)
    replaced = [n for n, layer in network.named_modules() if isinstance(layer, EightBitLinear)]
    assert count == len(replaced) == 4
    assert all(name.startswith("blocks.") and ".bias." not in name for name in replaced)
    assert list(large_linears(network)) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_in_eight_bits_says_nearly_the_same(kind):
    network, features = Network(), torch.randn(50, 32)
    truth = network(features)
    quantize_blocks(network, kind)
    assert 0 < error(network(features), truth) < TOLERANCE[kind]


def small_lora(layer, rank=2, strength=1.0):
    linear = Network().get_submodule(layer)
    low_rank = LowRank(
        down=torch.randn(rank, linear.in_features), up=torch.randn(linear.out_features, rank)
    )
    return LoraDeltas(layers={layer: low_rank}), strength


def codes_of(network):
    return {name: tensor.float().clone() for name, tensor in network.state_dict().items()}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layer", ["blocks.1.feed_forward.0", "head"])
def test_a_lora_changes_eight_bit_layers_as_it_changes_others(kind, layer):
    plain, coded = Network(), Network()
    coded.load_state_dict(plain.state_dict())
    base = {name: tensor.clone() for name, tensor in plain.state_dict().items()}
    quantize_blocks(coded, kind)
    lora = small_lora(layer)
    LoraMerger(plain).merge([lora])
    assert EightBitMerger(coded, base).merge([lora]) == ()
    features = torch.randn(50, 32)
    assert error(coded(features), plain(features)) < 2 * TOLERANCE[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_a_lora_that_comes_and_goes_leaves_no_trace(kind):
    network = Network()
    base = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    quantize_blocks(network, kind)
    before = codes_of(network)
    merger = EightBitMerger(network, base)

    merger.merge([small_lora("blocks.0.feed_forward.2")])
    changed = codes_of(network)
    assert any((changed[name] != before[name]).any() for name in before)

    merger.merge([])
    after = codes_of(network)
    assert all(torch.equal(after[name], before[name]) for name in before)


def test_a_lora_of_another_shape_is_refused_before_anything_changes():
    network = Network()
    base = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    quantize_blocks(network, Precision.INT8)
    before = codes_of(network)
    wrong = LowRank(down=torch.randn(2, 5), up=torch.randn(64, 2))
    deltas = LoraDeltas(layers={"blocks.0.feed_forward.0": wrong})
    with pytest.raises(WeightsUnusable):
        EightBitMerger(network, base).merge([(deltas, 1.0)])
    assert all(torch.equal(codes_of(network)[name], before[name]) for name in before)


def test_without_a_gpu_the_kind_is_int8():
    assert eight_bits_for(torch.device("cpu")) is Precision.INT8
