"""A worker's hold on its engine: what the engine's process can do, and how it can fail."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from lyra_zoom.errors import (
    Cancelled,
    EngineDied,
    EngineFailed,
    EngineHung,
    EngineNotReady,
    GpuLost,
    GpuMemoryExhausted,
    NumbersBroken,
    WeightsBroken,
)
from lyra_zoom.geometry.image import Size
from lyra_zoom.pipeline.metadata import inspect_film
from lyra_zoom.worker.engine_messages import FilmOrder, Line, Progressed
from lyra_zoom.worker.engine_process import EngineProcess, InputRefused, Watching
from tests.engine_children import command
from tests.pictures import encoded, landscape

pytestmark = pytest.mark.slow

Start = Callable[..., EngineProcess]


FIRST: Line = {"index": 0, "states": []}
SECOND: Line = {"index": 1, "states": [None]}


class Heard:
    """Notes what an engine says."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.fractions: list[float] = []
        self.watching = Watching(
            progressed=self._note, said=self.lines.append, unwanted=lambda: False
        )

    def _note(self, progress: Progressed) -> None:
        self.fractions.append(progress.fraction)


def nobody(unwanted: Callable[[], bool] = lambda: False) -> Watching:
    """Listens to nothing; may lose interest."""
    return Watching(progressed=lambda _: None, said=lambda _: None, unwanted=unwanted)


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[EngineProcess] = []

    def start(kind: str, **options: float) -> EngineProcess:
        engine = EngineProcess(command(kind), **options)
        engine.start()
        started.append(engine)
        return engine

    yield start
    for engine in started:
        engine.close()


@pytest.fixture
def order(tmp_path: Path) -> FilmOrder:
    """A film of two chunks."""
    return order_of(tmp_path / "photo", landscape(Size(320, 200)))


@pytest.fixture
def plain_order(tmp_path: Path) -> FilmOrder:
    """The photograph that the bad engines cannot bear."""
    return order_of(tmp_path / "plain", np.full((200, 320, 3), 90, np.uint8))


def order_of(photo: Path, pixels: np.ndarray) -> FilmOrder:
    photo.write_bytes(encoded(pixels, "PNG"))
    return FilmOrder(request={"prompt": "a wall", "num_frames": 161}, photo=str(photo))


def make(engine: EngineProcess, order: FilmOrder, folder: Path, watching: Watching) -> Line:
    """The whole film, as a worker has it made."""
    prepared = engine.prepare(order, watching)
    order = replace(order, seed=prepared["seed"])
    segments = [str(folder / f"{index}.mp4") for index in range(prepared["chunks"])]
    answers: list[Line] = []
    for index, path in enumerate(segments):
        piece = {"index": index, "states": [answer.get("state") for answer in answers]}
        answers.append(engine.chunk(order, piece, path, watching))
    pieces = {
        "segments": segments,
        "prepare_s": prepared["prepare_s"],
        "chunks_s": [answer["seconds"] for answer in answers],
    }
    return engine.join(order, pieces, str(folder / "film.mp4"), watching)


def pid_of(engine: EngineProcess) -> int:
    assert engine._child is not None
    return engine._child.pid


def test_a_film_is_made_piece_by_piece(start: Start, order: FilmOrder, tmp_path: Path):
    facts = make(start("still"), order, tmp_path, nobody())
    assert inspect_film(tmp_path / "film.mp4").num_frames == facts["num_frames"] == 161
    assert facts["timings"].keys() == {"encode_s", "zoom_in_s"}


def test_progress_runs_from_start_to_end(start: Start, order: FilmOrder, tmp_path: Path):
    heard = Heard()
    make(start("slow"), order, tmp_path, heard.watching)
    assert heard.fractions == sorted(heard.fractions)
    assert (heard.fractions[0], heard.fractions[-1]) == (0.0, 1.0)


def test_what_libraries_print_is_no_message(start: Start, order: FilmOrder, tmp_path: Path):
    make(start("printing"), order, tmp_path, nobody())


def test_a_new_process_goes_on_with_any_chunk(start: Start, order: FilmOrder, tmp_path: Path):
    engine, order = start("slow"), replace(order, seed=7)
    heard = Heard()
    engine.chunk(order, SECOND, str(tmp_path / "1.mp4"), heard.watching)
    assert heard.fractions[0] > 0.4, "the first chunk counts as done"
    assert not any("without effect" in line for line in heard.lines), "was said before"


def test_a_cancel_is_obeyed_within_frames(start: Start, order: FilmOrder, tmp_path: Path):
    engine = start("slow")
    engine.prepare(order, nobody())
    process = pid_of(engine)
    unwanted = threading.Event()
    drawn: list[float] = []

    def progressed(progress: Progressed) -> None:
        drawn.append(progress.fraction)
        unwanted.set()

    watching = Watching(progressed=progressed, said=print, unwanted=unwanted.is_set)
    with pytest.raises(Cancelled):
        engine.chunk(replace(order, seed=7), FIRST, str(tmp_path / "0.mp4"), watching)
    assert max(drawn) < 0.4, "the chunk's share is 0.5"
    assert pid_of(engine) == process, "the warm engine is kept"
    assert not (tmp_path / "0.mp4").exists()


def test_an_engine_that_ignores_a_cancel_is_killed(
    start: Start, plain_order: FilmOrder, order: FilmOrder
):
    engine = start("hanging")
    until(lambda: engine.state.ready)
    asked_s = time.monotonic() + 0.3
    with pytest.raises(Cancelled):
        engine.prepare(plain_order, nobody(lambda: time.monotonic() > asked_s))
    assert engine.prepare(order, nobody())["chunks"] == 2, "its successor works"


