"""A GPU that fails costs the request in hand; the others are made once it is well again."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest

from lyra_zoom.contract.zoom import ENDPOINT_ID
from lyra_zoom.database.open import migrate, open_database
from lyra_zoom.jobs.durable import DurableQueue
from lyra_zoom.jobs.events import Events
from lyra_zoom.jobs.job import Job, Submission
from lyra_zoom.jobs.leases import Leases
from lyra_zoom.jobs.requests import Requests
from lyra_zoom.settings import Settings
from tests.official_clients import ZOOM
from tests.pictures import encoded
from tests.receivers import until

pytestmark = pytest.mark.slow

WITHIN_S = 90


class Place:
    """A data folder, one worker on it, and a file whose presence is the loss of its GPU."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.lost = data / "lost"
        self._database = open_database(Settings(data=data).database)
        migrate(self._database)
        queue = DurableQueue(self._database)
        queue.migrate()
        self.requests = Requests(self._database, queue)
        self.leases = Leases(self._database)
        self.events = Events(self._database)

    @contextmanager
    def worker(self, engine: str) -> Iterator[psutil.Process]:
        environment = {"LYRA_ZOOM_DATA": str(self.data), "LOST_MARK": str(self.lost)}
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.slow_worker", "one", engine],
            env=os.environ | environment,
        )
        try:
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait(20)

    def accept(self, **fields: object) -> Job:
        body = httpx.Request("POST", "http://x", json={**ZOOM, **fields})
        submission = Submission(
            key_id="ann", endpoint=ENDPOINT_ID, body=body.content, base_url="http://here"
        )
        return self.requests.accept(submission, time.time())

    def load(self, job: Job) -> Job:
        found = self.requests.load(job.request_id)
        assert found is not None
        return found

    def problem(self) -> str | None:
        (lease,) = self.leases.live(time.time())
        return lease.problem

    def close(self) -> None:
        self._database.dispose()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.close()


def test_a_lost_engine_costs_the_request_in_hand_alone(place: Place):
    with place.worker("losable") as worker:
        first, second = place.accept(num_frames=481), place.accept(num_frames=81)
        until(lambda: any("%" in e.message for e in place.events.since(first.request_id)), 60)
        place.lost.touch()
        worker.children()[0].kill()
        until(lambda: place.load(first).outcome, WITHIN_S)
        assert place.load(first).error_type == "runner_scheduling_failure"
        until(lambda: place.problem() == "its GPU is gone", WITHIN_S)
        time.sleep(3)
        assert place.load(second).attempts == 0, "nobody can work on it: it waits"
        place.lost.unlink()
        until(lambda: place.load(second).outcome, WITHIN_S)
        assert place.load(second).outcome == "succeeded"
        assert place.problem() is None


def test_while_an_engine_recovers_from_a_fault_its_worker_says_why(place: Place):
    pytest.importorskip("torch", reason="the fault is one of torch")
    plain = encoded(np.full((200, 320, 3), 90, np.uint8), "PNG")
    unbearable = "data:image/png;base64," + base64.b64encode(plain).decode()
    with place.worker("gpu_memory"):
        first = place.accept(num_frames=81, image_url=unbearable)
        second = place.accept(num_frames=81)
        until(lambda: place.load(first).outcome, WITHIN_S)
        assert place.load(first).error == "The GPU has too little memory for this video."
        until(lambda: "memory" in (place.problem() or ""), 10)
        until(lambda: place.load(second).outcome, WITHIN_S)
        assert place.load(second).outcome == "succeeded"
        until(lambda: place.problem() is None, WITHIN_S)
