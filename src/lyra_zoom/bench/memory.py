"""Peak memory of a process with all its children, sampled from outside while it runs."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

import psutil

SAMPLE_EVERY_S = 0.02


class PeakMemory:
    """Use as a context manager; `peak_bytes` is the largest sum of resident memory seen.

    Pages that processes of the tree share are counted once for each of them.
    """

    def __init__(self, pid: int, every_s: float = SAMPLE_EVERY_S) -> None:
        self._pid = pid
        self._every_s = every_s
        self._over = threading.Event()
        self._sampler = threading.Thread(target=self._sample, name="memory", daemon=True)
        self.peak_bytes = 0

    def __enter__(self) -> Self:
        self._sampler.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._sampler.join()

    def _sample(self) -> None:
        while True:
            self.peak_bytes = max(self.peak_bytes, tree_bytes(self._pid))
            if self._over.wait(self._every_s):
                return


def tree_bytes(pid: int) -> int:
    """Resident bytes of a process and its children now; 0 once it is gone."""
    try:
        process = psutil.Process(pid)
        tree = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    return sum(_resident_bytes(process) for process in tree)


def _resident_bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
