"""The request table: a request is accepted, begins, and ends exactly once.

Every change is one statement that only succeeds from a legal state, so that of two processes
that try, one wins. The row and the entry in the queue are written in one transaction.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable

import sqlalchemy as sa

from lyra_zoom.contract.webhook import webhook_body
from lyra_zoom.database.tables import request, request_input, webhook_delivery
from lyra_zoom.jobs import queries
from lyra_zoom.jobs.deliveries import receiving_host
from lyra_zoom.jobs.durable import DurableQueue
from lyra_zoom.jobs.job import (
    CancelOutcome,
    Ending,
    Job,
    Submission,
    cancelled,
    never_begun,
    too_late,
    worker_died,
)


class Requests:
    """All requests that are kept."""

    def __init__(self, engine: sa.Engine, queue: DurableQueue) -> None:
        self._engine = engine
        self._queue = queue

    def accept(self, submission: Submission, now: float) -> Job:
        """Keep a request and queue it; once this returns it is never lost.

        A second submission under the same idempotency key of the same API key is the first one.
        """
        request_id = str(uuid.uuid4())
        try:
            with self._engine.begin() as connection:
                row = connection.execute(
                    queries.ACCEPT,
                    {"request_id": request_id, "accepted_at": now, **_columns(submission)},
                ).one()
                connection.execute(
                    sa.insert(request_input).values(request_id=request_id, body=submission.body)
                )
                self._queue.enqueue_zoom(connection, request_id, submission.priority)
        except sa.exc.IntegrityError:
            first = self._first_of(submission)
            if first is None:
                raise
            return first
        return _job(row)

    def find(self, request_id: str, key_id: str) -> Job | None:
        """The request, or None: another key's request does not exist."""
        with self._engine.connect() as connection:
            given = {"request_id": request_id, "key_id": key_id}
            row = connection.execute(queries.FIND, given).one_or_none()
        return None if row is None else _job(row)

    def find_with_position(self, request_id: str, key_id: str) -> tuple[Job, int] | None:
        """The same, and how many requests will begin before it; 0 unless it waits."""
        with self._engine.connect() as connection:
            given = {"request_id": request_id, "key_id": key_id}
            row = connection.execute(queries.FIND_WITH_POSITION, given).one_or_none()
        return None if row is None else _job_and_position(row)

    def load(self, request_id: str) -> Job | None:
        """The request, whoever it belongs to; for those who work on it."""
        return self._one(request.c.request_id == request_id)

    def load_each(self, request_ids: Iterable[str]) -> dict[str, tuple[Job, int]]:
        """Many requests with their positions, by id; one that is not kept has no entry."""
        given = {"request_ids": list(request_ids)}
        with self._engine.connect() as connection:
            jobs = [_job(row) for row in connection.execute(queries.EACH, given)]
            waits = any(job.started_at is None and job.outcome is None for job in jobs)
            queue = connection.execute(queries.QUEUE).scalars() if waits else ()
            places = {request_id: place for place, request_id in enumerate(queue)}
        return {job.request_id: (job, places.get(job.request_id, 0)) for job in jobs}

    def body(self, request_id: str) -> bytes:
        """What the client sent; empty once the request is over."""
        with self._engine.connect() as connection:
            body = connection.execute(
                sa.select(request_input.c.body).where(request_input.c.request_id == request_id)
            ).scalar()
        return body or b""

    def position(self, job: Job) -> int:
        """How many requests will begin before this one."""
        with self._engine.connect() as connection:
            given = {"request_id": job.request_id}
            return connection.execute(queries.POSITION, given).scalar() or 0

    def waiting_count(self) -> int:
        """How many requests have not begun."""
        counted = sa.select(sa.func.count()).where(queries.is_waiting())
        with self._engine.connect() as connection:
            return connection.execute(counted).scalar_one()

    def begin(self, request_id: str, now: float) -> bool:
        """A worker takes up the request; False when it is over, or just ended for being late.

        Every run counts as an attempt; one too many ends the request.
        """
        with self._engine.begin() as connection:
            row = connection.execute(
                sa.update(request)
                .where(request.c.request_id == request_id, request.c.outcome.is_(None))
                .values(
                    attempts=request.c.attempts + 1,
                    started_at=sa.func.coalesce(request.c.started_at, now),
                )
                .returning(request)
            ).one_or_none()
            if row is None:
                return False
            ending = _why_not_begin(_job(row), now)
            if ending is not None:
                self._end(connection, request_id, ending, now)
            return ending is None

    def hand_back(self, request_id: str) -> None:
        """The worker stops in good order: this run does not count as an attempt."""
        with self._engine.begin() as connection:
            connection.execute(
                sa.update(request)
                .where(request.c.request_id == request_id, request.c.outcome.is_(None))
                .values(attempts=request.c.attempts - 1)
            )

    def is_over(self, request_id: str) -> bool:
        """Whether the request has ended, or is not kept any more."""
        with self._engine.connect() as connection:
            return (
                connection.execute(
                    sa.select(request.c.request_id).where(
                        request.c.request_id == request_id, request.c.outcome.is_(None)
                    )
                ).scalar()
                is None
            )

    def end(
        self,
        request_id: str,
        ending: Ending,
        now: float,
        also: Callable[[sa.Connection], None] | None = None,
    ) -> bool:
        """End the request; False when it was over already, and then nothing changes.

        The webhook, if any, is queued in the same transaction, and `also` takes part in it.
        """
        with self._engine.begin() as connection:
            ended = self._end(connection, request_id, ending, now)
            if ended and also is not None:
                also(connection)
            return ended

    def cancel(self, request_id: str, key_id: str, now: float) -> CancelOutcome:
        """End the request because its sender no longer wants it; running work stops soon."""
        if self.find(request_id, key_id) is None:
            return CancelOutcome.NOT_FOUND
        if not self.end(request_id, cancelled(), now):
            return CancelOutcome.ALREADY_COMPLETED
        self._queue.cancel([request_id])
        return CancelOutcome.REQUESTED

    def expire_unstarted(self, now: float) -> tuple[str, ...]:
        """End the requests that waited longer than their senders wanted; returns their ids."""
        late = self._all(
            queries.is_waiting(), request.c.accepted_at + request.c.start_timeout_s < now
        )
        ended = tuple(job.request_id for job in late if self._expire(job, now))
        self._queue.cancel(ended)
        return ended

    def fail_dead(self, now: float) -> tuple[str, ...]:
        """End the requests that the queue engine will never run again; returns their ids."""
        begun = self._all(request.c.outcome.is_(None), request.c.started_at.is_not(None))
        dead = self._queue.over(job.request_id for job in begun)
        return tuple(
            job.request_id
            for job in begun
            if job.request_id in dead
            and self.end(job.request_id, worker_died(job.attempts), now)
        )

    def fail_lost(self, now: float) -> tuple[str, ...]:
        """End what the queue engine gave up before anybody began it; returns the ids."""
        waiting = self._all(
            queries.is_waiting(), request.c.request_id.in_(self._queue.given_up())
        )
        return tuple(
            job.request_id for job in waiting if self.end(job.request_id, never_begun(), now)
        )

    def _expire(self, job: Job, now: float) -> bool:
        """End a request for being late; False when it began after all."""
        ending, waits = too_late(job.start_timeout_s), request.c.started_at.is_(None)
        with self._engine.begin() as connection:
            return self._end(connection, job.request_id, ending, now, waits)

    def _end(
        self,
        connection: sa.Connection,
        request_id: str,
        ending: Ending,
        now: float,
        *conditions: sa.ColumnElement[bool],
    ) -> bool:
        row = connection.execute(
            sa.update(request)
            .where(request.c.request_id == request_id, request.c.outcome.is_(None), *conditions)
            .values(
                outcome=ending.outcome,
                ended_at=now,
                answer_status=ending.status,
                answer=json.dumps(ending.body, allow_nan=False),
                error=ending.error,
                error_type=ending.error_type,
                inference_s=ending.inference_s,
            )
            .returning(request.c.key_id, request.c.webhook_url)
        ).one_or_none()
        if row is None:
            return False
        connection.execute(
            sa.delete(request_input).where(request_input.c.request_id == request_id)
        )
        if row.webhook_url:
            body = webhook_body(request_id, ending.status, dict(ending.body))
            connection.execute(
                sa.insert(webhook_delivery).values(
                    request_id=request_id,
                    key_id=row.key_id,
                    url=row.webhook_url,
                    body=body.to_bytes(),
                    created_at=now,
                )
            )
            self._queue.enqueue_delivery(
                connection, request_id, attempt=0, host=receiving_host(row.webhook_url)
            )
        return True

    def _first_of(self, submission: Submission) -> Job | None:
        if submission.idempotency_key is None:
            return None
        return self._one(
            request.c.key_id == submission.key_id,
            request.c.idempotency_key == submission.idempotency_key,
        )

    def _one(self, *conditions: sa.ColumnElement[bool]) -> Job | None:
        return next(iter(self._all(*conditions)), None)

    def _all(self, *conditions: sa.ColumnElement[bool]) -> tuple[Job, ...]:
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(request).where(*conditions))
            return tuple(_job(row) for row in rows)


def _columns(submission: Submission) -> dict[str, object]:
    """Everything but the body, which has a table of its own."""
    names = (name for name in submission.__slots__ if name != "body")
    return {name: getattr(submission, name) for name in names}


def _why_not_begin(job: Job, now: float) -> Ending | None:
    """Whether a request that a worker just took up must end instead of being worked on."""
    if job.attempts > job.max_attempts:
        return worker_died(job.max_attempts)
    first = job.started_at == now
    if (
        first
        and job.start_timeout_s is not None
        and now > job.accepted_at + job.start_timeout_s
    ):
        return too_late(job.start_timeout_s)
    return None


def _job(row: sa.Row[tuple[object, ...]]) -> Job:
    return Job(**row._mapping)  # the documented way to a row's columns


def _job_and_position(row: sa.Row[tuple[object, ...]]) -> tuple[Job, int]:
    columns = dict(row._mapping)
    position: int = columns.pop("position")
    return Job(**columns), position
