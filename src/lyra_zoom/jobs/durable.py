"""The only module that speaks to the queue engine: DBOS, on the database of our own tables.

A request is one workflow under the request's own id, a webhook attempt another. What a request
is and how it ended is in our tables; DBOS knows the order, the owner and the finished steps.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, error

NAME = "lyra-zoom"

STEPS_VERSION = "1"
"""Of the order of steps: work begun under another value is left to workers that know it."""

ZOOM, DELIVERY = "zoom", "delivery"
ZOOM_QUEUE, DELIVERY_QUEUE = "zoom", "webhooks"

DELIVERIES_AT_ONCE = 8
DELIVERIES_TO_ONE_HOST_AT_ONCE = 2
"""Of one worker: a host that hangs, however much is owed to it, leaves the others six."""

POLL_S = {"sqlite": 0.15, "postgresql": 0.25}
"""How long a request may wait for an idle worker; each poll is a query."""

DELIVERY_POLL_S = 0.5
"""The same for webhooks, whose receivers wait longer than a person in front of a page."""

LAST_RESORT_ATTEMPTS = 20
"""Runs after which DBOS itself gives up; requests count their attempts and end sooner."""

GIVEN_UP = ("ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")
OVER = ("SUCCESS", "CANCELLED", *GIVEN_UP)

Result = TypeVar("Result")


class _OnlyNews(logging.Filter):
    """Drops what DBOS says of work that was cancelled or moved on: both are ordinary."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a person should read this line."""
        what = record.exc_info[1] if record.exc_info else None
        if isinstance(what, error.DBOSAwaitedWorkflowCancelledError):
            return False
        return "no longer owned by this execution" not in record.getMessage()


logging.getLogger("dbos").addFilter(_OnlyNews())


class RunStep(Protocol):
    """Runs a function once: a later run of the same workflow gets the kept result instead."""

    def __call__(self, name: str, function: Callable[..., Result], *args: Any) -> Result:  # noqa: ANN401
        """The result of `function(*args)`, which must be JSON."""


class DurableQueue:
    """Puts work into the queue and takes it out; runs none itself.

    Operations raise `sqlalchemy.exc.OperationalError` when the database is not there.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._client = DBOSClient(
            system_database_engine=engine, lazy=True, retry_connection_errors=False
        )

    def migrate(self) -> None:
        """Bring the engine's own tables to its version and make the two queues."""
        DBOS.migrate(self._engine.url.render_as_string(hide_password=False))
        self._client.register_queue(
            ZOOM_QUEUE,
            worker_concurrency=1,
            polling_interval_sec=POLL_S[self._engine.dialect.name],
        )
        self._client.register_queue(
            DELIVERY_QUEUE,
            worker_concurrency=DELIVERIES_AT_ONCE,
            partition_worker_concurrency=DELIVERIES_TO_ONE_HOST_AT_ONCE,
            polling_interval_sec=DELIVERY_POLL_S,
        )

    def enqueue_zoom(self, connection: sa.Connection, request_id: str, priority: int) -> None:
        """Queue a request as part of the caller's transaction; smaller priorities go first."""
        self._client.enqueue_in_transaction(
            connection,
            {
                "workflow_name": ZOOM,
                "queue_name": ZOOM_QUEUE,
                "workflow_id": request_id,
                "priority": priority + 1,
                "app_version": STEPS_VERSION,
                "serialization_type": "portable",  # type: ignore[typeddict-item]  # a StrEnum
            },
            request_id,
        )

    def enqueue_delivery(
        self,
        connection: sa.Connection,
        request_id: str,
        attempt: int,
        host: str,
        delay_s: float = 0.0,
    ) -> None:
        """Queue one attempt to call a webhook; the same attempt is never queued twice.

        Hosts take turns: what waits for one never stands before what waits for another.
        """
        self._client.enqueue_in_transaction(
            connection,
            {
                "workflow_name": DELIVERY,
                "queue_name": DELIVERY_QUEUE,
                "workflow_id": _delivery_id(request_id, attempt),
                "queue_partition_key": host,
                "app_version": STEPS_VERSION,
                "serialization_type": "portable",  # type: ignore[typeddict-item]
                **({"delay_seconds": delay_s} if delay_s > 0 else {}),  # type: ignore[typeddict-item]
            },
            request_id,
            attempt,
        )

    def cancel(self, request_ids: Iterable[str]) -> None:
        """Take requests out of the queue; work that runs is told at its next step."""
        ids = list(request_ids)
        if ids:
            self._client.cancel_workflows(ids)

    def forget(self, attempts: Mapping[str, int]) -> None:
        """Delete what the engine keeps of requests, and of so many tries of their webhooks."""
        ids = [*attempts]
        for request_id, count in attempts.items():
            ids += [_delivery_id(request_id, attempt) for attempt in range(count + 1)]
        if ids:
            self._client.delete_workflows(ids)

    def over(self, request_ids: Iterable[str]) -> set[str]:
        """Those of these requests that the engine will not run again, however they ended."""
        ids = list(request_ids)
        if not ids:
            return set()
        found = self._client.list_workflows(
            workflow_ids=ids, status=list(OVER), load_input=False, load_output=False
        )
        return {workflow.workflow_id for workflow in found}

    def given_up(self) -> set[str]:
        """The requests whose work ended by an error of the worker; reads all that is kept."""
        found = self._client.list_workflows(
            name=ZOOM, status=list(GIVEN_UP), load_input=False, load_output=False
        )
        return {workflow.workflow_id for workflow in found}

    def owners(self) -> set[str]:
        """The executors that are said to be running something."""
        with self._engine.connect() as connection:
            asked = _owners(schema=None if connection.dialect.name == "sqlite" else "dbos")
            return set(connection.execute(asked).scalars())


