"""What a client reads while its video is made: how far it is, and what the engine says."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable

import sqlalchemy as sa

from lyra_zoom.jobs.events import Events
from lyra_zoom.pipeline.words import time_left
from lyra_zoom.worker.engine_messages import Progressed

LINE_EVERY_S = 0.25
"""Each line is a transaction: four a second look alive and cost little."""

PROGRESS = re.compile(r"(\d{1,3})% ")
"""How a line of progress begins."""

logger = logging.getLogger(__name__)


class LogLines:
    """The lines of one request. A line that cannot be kept is lost: the video matters more.

    The percentage never falls, though work that died with a worker or an engine is done again:
    it stays until that has caught up.
    """

    def __init__(
        self, events: Events, request_id: str, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._events = events
        self._request_id = request_id
        self._now = now
        self._last = ""
        self._last_s = -LINE_EVERY_S
        self._reached: float | None = None  # the largest fraction written; None: not yet known

    def progressed(self, progress: Progressed) -> None:
        """Write how far the work is, unless that was written just now."""
        now_s = self._now()
        if now_s - self._last_s < LINE_EVERY_S:
            return
        if self._reached is None:
            self._last_s, self._reached = now_s, self._reached_before()
        if self._reached is None:
            return
        fraction, left = max(progress.fraction, self._reached), time_left(progress.eta_s)
        line = f"{fraction:.0%} {progress.stage}{', ' if left else ''}{left}"
        if line == self._last:
            return
        self._last, self._last_s, self._reached = line, now_s, fraction
        self.say(line)

    def say(self, message: str, level: str = "INFO") -> None:
        """Write a line."""
        try:
            self._events.append(self._request_id, message, time.time(), level)
        except sa.exc.SQLAlchemyError as error:
            kind = type(error).__name__
            logger.warning("a line is lost request_id=%s error=%s", self._request_id, kind)

    def _reached_before(self) -> float | None:
        """How far an attempt before this one said that it was; None while nobody can tell."""
        try:
            lines = self._events.since(self._request_id)
        except sa.exc.SQLAlchemyError as error:
            kind = type(error).__name__
            logger.warning("no lines read request_id=%s error=%s", self._request_id, kind)
            return None
        said = [PROGRESS.match(line.message) for line in lines]
        return max((int(match[1]) / 100 for match in said if match), default=0.0)
