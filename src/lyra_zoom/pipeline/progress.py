"""How far a video is: stages add up to one fraction and one estimate, and can be cancelled."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from lyra_zoom.engines.engine import Progress
from lyra_zoom.errors import Cancelled

NOT_BEGUN = "start"
"""The stage of a report before its first one."""

TRUSTED_FRACTION = 0.05
"""Share of a stage that must be over before its speed says how long the rest takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressUpdate:
    """One report: the stage, the whole's fraction 0 to 1, seconds left if known."""

    stage: str
    fraction: float
    eta_s: float | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class StageTime:
    """How long one stage took."""

    stage: str
    seconds: float


def total_times(times: Iterable[StageTime]) -> dict[str, float]:
    """Seconds by stage, in the order in which they first began; legs together."""
    total: dict[str, float] = {}
    for entry in times:
        total[entry.stage] = total.get(entry.stage, 0.0) + entry.seconds
    return total


@dataclass(frozen=True, slots=True)
class Portion:
    """The part of a report that belongs to one piece of the work, such as a chunk."""

    whole: Progress
    share: float

    def begin(self, stage: str, share: float) -> None:
        """Start a stage that takes `share` of this portion."""
        self.whole.begin(stage, share * self.share)

    def advance(self, fraction: float) -> None:
        """Report how much of the current stage is done."""
        self.whole.advance(fraction)

    def say(self, message: str) -> None:
        """Pass on something worth knowing."""
        self.whole.say(message)


class ProgressReport:
    """The `Progress` that engines report to; turns stages into one fraction that never falls.

    `cancel` may come from any thread or a signal handler: the next report raises `Cancelled`.
    `done` is the fraction that was over before, in another process. A stage that begins again
    under the same name goes on.
    """

    def __init__(
        self,
        on_update: Callable[[ProgressUpdate], None] | None = None,
        now: Callable[[], float] = time.monotonic,
        *,
        done: float = 0.0,
    ) -> None:
        self._on_update = on_update or (lambda update: None)
        self._now = now
        self._cancelled = threading.Event()
        self._stage = NOT_BEGUN
        self._done = done  # share of what is over
        self._share = 0.0  # share of what began last
        self._fraction = 0.0  # of what began last
        self._stage_started = now()
        self._stage_from = done  # how far the whole was then
        self._times: list[StageTime] = []

    def cancel(self) -> None:
        """Ask the work to stop at its next report."""
        self._cancelled.set()

    def begin(self, stage: str, share: float) -> None:
        """Start a stage that takes `share` of the whole, at most what the others left."""
        self._done = min(1.0, self._done + self._share)
        if stage != self._stage:
            self._close_stage()
            self._stage, self._stage_from = stage, self._done
        self._share = min(max(share, 0.0), 1.0 - self._done)
        self._fraction = 0.0
        self._tell()

    def advance(self, fraction: float) -> None:
        """Report how much of the current stage is done; going back is ignored."""
        self._fraction = max(self._fraction, min(fraction, 1.0))
        self._tell()

    def say(self, message: str) -> None:
        """Pass on something worth knowing."""
        self._tell(message)

    def finish(self) -> None:
        """Everything is done."""
        self._close_stage()
        self._stage, self._done, self._share = "done", 1.0, 0.0
        self._tell()

    @property
    def stage_times(self) -> tuple[StageTime, ...]:
        """Seconds of every stage that is over, in order."""
        return tuple(self._times)

    def _close_stage(self) -> None:
        now = self._now()
        if self._stage != NOT_BEGUN:
            self._times.append(StageTime(self._stage, now - self._stage_started))
        self._stage_started = now

    def _tell(self, message: str | None = None) -> None:
        if self._cancelled.is_set():
            raise Cancelled("cancelled")
        overall = self._done + self._share * self._fraction
        self._on_update(
            ProgressUpdate(
                stage=self._stage,
                fraction=min(overall, 1.0),
                eta_s=self._seconds_left(overall),
                message=message,
            )
        )

    def _seconds_left(self, overall: float) -> float | None:
        """From the speed of this stage, once it is known: other stages say little about it."""
        advanced = overall - self._stage_from
        if self._share == 0 or advanced < TRUSTED_FRACTION * self._share:
            return None
        stage_s = self._now() - self._stage_started
        return stage_s / advanced * (1.0 - overall)
