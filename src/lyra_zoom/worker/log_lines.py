"""What a client reads while its video is made: how far it is, and what the engine says."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import sqlalchemy as sa

from lyra_zoom.jobs.events import Events
from lyra_zoom.pipeline.words import time_left
from lyra_zoom.worker.engine_messages import Progressed

LINE_EVERY_S = 0.25
"""Each line is a transaction: four a second look alive and cost little."""

logger = logging.getLogger(__name__)


class LogLines:
    """The lines of one request. A line that cannot be kept is lost: the video matters more."""

    def __init__(
        self, events: Events, request_id: str, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._events = events
        self._request_id = request_id
        self._now = now
        self._last = ""
        self._last_s = -LINE_EVERY_S

    def progressed(self, progress: Progressed) -> None:
        """Write how far the work is, unless that was written just now."""
        left = time_left(progress.eta_s)
        line = f"{progress.fraction:.0%} {progress.stage}{', ' if left else ''}{left}"
        now_s = self._now()
        if line == self._last or now_s - self._last_s < LINE_EVERY_S:
            return
        self._last, self._last_s = line, now_s
        self.say(line)

    def say(self, message: str, level: str = "INFO") -> None:
        """Write a line."""
        try:
            self._events.append(self._request_id, message, time.time(), level)
        except sa.exc.SQLAlchemyError as error:
            kind = type(error).__name__
            logger.warning("a line is lost request_id=%s error=%s", self._request_id, kind)
