"""The benchmark of the diffusion model runs, and counts what it should."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="the lyra2 engine needs torch")

from lyra_zoom.bench.lyra2 import Lyra2Report, Wish, measure_lyra2  # noqa: E402
from lyra_zoom.bench.lyra2_report import NOT_ON_GPU, lyra2_json, lyra2_table  # noqa: E402
from lyra_zoom.bench.lyra2_watch import Stage  # noqa: E402
from lyra_zoom.cli.main import main  # noqa: E402
from lyra_zoom.engines.lyra2.budget import GIB, Mode  # noqa: E402
from lyra_zoom.engines.lyra2.modes import plan_memory  # noqa: E402
from lyra_zoom.errors import EngineNotReady  # noqa: E402
from lyra_zoom.geometry.image import Size  # noqa: E402

STAGES = (
    "text",
    "image",
    "depth",
    "depth of a chunk",
    "depth by da3",
    "depth of a chunk by da3",
    "warp ahead",
    "warp memory",
    "encode",
    "decode",
    "prepare prompt",
    "prepare chunk",
    "forward",
    "a chunk, 4 steps",
    "first chunk of two",
    "second chunk of two",
    "dmd on and off",
)
P480 = Size(832, 480)


@pytest.fixture
def on_a_card() -> Lyra2Report:
    """As if measured: a forward pass of 4 s, a chunk of 17 s, a prompt 1 s, depth 2 s."""
    seconds = {"forward": 4.0, "a chunk, 4 steps": 17.0, "text": 1.0, "depth": 2.0}
    flop = {"forward": 2 * 10**15}
    return Lyra2Report(
        machine="a card",
        on_gpu=True,
        size=P480,
        tokens=38_246,
        plan=plan_memory(79 * GIB, P480),
        steps=28,
        stages=tuple(
            Stage(
                name=name,
                seconds=seconds.get(name, 0.5),
                flop=flop.get(name),
                planned_bytes=50 * GIB,
                peak_bytes=49 * GIB,
                skipped="not installed" if "da3" in name else "",
            )
            for name in STAGES
        ),
        peak_tflops=1000.0,
    )


def test_the_total_of_the_distilled_schedule_has_prompt_and_depth_in_it(on_a_card):
    assert on_a_card.dmd_s == 17.0 + 1.0 + 2.0


def test_a_guided_step_is_two_passes(on_a_card):
    second_prompt = 1.0
    assert on_a_card.guided_s == 20.0 + second_prompt + (56 - 4) * 4.0


def test_the_share_of_the_peak_is_that_of_the_work_done(on_a_card):
    forward = next(stage for stage in on_a_card.stages if stage.name == "forward")
    assert on_a_card.share_of_peak(forward) == pytest.approx(0.5)
    assert replace(on_a_card, peak_tflops=None).share_of_peak(forward) is None


def test_the_table_names_every_stage_and_the_marks(on_a_card):
    table = lyra2_table([on_a_card])
    assert all(f"\n{name} " in table for name in STAGES)
    assert "81 frames, dmd: 20.00 s (must 20 s, aim 14 s on one H200)" in table
    assert NOT_ON_GPU not in table


def test_memory_stands_beside_what_was_planned(on_a_card):
    lines = lyra2_table([on_a_card]).splitlines()
    (forward,) = [line for line in lines if line.startswith("forward ")]
    assert "49.0 GiB  50.0 GiB" in forward


def test_a_stage_that_cannot_be_measured_says_why(on_a_card):
    assert "skipped: not installed" in lyra2_table([on_a_card])


@pytest.mark.slow
def test_figures_of_a_cpu_say_that_they_are_none():
    report = measure_lyra2(Wish(tiny=True, steps=2), lambda what: None)
    assert tuple(stage.name for stage in report.stages) == STAGES
    assert all(stage.skipped or stage.seconds > 0 for stage in report.stages)
    assert all(stage.skipped or stage.planned_bytes for stage in report.stages)
    assert report.guided_s > 0
    assert NOT_ON_GPU in lyra2_table([report])
    (written,) = json.loads(json.dumps(lyra2_json([report])))
    assert (written["on_gpu"], written["memory_mode"]) == (False, Mode.FULL)


def test_true_sizes_are_not_tried_without_a_gpu():
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(EngineNotReady, match="no GPU that torch can use"):
        measure_lyra2(Wish(size=P480), lambda what: None)


def test_the_command_wants_to_hear_that_weights_are_random(capsys):
    assert main(["bench", "--engine", "lyra2", "--tiny"]) == 1
    assert "--random-weights" in capsys.readouterr().err
