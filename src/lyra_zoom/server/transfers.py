"""Bytes between sockets and the store: in pieces, in threads of their own, so many at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar, TypeVarTuple

import anyio
import anyio.to_thread
from starlette.requests import ClientDisconnect, Request

from lyra_zoom.server.problems import Refused, bad_request
from lyra_zoom.storage.files import Files, StoredFile
from lyra_zoom.storage.landing import Landing
from lyra_zoom.storage.objects import PIECE_BYTES

THREADS = 8
"""Threads that read, write and hash files; none of them ever waits for a client."""

MOST_ARRIVING = 256
"""Files that may be on their way into one process at once."""

Result = TypeVar("Result")
Given = TypeVarTuple("Given")


class Transfers:
    """What moves between clients and the store in this process."""

    def __init__(self) -> None:
        self._threads = anyio.CapacityLimiter(THREADS)
        self._arriving = 0

    async def run(self, function: Callable[[*Given], Result], *arguments: *Given) -> Result:
        """The result of a function that works on whole files, and may take its time."""
        return await anyio.to_thread.run_sync(function, *arguments, limiter=self._threads)

    @contextmanager
    def arriving(self) -> Iterator[None]:
        """Count a file that is on its way in; refuse it when there are too many."""
        if self._arriving >= MOST_ARRIVING:
            raise Refused(
                429, "too many files are being uploaded at once", headers={"Retry-After": "2"}
            )
        self._arriving += 1
        try:
            yield
        finally:
            self._arriving -= 1

    async def receive(self, request: Request, landing: Landing) -> None:
        """Let the body of a request land; one that breaks off is an error."""
        waiting = bytearray()
        try:
            async for chunk in request.stream():
                waiting += chunk
                if len(waiting) >= PIECE_BYTES:
                    await self.run(landing.write, bytes(waiting))
                    waiting.clear()
        except ClientDisconnect as error:
            raise bad_request("the upload broke off") from error
        await self.run(landing.write, bytes(waiting))

    async def send(self, files: Files, file: StoredFile, wanted: range) -> AsyncIterator[bytes]:
        """The bytes of a file, read piece by piece as the client takes them."""
        for at in range(wanted.start, wanted.stop, PIECE_BYTES):
            end = min(at + PIECE_BYTES, wanted.stop)
            yield await self.run(files.read_range, file, at, end)