class Executor:
    """Runs what is queued in this process; at most one may exist in a process.

    `zoom(request_id, run_step)` and `deliver(request_id, attempt)` are what the work is.
    """

    def __init__(
        self,
        engine: sa.Engine,
        executor_id: str,
        zoom: Callable[[str, RunStep], None],
        deliver: Callable[[str, int], None],
    ) -> None:
        wait_out_a_full_disk(engine)
        DBOS(
            config={
                "name": NAME,
                "system_database_engine": engine,
                "executor_id": executor_id,
                "application_version": STEPS_VERSION,
                "log_level": "WARNING",
                "use_listen_notify": False,
                "run_migrations": False,
            }
        )

        @DBOS.workflow(name=ZOOM, max_recovery_attempts=LAST_RESORT_ATTEMPTS)
        def run_zoom(request_id: str) -> None:
            zoom(request_id, _run_step)

        @DBOS.workflow(name=DELIVERY, max_recovery_attempts=LAST_RESORT_ATTEMPTS)
        def run_delivery(request_id: str, attempt: int) -> None:
            deliver(request_id, attempt)

    def launch(self, *, only_deliveries: bool = False) -> None:
        """Begin to take work, first of all what this executor left when it died."""
        if only_deliveries:
            DBOS.listen_queues([DELIVERY_QUEUE])
        DBOS.launch()

    def recover(self, executor_ids: Sequence[str]) -> None:
        """Queue again what these dead executors were running; harmless if they live."""
        DBOS._recover_pending_workflows(list(executor_ids))  # no public call does it

    def close(self, wait_s: int = 0) -> None:
        """Stop taking work and wait that long for what runs; the rest is run again later."""
        DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=wait_s)


def wait_out_a_full_disk(engine: sa.Engine) -> None:
    """Make the queue engine try again while the disk is full, as while SQLite is locked.

    It takes a full disk for the end of what it could not write down, and the work would hang.
    """
    if not sa.event.contains(engine, "handle_error", _told_as_locked):
        sa.event.listen(engine, "handle_error", _told_as_locked)


def _told_as_locked(context: sa.engine.ExceptionContext) -> Exception | None:
    error = context.original_exception
    if not isinstance(error, sqlite3.OperationalError) or "disk is full" not in str(error):
        return None
    locked = sqlite3.OperationalError(f"database is locked: {error}")
    return sa.exc.OperationalError(context.statement, context.parameters, locked)


def _owners(schema: str | None) -> sa.Select[str]:
    """Who runs something, by a table that DBOS documents.

    Its own call names the status in a parameter. SQLite cannot tell then that the index of what
    runs will do, and would read all that is kept, every second.
    """
    executor_id: sa.ColumnClause[str] = sa.column("executor_id")
    status: sa.ColumnClause[str] = sa.column("status")
    table = sa.table("workflow_status", executor_id, status, schema=schema)
    runs = status == sa.literal_column("'PENDING'")
    return (
        sa.select(executor_id)
        .select_from(table)
        .where(runs, executor_id.is_not(None))
        .distinct()
    )


def _run_step(name: str, function: Callable[..., Result], *args: Any) -> Result:  # noqa: ANN401
    return DBOS.run_step({"name": name}, function, *args)


def _delivery_id(request_id: str, attempt: int) -> str:
    return f"webhook-{request_id}-{attempt}"
