"""Webhook deliveries: which are owed, which tries were made, and when the next one is.

A delivery is one row from the end of its request on. Its attempts are numbered from 0; number
n may only be recorded while n are, so that one that the queue repeats changes nothing. What
follows from an attempt (the next one, or giving up) is written in the same transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa

from lyra_zoom.database.tables import webhook_delivery
from lyra_zoom.jobs.durable import DurableQueue

RETRY_DELAYS_S = (15, 30, 60, 120, 240, 480, 900, 1500, 1800, 1800)
"""After attempt 0, 1, ... failed: ten more within two hours, as fal does."""

LONGEST_PROBLEM = 500
"""Characters that are kept of why an attempt failed."""


class DeliveryState(StrEnum):
    """Where a delivery is; only a pending one has attempts to come."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What is owed to one receiver; `attempts` were made, all with the same body."""

    request_id: str
    key_id: str
    url: str
    body: bytes
    created_at: float
    attempts: int
    last_attempt_at: float | None
    last_problem: str | None
    delivered_at: float | None
    gave_up_at: float | None

    @property
    def state(self) -> DeliveryState:
        """Delivered, failed for good, or neither yet."""
        if self.delivered_at is not None:
            return DeliveryState.DELIVERED
        return DeliveryState.PENDING if self.gave_up_at is None else DeliveryState.FAILED


_IS_OPEN = webhook_delivery.c.delivered_at.is_(None) & webhook_delivery.c.gave_up_at.is_(None)

_IN_STATE = {
    DeliveryState.PENDING: _IS_OPEN,
    DeliveryState.DELIVERED: webhook_delivery.c.delivered_at.is_not(None),
    DeliveryState.FAILED: webhook_delivery.c.gave_up_at.is_not(None),
}


class Deliveries:
    """The deliveries of this server and their events."""

    def __init__(self, engine: sa.Engine, queue: DurableQueue) -> None:
        self._engine = engine
        self._queue = queue

    def find(self, request_id: str) -> Delivery | None:
        """The delivery of a request, or None when nobody asked for one."""
        with self._engine.connect() as connection:
            row = connection.execute(
                sa.select(webhook_delivery).where(webhook_delivery.c.request_id == request_id)
            ).one_or_none()
        return None if row is None else _delivery(row)

    def due(self, request_id: str, attempt: int) -> Delivery | None:
        """The delivery, if this attempt is the one to make now."""
        found = self.find(request_id)
        if found is None or found.state is not DeliveryState.PENDING:
            return None
        return found if found.attempts == attempt else None

    def newest(self, state: DeliveryState | None = None, limit: int = 200) -> list[Delivery]:
        """The latest deliveries, in one state or in any."""
        query = sa.select(webhook_delivery).order_by(webhook_delivery.c.created_at.desc())
        if state is not None:
            query = query.where(_IN_STATE[state])
        with self._engine.connect() as connection:
            return [_delivery(row) for row in connection.execute(query.limit(limit))]

    def acknowledge(self, request_id: str, attempt: int, now: float) -> bool:
        """The receiver took it. False: this attempt is not the one to make."""
        with self._engine.begin() as connection:
            taken = _record(
                connection, request_id, attempt, last_attempt_at=now, delivered_at=now
            )
            return taken is not None

    def fail(self, request_id: str, attempt: int, problem: str, now: float) -> bool:
        """The receiver did not take it: the next attempt follows, or nothing after the last."""
        if attempt >= len(RETRY_DELAYS_S):
            return self.give_up(request_id, attempt, problem, now)
        facts = {"last_attempt_at": now, "last_problem": problem[:LONGEST_PROBLEM]}
        with self._engine.begin() as connection:
            failed = _record(connection, request_id, attempt, **facts)
            if failed is not None:
                self._enqueue(connection, failed, RETRY_DELAYS_S[attempt])
            return failed is not None

    def give_up(self, request_id: str, attempt: int, problem: str, now: float) -> bool:
        """No attempt will help, or none is left."""
        facts = {"last_attempt_at": now, "last_problem": problem[:LONGEST_PROBLEM]}
        with self._engine.begin() as connection:
            given_up = _record(connection, request_id, attempt, gave_up_at=now, **facts)
            return given_up is not None

    def redeliver(self, request_id: str) -> bool:
        """Try again now, whatever became of it; False when the request has no delivery.

        The attempt that a pending delivery waits for is skipped: it will find its number taken.
        Past the numbers of the schedule there is one attempt each time.
        """
        reopen = (
            sa.update(webhook_delivery)
            .where(webhook_delivery.c.request_id == request_id)
            .values(
                attempts=webhook_delivery.c.attempts + sa.case((_IS_OPEN, 1), else_=0),
                delivered_at=None,
                gave_up_at=None,
            )
            .returning(webhook_delivery)
        )
        with self._engine.begin() as connection:
            row = connection.execute(reopen).one_or_none()
            if row is not None:
                self._enqueue(connection, _delivery(row))
            return row is not None

    def _enqueue(
        self, connection: sa.Connection, delivery: Delivery, delay_s: float = 0.0
    ) -> None:
        self._queue.enqueue_delivery(
            connection,
            delivery.request_id,
            delivery.attempts,
            receiving_host(delivery.url),
            delay_s,
        )


def receiving_host(url: str) -> str:
    """What deliveries take turns by: the host of an address, whatever else is wrong with it."""
    try:
        return urlsplit(url).hostname or "nowhere"
    except ValueError:
        return "nowhere"


def _record(
    connection: sa.Connection,
    request_id: str,
    attempt: int,
    **facts: Any,  # noqa: ANN401  # columns of several types
) -> Delivery | None:
    """Write what became of an attempt; None if it was not the one to make."""
    row = connection.execute(
        sa.update(webhook_delivery)
        .where(
            webhook_delivery.c.request_id == request_id,
            webhook_delivery.c.attempts == attempt,
            _IS_OPEN,
        )
        .values(attempts=attempt + 1, **facts)
        .returning(webhook_delivery)
    ).one_or_none()
    return None if row is None else _delivery(row)


def _delivery(row: sa.Row[Any]) -> Delivery:
    return Delivery(**row._mapping)  # the documented way to a row's columns
