"""What some worker has to do for all: take up the work of the dead, and end what is overdue.

Every worker does it, and none needs to know of the others: each change can happen only once.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from lyra_zoom.errors import NotPossibleNow
from lyra_zoom.jobs.durable import DurableQueue
from lyra_zoom.jobs.leases import Leases
from lyra_zoom.jobs.requests import Requests
from lyra_zoom.jobs.retention import MOST_AT_ONCE, forget_requests
from lyra_zoom.storage.files import DAY_S, Files
from lyra_zoom.storage.objects import ObjectStore
from lyra_zoom.storage.uploads import Uploads
from lyra_zoom.worker.silence import SilenceWatch
from lyra_zoom.worker.zoom_steps import WORK

LOOK_EVERY_S = 1.0
TIDY_EVERY_S = 60.0
ORPHANS_EVERY_S = 3600.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Household:
    """What is kept in order; finished requests are kept for `keep_s`."""

    engine: sa.Engine
    queue: DurableQueue
    requests: Requests
    leases: Leases
    files: Files
    uploads: Uploads
    objects: ObjectStore
    keep_s: float


class Housekeeping:
    """Runs in a thread from `start` until `stop`; `recover` queues again what the dead left."""

    def __init__(
        self, household: Household, executor_id: str, recover: Callable[[tuple[str, ...]], None]
    ) -> None:
        self._household = household
        self._executor_id = executor_id
        self._recover = recover
        self._silence = SilenceWatch()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)
        self._due = {self.tidy: 0.0, self.remove_orphans: ORPHANS_EVERY_S}

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after what is being done just now, or leave it undone after a second."""
        self._stopped.set()
        self._thread.join(timeout=1.0)

    def look(self) -> None:
        """What has to happen within seconds."""
        now = time.time()
        self._take_over()
        late = self._household.requests.expire_unstarted(now)
        dead = self._household.requests.fail_dead(now)
        for request_id in (*late, *dead):
            logger.info(
                "ended a request that could not begin or go on request_id=%s", request_id
            )

    def _take_over(self) -> None:
        """Queue again the work of executors that have been silent, or have no lease at all."""
        household = self._household
        owners = household.queue.owners()
        beats: dict[str, float | None] = {**dict.fromkeys(owners), **household.leases.beats()}
        beats.pop(self._executor_id, None)
        dead = self._silence.dead(beats)
        if not dead:
            return
        logger.warning("taking over the work of silent workers executors=%s", ",".join(dead))
        self._recover(dead)
        for executor_id in dead:
            household.leases.forget(executor_id)

    def tidy(self) -> None:
        """What may wait for a minute: forget what is old, and end what the queue gave up."""
        household, now = self._household, time.time()
        ended_before = now - household.keep_s
        while (
            forget_requests(household.engine, household.queue, ended_before) == MOST_AT_ONCE
            and not self._stopped.is_set()
        ):
            pass
        household.files.sweep(now)
        household.uploads.sweep(now)
        for request_id in household.requests.fail_lost(now):
            logger.error("a request could never begin request_id=%s", request_id)

    def remove_orphans(self) -> None:
        """What may wait for an hour: remove what crashes left in the object store a day ago."""
        household, now = self._household, time.time()
        household.files.sweep_orphans(now)
        household.uploads.sweep_orphans(now)
        household.objects.sweep()
        for facts in list(household.objects.list(WORK)):
            request_id = facts.key.split("/")[1]
            if facts.modified_at < now - DAY_S and household.requests.is_over(request_id):
                household.objects.delete(facts.key)

    def _run(self) -> None:
        started_s = time.monotonic()
        while not self._stopped.wait(LOOK_EVERY_S):
            self._patiently(self.look)
            for chore, due_s in self._due.items():
                if time.monotonic() - started_s >= due_s:
                    self._patiently(chore)
                    every_s = TIDY_EVERY_S if chore == self.tidy else ORPHANS_EVERY_S
                    self._due[chore] = time.monotonic() - started_s + every_s

    def _patiently(self, chore: Callable[[], None]) -> None:
        try:
            chore()
        except (sa.exc.SQLAlchemyError, NotPossibleNow) as error:
            logger.warning("housekeeping has to wait error=%s", type(error).__name__)
        except Exception:  # the next round may do better; workers work on
            logger.exception("housekeeping failed")
