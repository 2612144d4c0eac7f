"""A receiver that was down gets its webhook later, although the server was killed meanwhile."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from lyra_zoom.jobs.deliveries import Deliveries
from lyra_zoom.jobs.durable import DurableQueue
from lyra_zoom.jobs.signing import SigningKeys
from tests.docs.blocks import ROOT
from tests.internet import closed_port
from tests.receivers import receiving, until
from tests.webhooks import owe, verify

pytestmark = pytest.mark.slow


@pytest.fixture
def deliveries(engine: sa.Engine, queue: DurableQueue) -> Deliveries:
    return Deliveries(engine, queue)


@contextlib.contextmanager
def a_worker(database_url: str) -> Iterator[subprocess.Popen[bytes]]:
    command = (sys.executable, "-m", "tests.delivery_worker", database_url)
    with subprocess.Popen(command, stdin=subprocess.PIPE, cwd=ROOT) as worker:
        try:
            yield worker
        finally:
            worker.kill()


def test_a_receiver_that_was_down_gets_it_once_it_is_up(
    database_url, engine, queue, deliveries
):
    port = closed_port()
    body = owe(engine, f"http://127.0.0.1:{port}/hook", queue=queue)
    with a_worker(database_url):
        until(lambda: deliveries.find("r1").attempts == 1)
    failed_at = deliveries.find("r1").last_attempt_at
    with receiving(port=port) as receiver, a_worker(database_url):
        until(lambda: deliveries.find("r1").state == "delivered", seconds=40)
        time.sleep(1)
    (got,) = receiver.received
    assert got.body == body
    assert int(got.headers["x-fal-webhook-timestamp"]) >= int(failed_at) + 14
    assert verify(got.headers, got.body, SigningKeys(engine).jwks(got.at), got.at)


def test_a_worker_killed_while_it_sends_does_not_lose_the_webhook(
    database_url, engine, queue, deliveries
):
    with receiving() as receiver:
        receiver.pause_s["/hook"] = 3
        body = owe(engine, f"{receiver.url}/hook", queue=queue)
        with a_worker(database_url):
            until(lambda: receiver.received)
        assert deliveries.find("r1").state == "pending"
        receiver.pause_s.clear()
        with a_worker(database_url):
            until(lambda: deliveries.find("r1").state == "delivered")
    assert [got.body for got in receiver.received] == [body, body]


def test_a_host_that_hangs_does_not_delay_the_others(database_url, engine, queue, deliveries):
    with receiving("127.0.0.1") as dead, receiving("127.0.0.2") as healthy:
        dead.pause_s["/hook"] = 60
        for number in range(100):
            owe(engine, f"{dead.url}/hook", f"dead-{number}", queue)
        for number in range(10):
            owe(engine, f"{healthy.url}/hook", f"healthy-{number}", queue)
        with a_worker(database_url):
            until(lambda: len(healthy.received) == 10, seconds=12)
            assert len(dead.received) == 2
