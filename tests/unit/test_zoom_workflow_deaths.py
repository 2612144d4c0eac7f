"""The story of one request when workers and engines die, hang or fail."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from lyra_zoom.jobs.job import Job
from lyra_zoom.worker.zoom_steps import WORK
from tests.receivers import until
from tests.worker_bench import (
    UNBEARABLE,
    Bench,
    KeptSteps,
    OpenBench,
    WorkerKilled,
    answer,
)

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("last", ["prepare", "chunk 0", "chunk 1"])
def test_another_worker_goes_on_where_one_died(open_bench: OpenBench, last: str):
    bench, steps = open_bench("still"), KeptSteps()
    job, steps.kill_after = bench.accept(num_frames=161), last
    with pytest.raises(WorkerKilled):
        bench.run(job, steps)
    done, steps.ran, steps.kill_after = list(steps.ran), [], None
    other = open_bench("still")
    ended = other.run(job, steps)
    assert ended.outcome == "succeeded"
    assert done + steps.ran == ["prepare", "chunk 0", "chunk 1", "finish"]
    assert answer(ended)["video"]["num_frames"] == 161
    assert "goes on after an interruption: attempt 2" in other.lines(job)


def test_a_film_made_by_two_workers_is_the_same(open_bench: OpenBench):
    bench, steps = open_bench("still"), KeptSteps()
    alone = bench.run(bench.accept(num_frames=161, seed=7))
    job, steps.kill_after = bench.accept(num_frames=161, seed=7), "chunk 0"
    with pytest.raises(WorkerKilled):
        bench.run(job, steps)
    shared = open_bench("still").run(job, steps)
    files = [
        bench.hands.files.find(answer(ended)["video"]["url"].split("/")[-2], time.time())
        for ended in (alone, shared)
    ]
    assert files[0] is not None
    assert files[1] is not None
    assert files[0].sha256 == files[1].sha256


def video_of(bench: Bench, job: Job) -> str:
    """The hash of the request's video."""
    stored = bench.hands.files.find(answer(job)["video"]["url"].split("/")[-2], time.time())
    assert stored is not None
    return stored.sha256


LONG: dict[str, Any] = {"num_frames": 161, "zoom_direction": "both", "seed": 7}


@pytest.mark.parametrize("last", ["prepare", "chunk 0", "chunk 2"])
def test_frames_that_follow_from_earlier_ones_survive_a_worker(
    open_bench: OpenBench, last: str
):
    bench, steps = open_bench("fading"), KeptSteps()
    alone = bench.run(bench.accept(**LONG))
    job, steps.kill_after = bench.accept(**LONG), last
    with pytest.raises(WorkerKilled):
        bench.run(job, steps)
    other = open_bench("fading")
    assert video_of(other, other.run(job, steps)) == video_of(bench, alone)
    assert other.left_over() == [], "states are removed like everything between steps"


def test_the_lyra2_engine_survives_a_worker(
    open_bench: OpenBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    pytest.importorskip("torch", reason="the lyra2 engine is made of torch")
    from tests.lyra2_weights import write_toy_weights

    write_toy_weights(tmp_path / "toy")
    monkeypatch.setenv("TOY_DATA", str(tmp_path / "toy"))
    wish: dict[str, Any] = {"num_frames": 161, "zoom_direction": "out", "seed": 7}
    bench, steps = open_bench("toy_lyra2"), KeptSteps()
    alone = bench.run(bench.accept(**wish))
    job, steps.kill_after = bench.accept(**wish), "chunk 0"
    with pytest.raises(WorkerKilled):
        bench.run(job, steps)
    other = open_bench("toy_lyra2")
    assert video_of(other, other.run(job, steps)) == video_of(bench, alone)
    assert any("denoising" in line for line in bench.lines(alone))
    assert other.left_over() == []


def test_a_worker_keeps_states_only_of_an_engine_that_has_some(open_bench: OpenBench):
    kept = {}
    for kind in ("fading", "still"):
        bench, steps = open_bench(kind), KeptSteps()
        bench.run(bench.accept(num_frames=161), steps)
        kept[kind] = [json.loads(steps.kept[f"chunk {index}"]) for index in range(2)]
    assert all("state" not in piece for piece in kept["still"])
    assert all(piece["state"].startswith(f"{WORK}/") for piece in kept["fading"])


def test_an_engine_that_dies_goes_on_from_the_states_of_its_worker(
    open_bench: OpenBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CRASH_MARK", str(tmp_path / "crashed"))
    bench, calm = open_bench("fading_once"), open_bench("fading")
    job = bench.run(bench.accept(**LONG))
    assert any("started again" in line for line in bench.lines(job))
    assert video_of(bench, job) == video_of(calm, calm.run(calm.accept(**LONG)))


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("gpu_memory", "The GPU has too little memory for this video."),
        ("gpu_lost", "The GPU failed."),
        ("nan", "The engine computed numbers that are not finite."),
        ("weights", "The engine's weights are damaged."),
    ],
)
def test_a_fault_ends_one_request_and_the_next_is_made(
    open_bench: OpenBench, kind: str, said: str
):
    pytest.importorskip("torch", reason="the faults are those of torch")
    bench = open_bench(kind)
    job = bench.run(bench.accept(UNBEARABLE))
    assert (job.answer_status, job.error_type, job.error) == (500, "runner_server_error", said)
    assert bench.hands.engine.state.trouble is not None
    assert not bench.hands.engine.state.ready
    assert bench.run(bench.accept()).outcome == "succeeded"
    until(lambda: bench.hands.engine.state.ready, 30)
    assert bench.hands.engine.state.trouble is None


def test_an_engine_that_dies_once_costs_one_chunk(
    open_bench: OpenBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CRASH_MARK", str(tmp_path / "crashed"))
    bench, steps = open_bench("once"), KeptSteps()
    job = bench.run(bench.accept(num_frames=161), steps)
    assert job.outcome == "succeeded"
    assert steps.ran == ["prepare", "chunk 0", "chunk 1", "finish"]
    assert any("started again" in line for line in bench.lines(job))


@pytest.mark.parametrize(("max_attempts", "tries"), [(4, 3), (1, 1)])
def test_what_kills_every_engine_fails_for_itself_alone(
    open_bench: OpenBench, max_attempts: int, tries: int
):
    bench = open_bench("crashing")
    job = bench.run(bench.accept(UNBEARABLE, max_attempts=max_attempts))
    assert (job.answer_status, job.error_type) == (503, "runner_disconnected")
    assert sum("started again" in line for line in bench.lines(job)) == tries - 1
    assert bench.run(bench.accept()).outcome == "succeeded"


def test_an_engine_that_hangs_is_a_timeout(open_bench: OpenBench):
    bench = open_bench("hanging", silence_s=0.5)
    until(lambda: bench.hands.engine.state.ready, 30)
    job = bench.run(bench.accept(UNBEARABLE))
    assert (job.answer_status, job.error_type) == (504, "generation_timeout")


def test_a_mistake_of_an_engine_tells_no_secrets(open_bench: OpenBench):
    bench = open_bench("failing")
    job = bench.run(bench.accept(UNBEARABLE))
    assert (job.answer_status, job.error_type) == (500, "runner_server_error")
    assert "secret" not in str(job) + str(bench.lines(job))
