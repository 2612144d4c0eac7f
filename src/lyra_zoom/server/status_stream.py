"""A status as a stream of server-sent events, which anybody may leave and join again."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

from fastapi import Request
from sse_starlette import EventSourceResponse, ServerSentEvent

from lyra_zoom.jobs.job import Job
from lyra_zoom.server.answers import naming, status_of, status_word
from lyra_zoom.server.events import Seen, Watcher

PING_EVERY_S = 10
DEAD_AFTER_S = 30.0
"""A peer that takes nothing for so long is gone."""

FROM_THE_START = -1


def first_number(request: Request, with_lines: bool) -> int | None:
    """The number of the last line a client has, or None when it wants no lines."""
    if not with_lines:
        return None
    text = request.headers.get("last-event-id", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else FROM_THE_START


def stream_of(watcher: Watcher, job: Job, base: str, after: int | None) -> EventSourceResponse:
    """The statuses of a request from now on, with the lines after number `after`."""
    return EventSourceResponse(
        _statuses(watcher, job, base, after),
        headers=naming(job),
        ping=PING_EVERY_S,
        ping_message_factory=lambda: ServerSentEvent(comment="ping", sep="\n"),
        sep="\n",
        send_timeout=DEAD_AFTER_S,
    )


async def _statuses(
    watcher: Watcher, job: Job, base: str, after: int | None
) -> AsyncIterator[ServerSentEvent]:
    """One event for every change of status, position or lines."""
    told: tuple[object, ...] | None = None
    async with watcher.watching(job) as watched:
        while True:
            seen = watched.seen
            last = seen.lines[-1].number if seen.lines else FROM_THE_START
            state = (status_word(seen.job), seen.position)
            if state != told or (after is not None and last > after):
                yield _event(seen, base, after)
                told, after = state, None if after is None else max(after, last)
            if seen.is_over or watched.stopped:
                return
            await watched.beyond(seen)


def _event(seen: Seen, base: str, after: int | None) -> ServerSentEvent:
    new = None if after is None else [line for line in seen.lines if line.number > after]
    status = status_of(seen.job, base, seen.position, new)
    number = seen.lines[-1].number if seen.lines and after is not None else None
    data = json.dumps(status.to_wire(), separators=(",", ":"))
    return ServerSentEvent(data=data, id=None if number is None else str(number), sep="\n")
