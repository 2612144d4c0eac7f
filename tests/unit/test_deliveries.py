"""What is owed to receivers, and the schedule of attempts."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from lyra_zoom.jobs.deliveries import (
    RETRY_DELAYS_S,
    Deliveries,
    DeliveryState,
    receiving_host,
)
from lyra_zoom.jobs.durable import DurableQueue
from tests.webhooks import owe

NOW = 1_790_000_000.0
URL = "https://there.example/hook?secret=1"


@pytest.fixture
def deliveries(engine: sa.Engine, queue: DurableQueue) -> Deliveries:
    owe(engine, URL, queue=queue)
    return Deliveries(engine, queue)


def queued(engine: sa.Engine) -> list[tuple[str, float | None]]:
    """Attempts in the queue engine, with the seconds each waits before its turn."""
    column = "delay_until_epoch_ms - created_at"
    table = "workflow_status" if engine.dialect.name == "sqlite" else "dbos.workflow_status"
    with engine.connect() as connection:
        rows = connection.execute(
            sa.text(f"SELECT workflow_uuid, {column} FROM {table} ORDER BY created_at, 1")
        )
        return [(row[0], None if row[1] is None else row[1] / 1000) for row in rows]


def fail_all(deliveries: Deliveries) -> None:
    for attempt in range(len(RETRY_DELAYS_S) + 1):
        assert deliveries.fail("r1", attempt, "the receiver answered 500", NOW + attempt)


def test_there_are_ten_retries_within_two_hours():
    assert len(RETRY_DELAYS_S) == 10
    assert 1.8 * 3600 < sum(RETRY_DELAYS_S) <= 2 * 3600


def test_a_taken_delivery_is_over(deliveries):
    assert deliveries.acknowledge("r1", 0, NOW)
    found = deliveries.find("r1")
    assert (found.state, found.attempts, found.delivered_at) == ("delivered", 1, NOW)
    assert deliveries.due("r1", 1) is None


def test_a_failed_attempt_is_followed_by_the_next(deliveries, engine):
    assert deliveries.fail("r1", 0, "the receiver answered 500", NOW)
    found = deliveries.find("r1")
    assert (found.state, found.attempts, found.last_attempt_at) == ("pending", 1, NOW)
    assert found.last_problem == "the receiver answered 500"
    assert [name for name, _ in queued(engine)] == ["webhook-r1-0", "webhook-r1-1"]
    assert queued(engine)[1][1] == pytest.approx(15, abs=1)


def test_an_attempt_is_recorded_once(deliveries, engine):
    assert deliveries.fail("r1", 0, "no", NOW)
    assert not deliveries.fail("r1", 0, "no", NOW)
    assert not deliveries.acknowledge("r1", 0, NOW)
    assert len(queued(engine)) == 2


def test_an_attempt_that_is_not_next_is_not_due(deliveries):
    assert deliveries.due("r1", 1) is None
    assert deliveries.due("r1", 0).attempts == 0
    assert deliveries.due("unknown", 0) is None


def test_after_the_last_attempt_it_is_given_up(deliveries, engine):
    fail_all(deliveries)
    found = deliveries.find("r1")
    assert (found.state, found.attempts, found.gave_up_at) == ("failed", 11, NOW + 10)
    assert len(queued(engine)) == 11


def test_the_pauses_are_those_of_the_schedule(deliveries, engine):
    fail_all(deliveries)
    waits = {name: wait for name, wait in queued(engine) if wait}
    for number, delay_s in enumerate(RETRY_DELAYS_S, start=1):
        assert waits[f"webhook-r1-{number}"] == pytest.approx(delay_s, abs=1)


def test_a_long_problem_is_shortened(deliveries):
    deliveries.give_up("r1", 0, "x" * 5000, NOW)
    assert len(deliveries.find("r1").last_problem) == 500


class TestRedelivery:
    def test_a_given_up_delivery_is_tried_again_now(self, deliveries, engine):
        fail_all(deliveries)
        assert deliveries.redeliver("r1")
        assert deliveries.due("r1", 11) is not None
        assert ("webhook-r1-11", None) in queued(engine)

    def test_past_the_schedule_there_is_one_attempt(self, deliveries):
        fail_all(deliveries)
        deliveries.redeliver("r1")
        deliveries.fail("r1", 11, "no", NOW)
        assert deliveries.find("r1").state is DeliveryState.FAILED

    def test_a_delivered_one_is_sent_again(self, deliveries):
        deliveries.acknowledge("r1", 0, NOW)
        assert deliveries.redeliver("r1")
        assert deliveries.due("r1", 1) is not None

    def test_the_attempt_that_waits_is_skipped(self, deliveries, engine):
        deliveries.fail("r1", 0, "no", NOW)
        assert deliveries.redeliver("r1")
        assert deliveries.due("r1", 1) is None
        assert deliveries.due("r1", 2) is not None
        assert ("webhook-r1-2", None) in queued(engine)

    def test_an_unknown_request_has_none(self, deliveries):
        assert not deliveries.redeliver("unknown")


def test_deliveries_are_listed_by_state(deliveries, engine):
    for request_id in ("r2", "r3"):
        owe(engine, URL, request_id)
    deliveries.acknowledge("r2", 0, NOW)
    deliveries.give_up("r3", 0, "no", NOW)
    listed = {
        state: [delivery.request_id for delivery in deliveries.newest(state)]
        for state in DeliveryState
    }
    assert listed == {"pending": ["r1"], "delivered": ["r2"], "failed": ["r3"]}
    assert len(deliveries.newest()) == 3


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://There.Example:8443/hook?a=b", "there.example"),
        ("http://[::1]:80/", "::1"),
        ("http://[broken", "nowhere"),
        ("", "nowhere"),
    ],
)
def test_deliveries_take_turns_by_host(url, host):
    assert receiving_host(url) == host
