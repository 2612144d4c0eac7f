"""One attempt to deliver a webhook, against receivers of every kind."""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from lyra_zoom.database.open import migrate, open_database
from lyra_zoom.database.tables import signing_key
from lyra_zoom.jobs.deliveries import Deliveries
from lyra_zoom.jobs.durable import DurableQueue
from lyra_zoom.jobs.signing import SigningKeys
from lyra_zoom.settings import Settings
from lyra_zoom.storage.pinned import OutboundPolicy
from lyra_zoom.worker.deliver import Courier, open_courier
from tests.databases import away
from tests.internet import Canary, SmallInternet, answering, closed_port, serving, within
from tests.receivers import receiving
from tests.webhooks import owe, verify

NOW = 1_790_000_000.0
PUBLIC = "93.184.216.34"


@pytest.fixture
def engine(tmp_path: Path):
    engine = open_database(f"sqlite:///{tmp_path / 'test.sqlite'}")
    migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def deliveries(engine: sa.Engine, queue: DurableQueue) -> Deliveries:
    return Deliveries(engine, queue)


@pytest.fixture
def courier(engine: sa.Engine, deliveries: Deliveries) -> Courier:
    """Of an operator who lets webhooks go to this machine."""
    return Courier(
        deliveries=deliveries,
        keys=SigningKeys(engine),
        policy=OutboundPolicy(field_name="fal_webhook", allow_private=True),
        timeout_s=0.5,
    )


@pytest.fixture
def strict(engine: sa.Engine, queue: DurableQueue, tmp_path: Path) -> Courier:
    """Of an operator who changed nothing."""
    return open_courier(Settings(data=tmp_path), engine, queue)


def test_a_receiver_gets_the_body_and_its_signature(courier, engine, deliveries):
    with receiving() as receiver:
        body = owe(engine, f"{receiver.url}/hook?job=7")
        courier.deliver("r1", 0, NOW)
    (got,) = receiver.received
    assert (got.path, got.body) == ("/hook?job=7", body)
    assert got.headers["content-type"] == "application/json"
    assert verify(got.headers, got.body, courier.keys.jwks(NOW), NOW)
    assert deliveries.find("r1").state == "delivered"


def test_the_clock_signs_when_no_time_is_given(courier, engine):
    with receiving() as receiver:
        owe(engine, receiver.url)
        courier.deliver("r1", 0)
    (got,) = receiver.received
    assert verify(got.headers, got.body, courier.keys.jwks(time.time()), time.time())


def test_a_later_attempt_sends_the_same_body_signed_afresh(courier, engine):
    with receiving() as receiver:
        receiver.statuses["/"] = 503
        owe(engine, f"{receiver.url}/")
        courier.deliver("r1", 0, NOW)
        courier.deliver("r1", 1, NOW + 600)
    first, second = receiver.received
    assert first.body == second.body
    assert not verify(first.headers, first.body, courier.keys.jwks(NOW), NOW + 600)
    assert verify(second.headers, second.body, courier.keys.jwks(NOW), NOW + 600)


def test_deliveries_pending_while_the_key_rotates_all_verify(courier, engine):
    with receiving() as receiver:
        for number in range(4):
            owe(engine, receiver.url, f"r{number}")
        courier.deliver("r0", 0, NOW)
        courier.keys.rotate(NOW + 1)
        courier.deliver("r1", 0, NOW + 2)
        courier.deliver("r2", 0, NOW + 24 * 3600)
        courier.deliver("r3", 0, NOW + 26 * 3600)
    times = (NOW + 2, NOW + 2, NOW + 24 * 3600, NOW + 26 * 3600)
    for got, now in zip(receiver.received, times, strict=True):
        assert verify(got.headers, got.body, courier.keys.jwks(now), now)


@pytest.mark.parametrize("status", [301, 302, 307, 400, 404, 410, 429, 500, 503])
def test_any_answer_but_2xx_is_a_failure_that_is_retried(courier, engine, deliveries, status):
    with receiving() as receiver:
        receiver.statuses["/"] = status
        owe(engine, f"{receiver.url}/")
        courier.deliver("r1", 0, NOW)
    found = deliveries.find("r1")
    assert (found.state, found.attempts) == ("pending", 1)
    assert found.last_problem == f"the receiver answered {status}"


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_acknowledges(courier, engine, deliveries, status):
    with receiving() as receiver:
        receiver.statuses["/"] = status
        owe(engine, f"{receiver.url}/")
        courier.deliver("r1", 0, NOW)
    assert deliveries.find("r1").state == "delivered"


def test_a_redirect_is_not_followed(courier, engine):
    canary = Canary()
    with (
        receiving() as receiver,
        serving(
            answering(status="302 Found", location=f"http://127.0.0.1:{canary.port}/")
        ) as port,
    ):
        owe(engine, f"http://127.0.0.1:{port}/")
        courier.deliver("r1", 0, NOW)
        assert canary.heard == 0
        assert not receiver.received
    canary.close()


def hang(connection: socket.socket, _: bytes) -> None:
    time.sleep(3)


def drip(connection: socket.socket, _: bytes) -> None:
    connection.sendall(b"HTTP/1.1 500 No\r\nContent-Length: 100000\r\n\r\n")
    with contextlib.suppress(OSError):
        for _piece in range(60):
            connection.sendall(b"x")
            time.sleep(0.05)


