"""The story of one request, told by a worker: how it ends well, and how it ends otherwise."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lyra_zoom.contract.storage import Lifecycle
from lyra_zoom.database.open import migrate, open_database
from lyra_zoom.jobs.durable import DurableQueue
from lyra_zoom.jobs.events import Events
from lyra_zoom.jobs.job import Job, Submission
from lyra_zoom.jobs.requests import Requests
from lyra_zoom.pipeline.metadata import inspect_film
from lyra_zoom.settings import Settings
from lyra_zoom.storage.files import Files, NewFile
from lyra_zoom.storage.objects import open_objects
from lyra_zoom.storage.pinned import OutboundPolicy
from lyra_zoom.worker.engine_process import EngineProcess
from lyra_zoom.worker.zoom_steps import WORK, Hands
from lyra_zoom.worker.zoom_workflow import ZoomWorkflow
from tests.databases import away
from tests.engine_children import command
from tests.pictures import encoded, landscape
from tests.receivers import until

pytestmark = pytest.mark.slow

BASE_URL = "http://here"


def as_data_uri(pixels: np.ndarray) -> str:
    return "data:image/png;base64," + base64.b64encode(encoded(pixels, "PNG")).decode()


PHOTOGRAPH = as_data_uri(landscape())
UNBEARABLE = as_data_uri(np.full((200, 320, 3), 90, np.uint8))
"""What the bad engines of `tests.engine_children` die of."""


class WorkerKilled(BaseException):
    """Stands for the end of the process: nothing of ours catches it."""


class KeptSteps:
    """Keeps what steps return, as JSON, as the queue engine does; may kill the worker."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.ran: list[str] = []
        self.kill_after: str | None = None

    def __call__(self, name: str, function: Callable[..., Any], *args: Any) -> Any:
        if name not in self.kept:
            self.ran.append(name)
            self.kept[name] = json.dumps(function(*args))
            if name == self.kill_after:
                raise WorkerKilled
        return json.loads(self.kept[name])


class Bench:
    """A worker's hands on a fresh data folder, and what a client would do."""

    def __init__(self, data: Path, engine: EngineProcess) -> None:
        database = open_database(Settings(data=data).database)
        migrate(database)
        queue = DurableQueue(database)
        queue.migrate()
        objects = open_objects(Settings(data=data))
        self.database = database
        self.hands = Hands(
            requests=Requests(database, queue),
            events=Events(database),
            files=Files(database, objects, keep_s=3600),
            objects=objects,
            engine=engine,
            scratch=data / "scratch",
            policy=OutboundPolicy(),
        )

    def accept(self, image_url: str = PHOTOGRAPH, **given: Any) -> Job:
        options = {
            name: given.pop(name) for name in ("max_attempts", "lifecycle") if name in given
        }
        body = {"image_url": image_url, "prompt": "a secret wall", **given}
        submission = Submission(
            key_id="ann", endpoint="e", body=json.dumps(body).encode(), base_url=BASE_URL
        )
        return self.hands.requests.accept(replace(submission, **options), time.time())

    def run(self, job: Job, steps: KeptSteps | None = None) -> Job:
        ZoomWorkflow(self.hands).run(job.request_id, steps or KeptSteps())
        return self.load(job)

    def load(self, job: Job) -> Job:
        found = self.hands.requests.load(job.request_id)
        assert found is not None
        return found

    def lines(self, job: Job) -> list[str]:
        return [event.message for event in self.hands.events.since(job.request_id)]

    def left_over(self) -> list[str]:
        work = [facts.key for facts in self.hands.objects.list(WORK)]
        return work + [str(path) for path in self.hands.scratch.rglob("*")]


OpenBench = Callable[..., Bench]


@pytest.fixture
def open_bench(tmp_path: Path) -> Iterator[OpenBench]:
    opened: list[Bench] = []

    def open_bench(kind: str, **options: float) -> Bench:
        engine = EngineProcess(command(kind), **options)
        engine.start()
        opened.append(Bench(tmp_path, engine))
        return opened[-1]

    yield open_bench
    for bench in opened:
        bench.hands.engine.close()
        bench.database.dispose()


def answer(job: Job) -> Any:
    return json.loads(job.answer or "null")


def test_a_request_becomes_a_video(open_bench: OpenBench, tmp_path: Path):
    bench = open_bench("still")
    job = bench.run(bench.accept(seed=7))
    assert (job.outcome, job.answer_status) == ("succeeded", 200)
    video = answer(job)["video"]
    assert (answer(job)["seed"], len(video)) == (7, 9)
    (tmp_path / "got.mp4").write_bytes(
        bench.hands.files.read_own(video["url"], BASE_URL, time.time()) or b""
    )
    film = inspect_film(tmp_path / "got.mp4")
    assert (film.num_frames, video["num_frames"], video["duration"]) == (81, 81, 81 / 16)
    assert video["file_size"] == (tmp_path / "got.mp4").stat().st_size


def test_a_finished_request_leaves_nothing_but_its_video(open_bench: OpenBench):
    bench = open_bench("still")
    bench.run(bench.accept())
    assert bench.left_over() == []


