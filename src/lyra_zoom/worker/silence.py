"""Tells dead workers from live ones by their silence, without trusting any wall clock.

What counts is for how long *we* saw no new beat. A clock that jumps or is wrong on another
machine, a database that was away, a watcher that froze: all make a verdict later, never wrong.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from lyra_zoom.jobs.leases import BEAT_EVERY_S, DEAD_AFTER_S

LOST_SIGHT_S = 2 * BEAT_EVERY_S
"""A pause between two looks after which all is forgotten: nobody may have been able to beat."""


class SilenceWatch:
    """Remembers since when nothing new was heard of each worker."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._looked_s = now()
        self._heard: dict[str, tuple[float | None, float]] = {}  # last beat, and seen since

    def dead(self, beats: Mapping[str, float | None]) -> tuple[str, ...]:
        """Those who have been silent for too long; `beats` is the last beat of each, if any."""
        now_s = self._now()
        if now_s - self._looked_s > LOST_SIGHT_S:
            self._heard.clear()
        self._looked_s = now_s
        before, self._heard = self._heard, {}
        for name, beat in beats.items():
            known = before.get(name)
            self._heard[name] = known if known and known[0] == beat else (beat, now_s)
        return tuple(
            name for name, (_, since_s) in self._heard.items() if now_s - since_s > DEAD_AFTER_S
        )
