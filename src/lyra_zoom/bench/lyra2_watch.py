"""Times work on a device, and how much memory it took beside what was planned for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from lyra_zoom.engines.lyra2.budget import Budget, Phase, total


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One kind of work: seconds each time, memory, how much work it is.

    The planned bytes are those of its phase, with what stays on the GPU. `skipped` is why there
    are no figures.
    """

    name: str
    seconds: float = 0.0
    planned_bytes: int | None = None
    peak_bytes: int | None = None  # of the GPU
    flop: int | None = None
    skipped: str = ""


class Watch:
    """Does work with a watch; the plan tells what each phase may take."""

    def __init__(
        self, device: torch.device, budget: Budget, say: Callable[[str], None]
    ) -> None:
        self._cuda = device if device.type == "cuda" else None
        self._budget = budget
        self._say = say

    def time(
        self, name: str, phase: Phase, work: Callable[[], object], *, flop: int | None = None
    ) -> Stage:
        """The figures of this work; on a GPU it is done once before, to warm up."""
        if self._cuda is not None:
            self._say(f"warming up {name}")
            work()
        return self.time_once(name, phase, work, flop=flop)

    def time_once(
        self, name: str, phase: Phase, work: Callable[[], object], *, flop: int | None = None
    ) -> Stage:
        """The figures of work that cannot be done twice, or is warm already."""
        self._say(f"measuring {name}")
        if self._cuda is not None:
            torch.cuda.reset_peak_memory_stats(self._cuda)
        self._wait()
        started = time.perf_counter()
        work()
        self._wait()
        return Stage(
            name=name,
            seconds=time.perf_counter() - started,
            planned_bytes=total(self._budget.stays) + total(self._budget.phases[phase]),
            peak_bytes=self._peak(),
            flop=flop,
        )

    @property
    def widest(self) -> Phase:
        """The phase that needs most."""
        return self._budget.widest

    def _wait(self) -> None:
        if self._cuda is not None:
            torch.cuda.synchronize(self._cuda)

    def _peak(self) -> int | None:
        return None if self._cuda is None else torch.cuda.max_memory_allocated(self._cuda)
