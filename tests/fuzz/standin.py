"""A worker's place, taken by a thread: whatever waits is begun, says a line, and ends soon."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from lyra_zoom.contract.problems import body_of_rejection
from lyra_zoom.database.tables import request
from lyra_zoom.errors import InputRejected
from lyra_zoom.jobs.job import Ending, Outcome
from tests.server import SUCCESS, RunningApi

LOOK_EVERY_S = 0.05
NO_IMAGE = InputRejected("image_url", "the bytes are not an image", "image_load_error")
REFUSAL = Ending(
    outcome=Outcome.FAILED,
    status=422,
    body=dict(body_of_rejection(NO_IMAGE).to_wire()),
    error="Invalid status code: 422",
)


@contextmanager
def working(api: RunningApi) -> Iterator[None]:
    """Somebody works off what is submitted, every other request with success."""
    stopped = threading.Event()
    thread = threading.Thread(target=_work, args=(api, stopped))
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def _work(api: RunningApi, stopped: threading.Event) -> None:
    number = 0
    while not stopped.wait(LOOK_EVERY_S):
        for request_id in waiting(api):
            if api.parts.requests.begin(request_id, time.time()):
                number += 1
                api.say(request_id, f"request number={number}")
                ending = REFUSAL if number % 2 else SUCCESS
                api.parts.requests.end(request_id, ending, time.time())


def waiting(api: RunningApi) -> list[str]:
    """What nobody has begun."""
    query = sa.select(request.c.request_id).where(
        request.c.started_at.is_(None), request.c.outcome.is_(None)
    )
    with api.parts.engine.connect() as connection:
        return list(connection.execute(query).scalars())
