"""The story of one request, told by a worker: how it ends well, and how it ends otherwise."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from lyra_zoom.contract.storage import Lifecycle
from lyra_zoom.pipeline.metadata import inspect_film
from lyra_zoom.storage.files import NewFile
from lyra_zoom.worker.zoom_steps import WORK
from lyra_zoom.worker.zoom_workflow import ZoomWorkflow
from tests.databases import away
from tests.pictures import encoded, landscape
from tests.receivers import until
from tests.worker_bench import (
    BASE_URL,
    KeptSteps,
    OpenBench,
    answer,
)

pytestmark = pytest.mark.slow


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
    worker.join()
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
