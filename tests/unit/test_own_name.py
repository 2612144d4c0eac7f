"""Every worker has a name of its own, on however many machines."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import sqlalchemy as sa

from lyra_zoom.errors import SettingRejected
from lyra_zoom.jobs.leases import Lease, Leases
from lyra_zoom.worker.own_name import refuse_taken_name

ELSEWHERE = Lease(
    executor_id="gpu-1",
    host="another-machine",
    pid=7,
    engine="embedded",
    ready=True,
    version="1",
    started_at=0.0,
)


@contextmanager
def beating(leases: Leases, lease: Lease) -> Iterator[None]:
    stopped = threading.Event()

    def beat() -> None:
        while not stopped.wait(0.1):
            leases.beat(lease, time.time())

    leases.beat(lease, time.time())
    thread = threading.Thread(target=beat)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def test_a_name_that_lives_on_another_machine_is_refused(engine: sa.Engine):
    leases = Leases(engine)
    with (
        beating(leases, ELSEWHERE),
        pytest.raises(SettingRejected, match="another-machine is called gpu-1"),
    ):
        refuse_taken_name(leases, "gpu-1")


def test_a_name_that_died_on_another_machine_is_free(engine: sa.Engine):
    leases = Leases(engine)
    leases.beat(ELSEWHERE, time.time())
    refuse_taken_name(leases, "gpu-1", watched_s=0.6)


def test_another_name_is_free(engine: sa.Engine):
    leases = Leases(engine)
    with beating(leases, replace(ELSEWHERE, executor_id="gpu-2")):
        refuse_taken_name(leases, "gpu-1")
