"""Connections that are slow to say what they want are closed, and so are endless headers."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class GuardedConnection(HttpToolsProtocol):
    """uvicorn's connection with two limits it does not have.

    `head_within_s`: time for the request line and all headers; a first byte is as good as none.
    `most_head_bytes`: of line and headers together.
    """

    head_within_s = 15.0
    most_head_bytes = 128 * 1024

    _deadline: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _in_head = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection is open; its first request has to come soon."""
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._forget_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes came; too many of them before the end of the headers end the connection."""
        super().data_received(data)
        if not self._in_head:
            self._head_bytes = 0
            self._refuse_to_idle_for_ever()
            return
        self._head_bytes += len(data)
        if self._head_bytes > self.most_head_bytes and not self.transport.is_closing():
            self.transport.write(
                b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
                b"content-length: 0\r\nconnection: close\r\n\r\n"
            )
            self.transport.close()

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_head = True
        if self._deadline is None:
            self._expect_head()

    def on_headers_complete(self) -> None:
        """It is known what is wanted."""
        self._in_head = False
        self._forget_deadline()
        super().on_headers_complete()

    def _refuse_to_idle_for_ever(self) -> None:
        """Any byte ends uvicorn's own patience, an empty line between requests as well."""
        is_between_requests = self.cycle is not None and self.cycle.response_complete
        if is_between_requests and self._deadline is None and not self.transport.is_closing():
            self._expect_head()

    def _expect_head(self) -> None:
        loop: Any = self.loop
        self._deadline = loop.call_later(self.head_within_s, self._give_up)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self.transport.close()
