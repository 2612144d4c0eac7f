"""LoRAs: what is read from a file, and how weights change and come back."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the lyra2 engine needs PyTorch")

import torch
from safetensors.torch import save_file
from torch import Tensor

from lyra_zoom.engines.lyra2.lora import LoraDeltas, LoraMerger, LowRank, load_lora
from lyra_zoom.engines.lyra2.transformer import Lyra2Transformer
from lyra_zoom.errors import WeightsUnusable
from tests.golden.lyra2_recipes import TINY, rnd

QUERY = "blocks.1.self_attention.to_q"


def lora_file(folder: Path, tensors: dict[str, Tensor]) -> Path:
    save_file(tensors, folder / "some.safetensors")
    return folder / "some.safetensors"


def pair(prefix: str, down: str = "lora_A", up: str = "lora_B") -> dict[str, Tensor]:
    return {
        f"{prefix}.{down}.weight": rnd(1, (4, TINY.dim)),
        f"{prefix}.{up}.weight": rnd(2, (TINY.dim, 4)),
    }


def low_rank(seed: int, rows: int = TINY.dim) -> LowRank:
    return LowRank(down=rnd(seed, (4, TINY.dim), 0.1), up=rnd(seed + 1, (rows, 4), 0.1))


@pytest.fixture
def network() -> Lyra2Transformer:
    torch.manual_seed(0)
    network = Lyra2Transformer(TINY).to(torch.bfloat16)
    for parameter in network.parameters():
        parameter.normal_()
    return network


def state(network: Lyra2Transformer) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def changed(before: dict[str, Tensor], after: dict[str, Tensor]) -> set[str]:
    return {name for name in before if not torch.equal(before[name], after[name])}


@pytest.mark.parametrize(
    "prefix",
    [
        "diffusion_model.blocks.1.self_attn.q",
        "net.blocks.1.self_attn.q",
        "blocks.1.self_attn.q",
        "lora_unet_blocks_1_self_attn_q",
        "base_model.model.blocks.1.self_attn.q",
        "base_model.model.diffusion_model.blocks.1.self_attn.q",
    ],
)
@pytest.mark.parametrize(
    ("down", "up"),
    [
        ("lora_A", "lora_B"),
        ("lora_down", "lora_up"),
        ("lora_A.default", "lora_B.default"),
        ("lora_down.default", "lora_up.default"),
    ],
)
def test_every_style_of_names_is_understood(tmp_path, prefix, down, up):
    deltas = load_lora(lora_file(tmp_path, pair(prefix, down, up)))
    assert list(deltas.layers) == [QUERY]
    assert deltas.skipped == ()


def test_underscores_inside_a_name_are_told_from_those_between(tmp_path):
    tensors = pair("lora_unet_blocks_0_cross_attn_k_img", "lora_down", "lora_up")
    assert list(load_lora(lora_file(tmp_path, tensors)).layers) == ["contexts.0.image.to_k"]


def test_alpha_scales_the_addition(tmp_path):
    tensors = pair("net.blocks.1.self_attn.q")
    plain = load_lora(lora_file(tmp_path, tensors)).layers[QUERY]
    tensors["net.blocks.1.self_attn.q.alpha"] = torch.tensor(2.0)
    scaled = load_lora(lora_file(tmp_path, tensors)).layers[QUERY]
    torch.testing.assert_close(scaled.down, plain.down * (2 / 4))


def test_what_this_network_has_no_layer_for_is_listed(tmp_path):
    foreign = {"text_encoder.layer.weight": torch.ones(1), "net.other.diff_b": torch.ones(1)}
    deltas = load_lora(lora_file(tmp_path, {**pair("net.blocks.1.self_attn.q"), **foreign}))
    assert deltas.skipped == tuple(sorted(foreign))


def test_half_an_addition_is_listed_as_not_used(tmp_path):
    tensors = pair("net.blocks.1.self_attn.q")
    tensors.popitem()
    deltas = load_lora(lora_file(tmp_path, tensors))
    assert (deltas.layers, deltas.skipped) == ({}, ("net.blocks.1.self_attn.q.lora_A.weight",))


@pytest.mark.parametrize(("size", "kept"), [(0.01, False), (0.02, True)])
def test_a_bias_counts_only_if_it_varies(tmp_path, size, kept):
    bias = torch.linspace(0, size, TINY.dim)
    tensors = {**pair("net.blocks.1.self_attn.q"), "net.blocks.1.self_attn.q.diff_b": bias}
    deltas = load_lora(lora_file(tmp_path, tensors))
    assert (deltas.layers[QUERY].bias is not None) is kept
    assert len(deltas.negligible) == (not kept)


def test_a_bias_needs_no_low_rank_addition_beside_it(tmp_path, network):
    bias = torch.linspace(0, 1, TINY.dim)
    deltas = load_lora(lora_file(tmp_path, {"net.blocks.1.self_attn.q.diff_b": bias}))
    before = state(network)
    LoraMerger(network).merge([(deltas, 0.5)])
    assert changed(before, state(network)) == {f"{QUERY}.bias"}
    exact = before[f"{QUERY}.bias"].float() + 0.5 * bias
    assert torch.equal(network.get_parameter(f"{QUERY}.bias"), exact.bfloat16())


@pytest.mark.parametrize("name", ["norm3.diff", "norm3.diff_b", "self_attn.q.diff"])
@pytest.mark.parametrize(("size", "listed"), [(0.01, "negligible"), (0.02, "differences")])
def test_differences_that_the_reference_does_not_apply_are_listed(tmp_path, name, size, listed):
    name = f"net.blocks.1.{name}"
    tensors = {**pair("net.blocks.1.self_attn.q"), name: torch.linspace(0, size, TINY.dim)}
    deltas = load_lora(lora_file(tmp_path, tensors))
    assert list(getattr(deltas, listed)) == [name]
    assert deltas.skipped == ()
    assert deltas.differences in ({}, {name: 4 * TINY.dim})


def test_a_bias_is_added_with_the_strength_of_its_lora(network):
    bias = low_rank(1)
    bias = LowRank(down=bias.down, up=bias.up, bias=torch.ones(TINY.dim))
    before = network.get_parameter(f"{QUERY}.bias").clone()
    LoraMerger(network).merge([(LoraDeltas(layers={QUERY: bias}), 0.5)])
    after = network.get_parameter(f"{QUERY}.bias")
    torch.testing.assert_close(after, before + 0.5)


def test_a_file_that_is_no_lora_is_refused(tmp_path):
    (tmp_path / "some.safetensors").write_bytes(b"nothing")
    with pytest.raises(WeightsUnusable, match="some"):
        load_lora(tmp_path / "some.safetensors")


def test_an_addition_is_summed_in_full_precision(network):
    layer = network.get_parameter(f"{QUERY}.weight")
    deltas = LoraDeltas(layers={QUERY: low_rank(3)})
    exact = layer.float() + 0.4 * low_rank(3).up @ low_rank(3).down
    LoraMerger(network).merge([(deltas, 0.4)])
    assert torch.equal(layer, exact.bfloat16())


def test_switching_a_hundred_times_changes_nothing(network):
    merger, before = LoraMerger(network), state(network)
    always = (LoraDeltas(layers={QUERY: low_rank(3)}), 0.4)
    sometimes = (LoraDeltas(layers={QUERY: low_rank(5), "correspondence.0": LowRank(
        down=rnd(7, (4, 20480)), up=rnd(8, (8, 4)))}), 1.0)  # fmt: skip
    merger.merge([always])
    without = state(network)
    for _ in range(50):
        merger.merge([always, sometimes])
        merger.merge([always])
    assert changed(without, state(network)) == set()
    merger.merge([])
    assert changed(before, state(network)) == set()


def test_only_layers_of_the_loras_change(network):
    before = state(network)
    LoraMerger(network).merge([(LoraDeltas(layers={QUERY: low_rank(3)}), 1.0)])
    assert changed(before, state(network)) == {f"{QUERY}.weight"}


def test_weights_can_be_read_again_from_elsewhere(network):
    base = state(network)
    merger = LoraMerger(network, base)
    merger.merge([(LoraDeltas(layers={QUERY: low_rank(3)}), 1.0)])
    network.get_parameter(f"{QUERY}.weight").zero_()  # lost, for example, with its device
    merger.merge([])
    assert changed(base, state(network)) == set()


def test_a_layer_that_the_network_lacks_is_named(network):
    absent = "blocks.7.self_attention.to_q"
    deltas = LoraDeltas(layers={absent: low_rank(3), QUERY: low_rank(5)})
    assert LoraMerger(network).merge([(deltas, 1.0)]) == (absent,)


def test_an_addition_of_another_shape_changes_nothing(network):
    before = state(network)
    deltas = LoraDeltas(
        layers={"blocks.0.self_attention.to_q": low_rank(3), QUERY: low_rank(5, 7)}
    )
    with pytest.raises(WeightsUnusable, match=QUERY):
        LoraMerger(network).merge([(deltas, 1.0)])
    assert changed(before, state(network)) == set()


def test_sums_are_made_where_the_network_works(network):
    base = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    merger = LoraMerger(network, base, torch.device("meta"))  # where nothing can come back from
    with pytest.raises(NotImplementedError, match="meta"):
        merger.merge([(LoraDeltas(layers={QUERY: low_rank(3)}), 1.0)])
