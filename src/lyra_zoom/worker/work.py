"""One worker process: takes requests from the queue, one at a time, until it is told to stop.

Holds the engine's process, says that it lives, and keeps house for all workers.
"""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import sqlalchemy as sa

from lyra_zoom.database.open import migrate, open_database
from lyra_zoom.jobs.durable import DurableQueue, Executor
from lyra_zoom.jobs.events import Events
from lyra_zoom.jobs.leases import Leases
from lyra_zoom.jobs.requests import Requests
from lyra_zoom.settings import Settings
from lyra_zoom.storage.files import DAY_S, Files
from lyra_zoom.storage.objects import open_objects
from lyra_zoom.storage.pinned import OutboundPolicy
from lyra_zoom.storage.uploads import Uploads
from lyra_zoom.worker.deliver import Courier, open_courier
from lyra_zoom.worker.engine_process import EngineProcess
from lyra_zoom.worker.heart import Heart
from lyra_zoom.worker.housekeeping import Household, Housekeeping
from lyra_zoom.worker.own_name import refuse_taken_name
from lyra_zoom.worker.patience import patiently
from lyra_zoom.worker.scratch import open_scratch
from lyra_zoom.worker.zoom_steps import Hands
from lyra_zoom.worker.zoom_workflow import ZoomWorkflow

EXIT_AT_ONCE = 130

VERDICT_EVERY_S = 1.0
"""How often an engine that cannot run here is asked again whether it can."""

logger = logging.getLogger(__name__)


def new_executor_id() -> str:
    """A name that no other worker has, living or dead."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"


def work(settings: Settings, executor_id: str, engine: EngineProcess) -> None:
    """Work until SIGTERM or SIGINT; a request in hand is left for a next worker to go on with.

    `engine` has been started already, to save time. A second signal ends the process at once.
    """
    stopping = _stopping_by_signals()
    with open_scratch(settings.data / "scratch", executor_id) as scratch:
        bench = _open_bench(settings, engine, scratch, stopping)
        refuse_taken_name(bench.household.leases, executor_id)
        heart = Heart(bench.household.leases, engine, executor_id)
        executor = _Executors(bench, executor_id)
        housekeeping = Housekeeping(bench.household, executor_id, executor.recover)
        heart.start()
        executor.launch_when_ready(stopping)
        housekeeping.start()
        logger.info("working executor=%s", executor_id)
        executor.keep_going(stopping)
        logger.info("stopping executor=%s", executor_id)
        bench.hand_back()
        engine.close()
        housekeeping.stop()
        executor.close()
        heart.stop()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bench:
    """Everything a worker opened."""

    household: Household
    workflow: ZoomWorkflow
    courier: Courier
    engine: EngineProcess

    def hand_back(self) -> None:
        """The run in hand does not count: it was us who wanted to stop."""
        with suppress(sa.exc.SQLAlchemyError):
            self.workflow.hand_back()


def _open_bench(
    settings: Settings, engine: EngineProcess, scratch: Path, stopping: threading.Event
) -> _Bench:
    database = open_database(settings.database)
    patiently(lambda: migrate(database))
    queue = DurableQueue(database)
    patiently(queue.migrate)
    objects = open_objects(settings)
    files = Files(database, objects, settings.keep_days * DAY_S)
    household = Household(
        engine=database,
        queue=queue,
        requests=Requests(database, queue),
        leases=Leases(database),
        files=files,
        uploads=Uploads(database, objects, files, settings.max_upload_bytes),
        objects=objects,
        keep_s=settings.keep_days * DAY_S,
    )
    hands = Hands(
        requests=household.requests,
        events=Events(database),
        files=files,
        objects=objects,
        engine=engine,
        scratch=scratch,
        policy=OutboundPolicy(allow_private=settings.allow_private_urls),
        stopping=stopping,
    )
    return _Bench(
        household=household,
        workflow=ZoomWorkflow(hands),
        courier=open_courier(settings, database, queue),
        engine=engine,
    )


class _Executors:
    """The queue engine's hold on this process.

    While no engine can run here, requests are left to other workers; webhooks are sent anyway.
    """

    def __init__(self, bench: _Bench, executor_id: str) -> None:
        self._bench = bench
        self._executor_id = executor_id
        self._executor: Executor | None = None
        self._takes_requests = False

    def launch_when_ready(self, stopping: threading.Event) -> None:
        """Begin once the engine has a verdict about itself."""
        while not stopping.is_set():
            state = self._bench.engine.wait_until_loaded(VERDICT_EVERY_S)
            if state.loaded or state.problem is not None:
                self._launch(takes_requests=state.loaded)
                return

    def keep_going(self, stopping: threading.Event) -> None:
        """Return when the worker stops; requests are taken while the engine can run here."""
        while not stopping.wait(VERDICT_EVERY_S):
            state = self._bench.engine.state
            if not self._takes_requests and state.loaded:
                self.close()
                self._launch(takes_requests=True)
            elif self._takes_requests and state.problem is not None:
                self.close()
                self._bench.workflow.begin_anew()
                self._launch(takes_requests=False)

    def recover(self, executor_ids: tuple[str, ...]) -> None:
        """Queue again what these dead executors were running."""
        if self._executor is not None:
            self._executor.recover(executor_ids)

    def close(self) -> None:
        """Take no more work."""
        if self._executor is not None:
            self._executor.close()
            self._executor = None

    def _launch(self, *, takes_requests: bool) -> None:
        executor = Executor(
            self._bench.household.engine,
            self._executor_id,
            self._bench.workflow.run,
            self._bench.courier.deliver,
        )
        executor.launch(only_deliveries=not takes_requests)
        self._executor, self._takes_requests = executor, takes_requests


def _stopping_by_signals() -> threading.Event:
    """Set by SIGTERM or SIGINT; the second one ends the process."""
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        if stopping.is_set():
            os._exit(EXIT_AT_ONCE)
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return stopping
