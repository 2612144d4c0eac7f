"""Where plain code that waits for the database or the disk runs, beside the event loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

import anyio
import anyio.to_thread

from lyra_zoom.database.open import POOL_SIZE

Result = TypeVar("Result")
Given = TypeVarTuple("Given")


class Threads:
    """Two small pools of threads: who only reads never queues behind writers that wait.

    Together they use as many connections as the database's pool has at most.
    """

    def __init__(self) -> None:
        self._readers = anyio.CapacityLimiter(POOL_SIZE)
        self._writers = anyio.CapacityLimiter(POOL_SIZE)

    async def read(self, function: Callable[[*Given], Result], *arguments: *Given) -> Result:
        """The result of a function that changes nothing."""
        return await anyio.to_thread.run_sync(function, *arguments, limiter=self._readers)

    async def write(self, function: Callable[[*Given], Result], *arguments: *Given) -> Result:
        """The result of a function that may have to wait for other writers; never abandoned."""
        return await anyio.to_thread.run_sync(function, *arguments, limiter=self._writers)