def test_an_engine_of_large_steps_is_given_time_to_stop(start: Start, order: FilmOrder):
    engine = start("large_steps")
    until(lambda: engine.state.ready)
    process = pid_of(engine)
    asked_s = time.monotonic() + 0.3
    with pytest.raises(Cancelled):
        engine.prepare(order, nobody(lambda: time.monotonic() > asked_s))
    assert time.monotonic() - asked_s > 2, "its step takes three seconds"
    assert pid_of(engine) == process, "the loaded model is kept"


def test_an_engine_without_a_word_is_killed(start: Start, plain_order: FilmOrder):
    engine = start("hanging", silence_s=0.5)
    until(lambda: engine.state.ready)
    with pytest.raises(EngineHung):
        engine.prepare(plain_order, nobody())


def test_the_death_of_an_engine_is_named(start: Start, plain_order: FilmOrder):
    with pytest.raises(EngineDied, match="SIGSEGV"):
        start("crashing").prepare(plain_order, nobody())


def test_a_dead_engine_is_replaced(start: Start, order: FilmOrder, plain_order: FilmOrder):
    engine = start("crashing")
    with pytest.raises(EngineDied):
        engine.prepare(plain_order, nobody())
    assert engine.prepare(order, nobody())["chunks"] == 2


def test_an_engine_that_dies_while_it_is_told_is_replaced(
    start: Start, order: FilmOrder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CRASH_MARK", str(tmp_path / "died"))
    engine = start("deaf")
    long_order = replace(order, request={"prompt": "a wall " * 100_000})
    with pytest.raises(EngineDied):
        engine.prepare(long_order, nobody())
    assert engine.prepare(order, nobody())["chunks"] == 2


def test_an_engine_killed_from_outside_may_have_lacked_memory(start: Start, order: FilmOrder):
    engine = start("slow")
    engine.prepare(order, nobody())
    threading.Timer(0.3, lambda: os.kill(pid_of(engine), signal.SIGKILL)).start()
    with pytest.raises(EngineDied, match="memory"):
        engine.chunk(replace(order, seed=7), FIRST, order.photo + ".mp4", nobody())


def test_a_mistake_in_an_engine_tells_no_secrets(start: Start, plain_order: FilmOrder):
    with pytest.raises(EngineFailed) as caught:
        start("failing").prepare(plain_order, nobody())
    assert str(caught.value) == "the engine failed: KeyError"


def test_a_photograph_that_is_none_is_refused(start: Start, order: FilmOrder):
    Path(order.photo).write_bytes(b"no picture")
    with pytest.raises(InputRefused) as caught:
        start("still").prepare(order, nobody())
    assert caught.value.body["detail"][0]["loc"] == ["body", "image_url"]


def test_an_engine_that_cannot_run_says_why(start: Start, order: FilmOrder):
    engine = start("unfit")
    assert engine.wait_until_loaded(20).problem == "its weights are missing"
    with pytest.raises(EngineNotReady):
        engine.prepare(order, nobody())


@pytest.mark.parametrize(
    ("kind", "error", "said"),
    [
        ("gpu_memory", GpuMemoryExhausted, "memory when 2.00 GiB more were needed"),
        ("gpu_lost", GpuLost, "an illegal memory access"),
        ("nan", NumbersBroken, "gave no finite latents"),
        ("weights", WeightsBroken, "a file of weights is damaged"),
    ],
)
def test_an_engine_at_fault_is_named_and_replaced(
    start: Start, plain_order: FilmOrder, kind: str, error: type[EngineFailed], said: str
):
    pytest.importorskip("torch", reason="the faults are those of torch")
    engine = start(kind)
    engine.prepare(plain_order, nobody())
    process = pid_of(engine)
    with pytest.raises(error, match=said):
        engine.chunk(replace(plain_order, seed=7), FIRST, plain_order.photo + ".mp4", nobody())
    assert not engine.state.loaded
    assert said in str(engine.state.trouble)
    engine.prepare(plain_order, nobody())
    until(lambda: engine.state.ready, 90)
    assert engine.state.trouble is None
    assert pid_of(engine) != process


def test_an_engine_that_is_lost_while_idle_is_started_again(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    mark = tmp_path / "lost"
    monkeypatch.setenv("CRASH_MARK", str(mark))
    engine = start("idle_loss")
    until(lambda: engine.state.ready)
    process = pid_of(engine)
    mark.touch()
    until(lambda: engine.state.trouble == "a process that shares the work was ended by SIGKILL")
    assert not engine.state.ready
    until(lambda: engine.state.ready, 90)
    assert pid_of(engine) != process
    assert engine.state.trouble is None


def test_an_engine_is_started_again_as_what_it_was(start: Start, order: FilmOrder):
    engine = start("still")
    engine.prepare(order, nobody())
    engine._kill("a test wants it")
    engine.prepare(order, nobody())
    assert psutil.Process(pid_of(engine)).cmdline()[-1] == "still"


def test_no_engine_outlives_its_worker(start: Start):
    engine = start("still")
    until(lambda: engine.state.ready)
    process = psutil.Process(pid_of(engine))
    assert engine._child is not None
    assert engine._child.stdin is not None
    engine._closing.set()
    engine._child.stdin.close()  # as the kernel does when the worker dies
    assert process.wait(2) in (0, None)


def until(holds: Callable[[], object], within_s: float = 60) -> None:
    give_up_s = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < give_up_s
        time.sleep(0.02)
