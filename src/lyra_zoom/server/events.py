"""Watches requests for everybody in this process who waits for one, with one query for all.

A listener sees snapshots: the request, its position, its lines so far. Between two of them it
sleeps until the watcher has seen something new.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import anyio

from lyra_zoom.jobs.events import Event, Events
from lyra_zoom.jobs.job import Job
from lyra_zoom.jobs.requests import Requests
from lyra_zoom.server.lookup import expire_if_late
from lyra_zoom.server.threads import Threads

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 0.1
AFTER_TROUBLE_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A request at one moment; `position` counts while it waits."""

    job: Job
    position: int = 0
    lines: tuple[Event, ...] = ()

    @property
    def is_over(self) -> bool:
        """Whether nothing will change any more."""
        return self.job.outcome is not None


@dataclass(slots=True)
class Watched:
    """One request and those who wait for it; `stopped` when nobody looks after it any more."""

    seen: Seen
    listeners: int = 0
    stopped: bool = False
    _changed: anyio.Event = field(default_factory=anyio.Event)

    async def beyond(self, seen: Seen) -> None:
        """Return when there is something newer than `seen`, or `stopped`."""
        while self.seen is seen and not self.stopped:
            await self._changed.wait()

    async def until_over(self) -> Job | None:
        """The request when it has ended; None when this process stopped looking."""
        while not (self.seen.is_over or self.stopped):
            await self.beyond(self.seen)
        return self.seen.job if self.seen.is_over else None

    def update(self, seen: Seen) -> None:
        """Wake the listeners, if anything is new."""
        if seen != self.seen:
            self.seen = seen
            self._wake()

    def stop(self) -> None:
        """Tell the listeners that no more will come."""
        self.stopped = True
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()


class Watcher:
    """Looks at all watched requests ten times a second, while there are any."""

    def __init__(self, requests: Requests, events: Events, threads: Threads) -> None:
        self._requests = requests
        self._events = events
        self._threads = threads
        self._watched: dict[str, Watched] = {}
        self._looking: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def listeners(self) -> int:
        """How many wait for something at this moment."""
        return sum(watched.listeners for watched in self._watched.values())

    @contextlib.asynccontextmanager
    async def watching(self, job: Job) -> AsyncIterator[Watched]:
        """Keep an eye on a request for the time of the block."""
        watched = self._watched.get(job.request_id)
        if watched is None:
            watched = Watched(await self._threads.read(self._first_look, job))
            watched = self._watched.setdefault(job.request_id, watched)
        watched.listeners += 1
        watched.stopped = watched.stopped or self._closed
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_again_and_again())
        try:
            yield watched
        finally:
            watched.listeners -= 1
            if not watched.listeners:
                self._watched.pop(job.request_id, None)

    def close(self) -> None:
        """Let every listener go; from now on nobody is kept waiting."""
        self._closed = True
        for watched in self._watched.values():
            watched.stop()

    async def _look_again_and_again(self) -> None:
        while self._watched and not self._closed:
            await asyncio.sleep(LOOK_EVERY_S)
            before = {name: watched.seen for name, watched in self._watched.items()}
            try:
                now = await self._threads.read(self._look, before)
            except Exception:  # whatever it is, the listeners want to know more
                logger.exception("cannot look at requests that are watched")
                await asyncio.sleep(AFTER_TROUBLE_S)
                continue
            for request_id, watched in tuple(self._watched.items()):
                if request_id in now:
                    watched.update(now[request_id])
                elif request_id in before:
                    watched.stop()

    def _first_look(self, job: Job) -> Seen:
        """What is known at the start; the lines are read last, so that none is missed."""
        now = self._requests.load_each([job.request_id])
        job, position = now.get(job.request_id, (job, 0))
        return Seen(job=job, position=position, lines=self._events.since(job.request_id))

    def _look(self, before: dict[str, Seen]) -> dict[str, Seen]:
        now = self._requests.load_each(before)
        if any(expire_if_late(self._requests, job) for job, _ in now.values()):  # ends all
            now = self._requests.load_each(before)
        last = {
            name: seen.lines[-1].number if seen.lines else -1 for name, seen in before.items()
        }
        lines = self._events.since_each(last)
        return {
            name: Seen(
                job=job,
                position=position,
                lines=before[name].lines + lines.get(name, ()),
            )
            for name, (job, position) in now.items()
        }