def endless(connection: socket.socket, _: bytes) -> None:
    connection.sendall(b"HTTP/1.1 500 No\r\n\r\n")
    with contextlib.suppress(OSError):
        while True:
            connection.sendall(bytes(2**16))


def hang_up(connection: socket.socket, _: bytes) -> None:
    connection.close()


@pytest.mark.parametrize("talk", [hang, drip, endless, hang_up])
def test_a_receiver_that_misbehaves_is_a_failure_soon(courier, engine, deliveries, talk):
    with serving(talk) as port:
        owe(engine, f"http://127.0.0.1:{port}/")
        with within(2):
            courier.deliver("r1", 0, NOW)
    found = deliveries.find("r1")
    assert (found.state, found.attempts) == ("pending", 1)
    assert found.last_problem


def test_a_receiver_that_is_down_is_a_failure(courier, engine, deliveries):
    owe(engine, f"http://127.0.0.1:{closed_port()}/")
    courier.deliver("r1", 0, NOW)
    assert deliveries.find("r1").last_problem == "the server refuses the connection"


def test_an_attempt_that_was_made_is_not_made_again(courier, engine):
    with receiving() as receiver:
        owe(engine, receiver.url)
        courier.deliver("r1", 0, NOW)
        courier.deliver("r1", 0, NOW)
        courier.deliver("r1", 1, NOW)
    assert len(receiver.received) == 1


@pytest.mark.parametrize("answer", [200, 500])
def test_an_attempt_outlives_an_absence_of_the_database(courier, engine, deliveries, answer):
    with receiving() as receiver:
        receiver.statuses["/"] = answer
        owe(engine, f"{receiver.url}/")
        with away(engine, "webhook_delivery", 0.5):
            courier.deliver("r1", 0, NOW)
    assert len(receiver.received) == 1
    assert deliveries.find("r1").attempts == 1


def test_a_mistake_of_ours_costs_an_attempt_not_the_webhook(courier, engine, deliveries):
    with receiving() as receiver:
        owe(engine, receiver.url)
        courier.keys.signing(NOW)
        with engine.begin() as connection:
            connection.execute(sa.update(signing_key).values(private_key=b"damaged"))
        courier.deliver("r1", 0, NOW)
    found = deliveries.find("r1")
    assert (found.state, found.attempts) == ("pending", 1)


class TestBlockedTargets:
    """Nothing is connected to, and no second attempt is made."""

    @pytest.mark.parametrize(
        "host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "127.1"]
    )
    def test_this_machine(self, strict, engine, deliveries, host):
        canary = Canary()
        owe(engine, f"http://{host}:{canary.port}/")
        strict.deliver("r1", 0, NOW)
        assert canary.heard == 0
        canary.close()
        found = deliveries.find("r1")
        assert (found.state, found.attempts) == ("failed", 1)
        assert "http and https" in found.last_problem

    @pytest.mark.parametrize(
        "url",
        ["http://10.0.0.1/", "http://169.254.169.254/", "file:///etc/passwd", "nonsense",
         "http://[broken", "ftp://there.example/", "http://ann:secret@there.example/"],
    )  # fmt: skip
    def test_other_addresses(self, strict, engine, deliveries, url):
        owe(engine, url)
        strict.deliver("r1", 0, NOW)
        assert deliveries.find("r1").state == "failed"

    def test_a_name_that_leads_to_this_machine(self, strict, engine, deliveries):
        internet, canary = SmallInternet(), Canary()
        internet.names["there.example"] = ["127.0.0.1"]
        policy = OutboundPolicy(field_name="fal_webhook", network=internet.network)
        courier = Courier(deliveries=deliveries, keys=strict.keys, policy=policy)
        owe(engine, f"http://there.example:{canary.port}/")
        courier.deliver("r1", 0, NOW)
        assert (canary.heard, internet.dialled) == (0, [])
        canary.close()
        assert deliveries.find("r1").state == "failed"

    def test_metadata_stays_blocked_when_private_targets_are_allowed(
        self, courier, engine, deliveries
    ):
        owe(engine, "http://169.254.169.254/latest/")
        courier.deliver("r1", 0, NOW)
        assert deliveries.find("r1").state == "failed"


def test_a_public_receiver_is_reached_without_the_switch(engine, deliveries, strict):
    internet = SmallInternet()
    internet.names["there.example"] = [PUBLIC]
    policy = OutboundPolicy(field_name="fal_webhook", network=internet.network)
    courier = Courier(deliveries=deliveries, keys=strict.keys, policy=policy)
    with serving(answering(status="200 OK")) as port:
        internet.routes[PUBLIC] = port
        owe(engine, "http://there.example/hook")
        courier.deliver("r1", 0, NOW)
    assert deliveries.find("r1").state == "delivered"


def test_the_operator_lets_webhooks_go_to_private_targets(engine, queue, tmp_path):
    settings = Settings(data=tmp_path, allow_private_webhooks=True)
    courier = open_courier(settings, engine, queue)
    with receiving() as receiver:
        body = owe(engine, receiver.url)
        courier.deliver("r1", 0, NOW)
    assert json.loads(receiver.received[0].body) == json.loads(body)


def test_the_log_says_no_secret_of_the_address(courier, engine, caplog):
    caplog.set_level(logging.DEBUG, logger="lyra_zoom")
    with receiving() as receiver:
        receiver.statuses["/hook?token=secret"] = 500
        owe(engine, f"{receiver.url}/hook?token=secret")
        courier.deliver("r1", 0, NOW)
    assert "request_id=r1" in caplog.text
    assert "secret" not in caplog.text
