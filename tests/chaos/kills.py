"""Kills parts of a busy server at random instants: `python -m tests.chaos.kills --kills 1000`.

At least twenty requests are in flight all the time. Whatever dies, every acknowledged request
gets exactly one answer, statuses never go back, videos are whole, webhooks have one body, and
nothing is left behind.
"""

from __future__ import annotations

import argparse
import base64
import random
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import sqlalchemy as sa

from lyra_zoom.database.open import open_database
from lyra_zoom.database.tables import worker_lease
from lyra_zoom.settings import Settings
from tests.chaos.ledger import Ledger, Receiver
from tests.pictures import encoded, landscape
from tests.service import KEY, Part, Service

IN_FLIGHT = 20
MEAN_GAP_S = 5.0
"""Between two kills; a video takes about three seconds, and starting its engine one or two."""

WEIGHTS = {Part.API: 4, Part.WORKER: 3, Part.ENGINE: 2, Part.EVERYTHING: 1}
DRAIN_WITHIN_S = 900.0
PHOTOGRAPH = "data:image/jpeg;base64," + base64.b64encode(encoded(landscape(), "JPEG")).decode()
HEADERS = {"Authorization": f"Key {KEY}"}


@dataclass(slots=True)
class Report:
    """What a run did and found."""

    kills: Counter[str] = field(default_factory=Counter)
    acknowledged: int = 0
    answers: dict[int, int] = field(default_factory=dict)
    restart_s: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        restarts = f"{statistics.median(self.restart_s):.2f} s" if self.restart_s else "none"
        return (
            f"{sum(self.kills.values())} kills {dict(self.kills)}, "
            f"{self.acknowledged} requests acknowledged, answers by status {self.answers}, "
            f"median restart of everything {restarts}"
        )


class Clients:
    """Threads that submit and watch, through every outage."""

    def __init__(self, service: Service, ledger: Ledger, webhook_url: str) -> None:
        self._service, self._ledger, self._webhook_url = service, ledger, webhook_url
        self._submitting, self._watching = threading.Event(), threading.Event()
        self._submitting.set()
        self._watching.set()
        self._threads = [
            threading.Thread(target=self._submit),
            threading.Thread(target=self._watch),
        ]
        for thread in self._threads:
            thread.start()

    def stop_submitting(self) -> None:
        """Only watch what is in flight."""
        self._submitting.clear()
        self._threads[0].join()

    def stop(self) -> None:
        """Watch no longer."""
        self._submitting.clear()
        self._watching.clear()
        for thread in self._threads:
            thread.join()

    def _submit(self) -> None:
        body = {"image_url": PHOTOGRAPH, "prompt": "a wall", "zoom_in_strength": 0.1}
        with httpx.Client(headers=HEADERS, timeout=10) as client:
            while self._submitting.is_set():
                if len(self._ledger.open()) >= IN_FLIGHT:
                    time.sleep(0.05)
                    continue
                try:
                    answer = client.post(
                        f"{self._service.url}/queue/fal-ai/lyra-2/zoom",
                        params={"fal_webhook": self._webhook_url},
                        json=body,
                    )
                except httpx.TransportError:
                    time.sleep(0.1)
                    continue
                if answer.status_code == 200:
                    self._ledger.acknowledge(answer.json())

    def _watch(self) -> None:
        with httpx.Client(headers=HEADERS, timeout=10) as client:
            while self._watching.is_set():
                for entry in self._ledger.open():
                    try:
                        self._ledger.look(entry, client)
                    except httpx.TransportError:
                        time.sleep(0.05)
                    except AssertionError:
                        return  # noted in the ledger
                time.sleep(0.1)


def run(kills: int, seed: int, folder: Path, gap_s: float = MEAN_GAP_S) -> Report:
    """Kill so often, `gap_s` apart on average; a broken promise raises `AssertionError`."""
    chance, report, ledger = random.Random(seed), Report(), Ledger()
    service, receiver = Service(folder / "data"), Receiver(ledger)
    service.start()
    clients = Clients(service, ledger, receiver.url)
    try:
        while sum(report.kills.values()) < kills and not ledger.broken:
            time.sleep(chance.expovariate(1 / gap_s))
            part = chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
            if service.kill(part):
                report.kills[part.value] += 1
                _say_sometimes(report, ledger)
            if part is Part.EVERYTHING:
                report.restart_s.append(service.start())
        clients.stop_submitting()
        _wait_until(lambda: not ledger.open() or bool(ledger.broken), "answers")
        _wait_until(lambda: not ledger.without_webhook(), "webhooks")
        with httpx.Client(headers=HEADERS) as client:
            ledger.look_again(client)
    finally:
        clients.stop()
        status = service.stop()
        receiver.close()
    assert not ledger.broken, ledger.broken
    assert status == 0, f"serve ended with {status}"
    assert all(len(entry.webhook_bodies) == 1 for entry in ledger.entries.values())
    _assert_nothing_left(service.data)
    report.acknowledged, report.answers = len(ledger.entries), ledger.outcomes()
    return report


def _say_sometimes(report: Report, ledger: Ledger) -> None:
    kills = sum(report.kills.values())
    if kills % 25 == 0:
        print(
            f"{kills} kills, answers by status {ledger.outcomes()}", file=sys.stderr, flush=True
        )


def _wait_until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DRAIN_WITHIN_S
    while not holds():
        assert time.monotonic() < deadline, f"still waiting for {what}"
        time.sleep(0.2)


def _assert_nothing_left(data: Path) -> None:
    """No scratch, no half files, no objects of requests that are over, no leases."""
    scratch = [str(path) for path in (data / "scratch").rglob("*") if path.is_file()]
    work = [str(path) for path in (data / "objects" / "work").rglob("*") if path.is_file()]
    half = [str(path) for path in data.rglob("*") if path.suffix in (".part", ".tmp")]
    assert not scratch + work + half, f"left behind: {scratch + work + half}"
    engine = open_database(Settings(data=data).database)
    with engine.connect() as connection:
        leases = connection.execute(sa.select(worker_lease.c.executor_id)).scalars().all()
    engine.dispose()
    assert not leases, f"leases left: {leases}"


def main() -> None:
    """The command line of this test."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--gap", type=float, default=MEAN_GAP_S, help="seconds between two kills"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(run(arguments.kills, arguments.seed, Path(folder), arguments.gap))


if __name__ == "__main__":
    main()
