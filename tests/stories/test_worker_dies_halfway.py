"""A worker that dies in the middle of a video costs a chunk at most, never the request."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import sqlalchemy as sa

from lyra_zoom.contract.zoom import ENDPOINT_ID
from lyra_zoom.database.open import migrate, open_database
from lyra_zoom.jobs.durable import DurableQueue
from lyra_zoom.jobs.job import Job, Submission
from lyra_zoom.jobs.leases import Leases
from lyra_zoom.jobs.requests import Requests
from lyra_zoom.settings import Settings
from tests.official_clients import ZOOM
from tests.service import KEY, Part, Service

pytestmark = pytest.mark.slow

WITHIN_S = 120.0


class Client:
    """What a program does with raw HTTP."""

    def __init__(self, service: Service) -> None:
        self._http = httpx.Client(
            base_url=f"{service.url}/queue/fal-ai/lyra-2",
            headers={"Authorization": f"Key {KEY}"},
            timeout=30,
        )

    def submit(self, **fields: object) -> str:
        answer = self._http.post("/zoom", json={**ZOOM, **fields})
        request_id: str = answer.json()["request_id"]
        return request_id

    def status(self, request_id: str) -> dict[str, Any]:
        answer = self._http.get(f"/requests/{request_id}/status", params={"logs": 1})
        found: dict[str, Any] = answer.json()
        return found

    def lines(self, request_id: str) -> list[str]:
        return [line["message"] for line in self.status(request_id).get("logs") or ()]

    def result(self, request_id: str) -> httpx.Response:
        seconds_until(lambda: self.status(request_id)["status"] == "COMPLETED")
        return self._http.get(f"/requests/{request_id}")

    def close(self) -> None:
        self._http.close()

    def cancel(self, request_id: str) -> None:
        self._http.put(f"/requests/{request_id}/cancel").raise_for_status()


@pytest.fixture
def client(service: Service) -> Iterator[Client]:
    client = Client(service)
    yield client
    client.close()


def seconds_until(holds: Callable[[], object]) -> float:
    """How long it takes until something holds."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < WITHIN_S
        time.sleep(0.03)
    return time.monotonic() - began


def drawing(lines: list[str]) -> bool:
    return any("drawing" in line for line in lines)


def test_a_killed_worker_is_followed_by_another(service: Service, client: Client):
    request_id = client.submit(num_frames=161)
    seconds_until(lambda: drawing(client.lines(request_id)))
    before = len(client.lines(request_id))
    assert service.kill(Part.WORKER)
    again_s = seconds_until(lambda: drawing(client.lines(request_id)[before + 2 :]))
    print(f"frames were drawn again {again_s:.2f} s after the worker's death")
    assert client.status(request_id)["status"] == "IN_PROGRESS", "a status never goes back"
    answer = client.result(request_id)
    assert answer.status_code == 200
    assert answer.json()["video"]["num_frames"] == 161
    lines = client.lines(request_id)
    assert "goes on after an interruption: attempt 2" in lines
    said = [int(line.split("%")[0]) for line in lines if re.match(r"\d+% ", line)]
    assert said == sorted(said), "a percentage never goes back"


def test_a_killed_engine_is_replaced(service: Service, client: Client):
    request_id = client.submit()
    seconds_until(lambda: drawing(client.lines(request_id)))
    assert service.kill(Part.ENGINE)
    assert client.result(request_id).status_code == 200


def test_a_cancel_frees_the_worker(client: Client):
    first, second = client.submit(num_frames=481), client.submit()
    seconds_until(lambda: drawing(client.lines(first)))
    client.cancel(first)
    free_s = seconds_until(lambda: client.status(second)["status"] != "IN_QUEUE")
    print(f"the next request began {free_s:.2f} s after the cancel")
    assert client.result(first).status_code == 499
    assert client.result(second).status_code == 200


def test_an_idle_worker_takes_up_a_request_at_once(client: Client):
    client.result(client.submit())
    request_id = client.submit()
    taken_up_s = seconds_until(lambda: client.status(request_id)["status"] != "IN_QUEUE")
    print(f"taken up after {taken_up_s:.2f} s")
    assert client.result(request_id).status_code == 200


# Workers alone, as on many machines: nobody starts them again.


class Fleet:
    """A database and workers on it."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self._engine = open_database(Settings(data=data).database)
        migrate(self._engine)
        queue = DurableQueue(self._engine)
        queue.migrate()
        self.requests = Requests(self._engine, queue)
        self.leases = Leases(self._engine)

    def close(self) -> None:
        self._engine.dispose()

    def accept(self, num_frames: int) -> Job:
        body = httpx.Request(
            "POST", "http://x", json={**ZOOM, "num_frames": num_frames}
        ).content
        submission = Submission(
            key_id="ann", endpoint=ENDPOINT_ID, body=body, base_url="http://here"
        )
        return self.requests.accept(submission, time.time())

    def load(self, job: Job) -> Job:
        found = self.requests.load(job.request_id)
        assert found is not None
        return found

    def lines(self, job: Job) -> list[str]:
        query = sa.text(
            "SELECT message FROM request_event WHERE request_id = :id ORDER BY number"
        )
        with self._engine.connect() as connection:
            return list(connection.execute(query, {"id": job.request_id}).scalars())

    @contextmanager
    def worker(self, name: str) -> Iterator[subprocess.Popen[bytes]]:
        process = subprocess.Popen(
            [sys.executable, "-m", "lyra_zoom", "work", "--executor-id", name],
            env=os.environ | {"LYRA_ZOOM_DATA": str(self.data)},
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(20)


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    fleet = Fleet(tmp_path)
    yield fleet
    fleet.close()


def test_a_worker_takes_over_from_one_that_fell_silent(fleet: Fleet):
    with fleet.worker("first") as first:
        job = fleet.accept(num_frames=161)
        seconds_until(lambda: drawing(fleet.lines(job)))
        first.kill()
    assert fleet.load(job).outcome is None, "the worker died in the middle"
    with fleet.worker("second"):
        seconds_until(lambda: "second" in fleet.leases.beats())
        over_s = seconds_until(lambda: fleet.load(job).attempts == 2)
        print(f"taken over {over_s:.2f} s after the second worker's first sign of life")
        seconds_until(lambda: fleet.load(job).outcome)
    assert fleet.load(job).outcome == "succeeded"


def test_a_worker_told_to_stop_leaves_its_request_to_the_next(fleet: Fleet):
    with fleet.worker("one") as worker:
        job = fleet.accept(num_frames=161)
        seconds_until(lambda: drawing(fleet.lines(job)))
        engine = psutil.Process(worker.pid).children()[0]
        began = time.monotonic()
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(10) == 0
        print(f"it stopped within {time.monotonic() - began:.2f} s")
        assert not engine.is_running()
    assert fleet.load(job).outcome is None
    with fleet.worker("one"):
        seconds_until(lambda: fleet.load(job).outcome)
    ended = fleet.load(job)
    assert (ended.outcome, ended.attempts) == ("succeeded", 1), (
        "stopping is not a failed attempt"
    )
