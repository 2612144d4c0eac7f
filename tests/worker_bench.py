"""A worker's hands on a fresh data folder, for tests of one request's story."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lyra_zoom.database.open import migrate, open_database
from lyra_zoom.jobs.durable import DurableQueue
from lyra_zoom.jobs.events import Events
from lyra_zoom.jobs.job import Job, Submission
from lyra_zoom.jobs.requests import Requests
from lyra_zoom.settings import Settings
from lyra_zoom.storage.files import Files
from lyra_zoom.storage.objects import open_objects
from lyra_zoom.storage.pinned import OutboundPolicy
from lyra_zoom.worker.engine_process import EngineProcess
from lyra_zoom.worker.zoom_steps import WORK, Hands
from lyra_zoom.worker.zoom_workflow import ZoomWorkflow
from tests.engine_children import command
from tests.pictures import encoded, landscape

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


def benches(tmp_path: Path) -> Iterator[OpenBench]:
    """Opens benches on one folder; all are closed at the end."""
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