def test_a_client_reads_how_far_the_work_is(open_bench: OpenBench):
    bench = open_bench("slow")
    job = bench.run(bench.accept())
    shares = [int(line.partition("%")[0]) for line in bench.lines(job) if "%" in line]
    assert shares == sorted(shares)
    assert len(shares) > 3
    assert not any("secret" in line for line in bench.lines(job)), "prompts are never logged"


def test_the_video_lives_as_long_as_its_owner_said(open_bench: OpenBench):
    bench = open_bench("still")
    lifecycle = Lifecycle(expiration_duration_seconds=60).model_dump_json(exclude_unset=True)
    job = bench.run(bench.accept(lifecycle=lifecycle))
    url = answer(job)["video"]["url"]
    file = bench.hands.files.find(url.split("/")[-2], time.time())
    assert file is not None
    assert file.expires_at is not None
    assert file.expires_at - file.created_at == 60


def test_our_own_file_needs_no_connection(open_bench: OpenBench):
    bench = open_bench("still")
    photo = NewFile(key_id="ann", file_name="a.png")
    file = bench.hands.files.keep(encoded(landscape(), "PNG"), photo, time.time())
    job = bench.run(bench.accept(bench.hands.files.url_of(file, "http://127.0.0.1:9")))
    assert job.outcome == "succeeded"


def test_a_damaged_file_of_ours_is_named_as_the_reason(open_bench: OpenBench):
    bench = open_bench("still")
    photo = NewFile(key_id="ann", file_name="a.png")
    file = bench.hands.files.keep(encoded(landscape(), "PNG"), photo, time.time())
    bench.hands.objects.delete(file.object_key)
    job = bench.run(bench.accept(bench.hands.files.url_of(file, BASE_URL)))
    assert job.error == "The stored photograph is damaged: upload it again."


def test_our_own_file_is_waited_for_while_the_database_is_away(open_bench: OpenBench):
    bench = open_bench("still")
    photo = NewFile(key_id="ann", file_name="a.png")
    file = bench.hands.files.keep(encoded(landscape(), "PNG"), photo, time.time())
    job = bench.accept(bench.hands.files.url_of(file, BASE_URL))
    with away(bench.database, "stored_file", 0.5):
        ended = bench.run(job)
    assert ended.outcome == "succeeded"


def test_a_worker_that_stops_begins_nothing_more(open_bench: OpenBench):
    bench = open_bench("still")
    job = bench.accept(max_attempts=1)
    bench.hands.stopping.set()
    threading.Thread(target=bench.run, args=(job,), daemon=True).start()
    time.sleep(0.5)
    assert bench.load(job).attempts == 0, "another worker has all of them"


def test_the_run_of_a_worker_that_stops_does_not_count(open_bench: OpenBench):
    bench = open_bench("slow")
    job = bench.accept(num_frames=481, max_attempts=1)
    workflow = ZoomWorkflow(bench.hands)
    threading.Thread(
        target=workflow.run, args=(job.request_id, KeptSteps()), daemon=True
    ).start()
    until(lambda: any("%" in line for line in bench.lines(job)))
    bench.hands.stopping.set()
    workflow.hand_back()
    workflow.hand_back()
    assert bench.load(job).attempts == 0
    assert bench.load(job).started_at is not None


@pytest.mark.parametrize(
    ("given", "field_name", "kind"),
    [
        ({"num_frames": 80}, "num_frames", "literal_error"),
        ({"image_url": "http://127.0.0.1:9/a.png"}, "image_url", "file_download_error"),
        ({"image_url": "data:image/png;base64,aGVsbG8="}, "image_url", "image_load_error"),
    ],
)
def test_what_cannot_be_used_is_answered_by_422(
    open_bench: OpenBench, given: dict[str, Any], field_name: str, kind: str
):
    bench = open_bench("still")
    job = bench.run(bench.accept(**given))
    (problem,) = answer(job)["detail"]
    assert (job.outcome, job.answer_status) == ("failed", 422)
    assert (problem["loc"], problem["type"]) == (["body", field_name], kind)
    assert bench.left_over() == []


def test_a_cancelled_request_stops_and_keeps_no_file(open_bench: OpenBench):
    bench = open_bench("slow")
    job = bench.accept(num_frames=481)
    worker = threading.Thread(target=bench.run, args=(job,))
    worker.start()
    until(lambda: any("%" in line for line in bench.lines(job)))
    bench.hands.requests.cancel(job.request_id, "ann", time.time())
    began = time.monotonic()
    worker.join()
    assert time.monotonic() - began < 3
    assert bench.load(job).outcome == "cancelled"
    assert bench.left_over() == []
    assert list(bench.hands.objects.list("files")) == []


def test_a_request_that_is_over_is_not_begun(open_bench: OpenBench):
    bench, steps = open_bench("still"), KeptSteps()
    job = bench.accept()
    bench.hands.requests.cancel(job.request_id, "ann", time.time())
    bench.run(job, steps)
    assert steps.ran == []


def test_what_a_killed_worker_left_of_a_request_that_is_over_is_removed(open_bench: OpenBench):
    bench = open_bench("still")
    job = bench.accept()
    bench.hands.objects.put_bytes(f"{WORK}/{job.request_id}/half-done", b"a photograph")
    bench.hands.requests.cancel(job.request_id, "ann", time.time())
    bench.run(job)
    assert bench.left_over() == []


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
    assert "another worker goes on: attempt 2" in other.lines(job)


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
