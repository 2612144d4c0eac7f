"""How much of a GPU the lyra2 engine needs, and what it does with less."""

from __future__ import annotations

import pytest

from lyra_zoom.engines.lyra2.budget import (
    BF16,
    GIB,
    Budget,
    Mode,
    Phase,
    Precision,
    budget_of,
    hidden_bytes,
    parameter_counts,
    total,
    transformer_bytes,
)
from lyra_zoom.engines.lyra2.modes import MODE_WORDS, plan_memory
from lyra_zoom.errors import EngineNotReady
from lyra_zoom.geometry.image import Size

P480, P720 = Size(832, 480), Size(1280, 720)
CARDS_GIB = {"H200": 139.0, "H100": 79.0, "L40S": 44.4, "RTX 5090": 31.3, "RTX 4090": 23.5}
"""What such cards have free when nothing else runs on them."""


def chosen(card: str, size: Size) -> str:
    plan = plan_memory(int(CARDS_GIB[card] * GIB), size)
    return f"{plan.mode} {plan.precision}"


def test_the_public_weights_have_seventeen_billion_parameters():
    assert sum(parameter_counts().values()) == 17_029_871_424


def test_the_weights_take_34_gigabytes_in_sixteen_bits():
    assert transformer_bytes().total == 17_029_871_424 * BF16


def test_eight_bits_halve_the_blocks_but_for_a_few_percent():
    halved = transformer_bytes(precision=Precision.FP8).blocks / transformer_bytes().blocks
    assert 0.5 < halved < 0.53


def test_all_tokens_of_480p_take_0_39_gigabytes():
    assert hidden_bytes(P480) == 38_246 * 5120 * 2


@pytest.mark.parametrize("size", [P480, P720])
@pytest.mark.parametrize("precision", Precision)
def test_each_mode_needs_less_of_the_gpu_than_the_one_before(size, precision):
    needs = [budget_of(size, mode, precision).device_bytes for mode in Mode]
    assert needs == sorted(needs, reverse=True)


@pytest.mark.parametrize("mode", Mode)
def test_what_is_not_on_the_gpu_is_on_the_host(mode):
    budget = budget_of(P480, mode)
    visiting = {part.name for part in budget.host if part.name != "what both legs begin with"}
    staying = {part.name for part in budget.stays}
    assert not visiting & staying
    assert ("transformer, blocks" in visiting) == (mode is Mode.STREAM)


@pytest.mark.parametrize("mode", Mode)
def test_the_widest_phase_decides(mode):
    budget = budget_of(P720, mode)
    widest = max(total(parts) for parts in budget.phases.values())
    assert total(budget.phases[budget.widest]) == widest
    assert budget.device_bytes > total(budget.stays) + widest


@pytest.mark.parametrize("size", [P480, P720])
@pytest.mark.parametrize("mode", Mode)
def test_the_autoencoder_never_decides_so_nobody_cuts_it_into_tiles(mode, size):
    phases = budget_of(size, mode).phases
    assert total(phases[Phase.DECODING]) < max(map(total, phases.values()))
    assert total(phases[Phase.LOOKING_BACK]) < max(map(total, phases.values()))


def test_every_part_has_a_size():
    def parts(budget: Budget):
        yield from (*budget.stays, *budget.host)
        for phase in budget.phases.values():
            yield from phase

    for mode in Mode:
        assert all(part.nbytes > 0 for part in parts(budget_of(P480, mode)))


@pytest.mark.parametrize(
    ("card", "at_480p", "at_720p"),
    [
        ("H200", "full bf16", "full bf16"),
        ("H100", "full bf16", "full bf16"),
        ("L40S", "lean bf16", "lean bf16"),
        ("RTX 5090", "lean int8", "lean int8"),
        ("RTX 4090", "stream bf16", "stream bf16"),
    ],
)
def test_auto_takes_the_first_mode_that_fits(card, at_480p, at_720p):
    assert (chosen(card, P480), chosen(card, P720)) == (at_480p, at_720p)


def test_a_plan_never_needs_more_than_is_free():
    for free_gib in range(20, 140, 3):
        plan = plan_memory(free_gib * GIB, P480)
        assert plan.budget.device_bytes <= free_gib * GIB


def test_the_bias_of_all_blocks_is_kept_only_where_it_fits():
    assert plan_memory(139 * GIB, P720).keeps_bias
    assert not plan_memory(79 * GIB, P720).keeps_bias


def test_a_card_that_is_too_small_is_told_how_much_is_missing():
    with pytest.raises(EngineNotReady) as refusal:
        plan_memory(10 * GIB, P480)
    told = str(refusal.value)
    assert told.startswith("even the memory mode stream needs ")
    assert told.endswith(" GiB are missing")


def test_a_mode_that_was_asked_for_is_not_replaced_by_another():
    assert plan_memory(139 * GIB, P480, mode="stream").mode is Mode.STREAM
    with pytest.raises(EngineNotReady, match="the memory mode full needs"):
        plan_memory(44 * GIB, P480, mode="full")


def test_a_precision_that_was_asked_for_is_kept():
    plan = plan_memory(139 * GIB, P480, precision="fp8")
    assert (plan.mode, plan.precision) == (Mode.FULL, Precision.FP8)


def test_lean_takes_the_eight_bits_that_the_gpu_can():
    plan = plan_memory(31 * GIB, P720, eight_bits=Precision.FP8)
    assert (plan.mode, plan.precision) == (Mode.LEAN, Precision.FP8)


def test_every_mode_is_explained():
    assert set(MODE_WORDS) == set(Mode)
