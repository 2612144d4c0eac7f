"""What no request may exceed, whatever it is for: sizes, and the time it takes to arrive."""

from __future__ import annotations

import anyio
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lyra_zoom.server.problems import Refused
from lyra_zoom.settings import MIB, Settings

UPLOADS = ("/cdn/",)
"""Paths under which whole files arrive; all other bodies are requests."""

MOST_HEADERS = 100
MOST_HEADER_BYTES = 64 * 1024
LONGEST_TARGET = 16 * 1024
"""Characters of path and query; a webhook's address is part of the query."""

SILENCE_S = 20.0
"""How long a body may pause."""

WHOLE_BODY_S = 180.0
"""How long the body of a request may take; an upload only must not pause."""

LINGER_S = 2.0
"""How long a refused body is still taken in, so that its sender gets to read the answer."""

SHORT_BODY_BYTES, SHORT_BODY_S = 64 * 1024, 0.2
"""A refused request with a body like this keeps its connection, if the body comes at once."""


class Limits:
    """Refuses what is too large or too slow before and while it is read."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._request_bytes = settings.max_body_bytes
        self._upload_bytes = settings.max_upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request within its limits."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._upload_bytes if _is_upload(scope) else self._request_bytes
        body = Body(scope, receive, limit)
        refused = _refusal_of_head(scope, body.limit)
        if refused is None:
            await self._app(scope, body.receive, body.closing(send))
            return
        answer = JSONResponse({"detail": refused.detail}, refused.status_code)
        await answer(scope, receive, body.closing(send))


class Body:
    """The body of one request on its way in."""

    def __init__(self, scope: Scope, receive: Receive, limit: int) -> None:
        headers = Headers(scope=scope)
        self.limit = limit
        self._receive = receive
        self._length = headers.get("content-length", "")
        self._is_complete = self._length in ("", "0") and "transfer-encoding" not in headers
        self._is_asked_for = "expect" in headers
        self._ends_at = anyio.current_time() + (
            float("inf") if _is_upload(scope) else WHOLE_BODY_S
        )
        self._size = 0

    async def receive(self) -> Message:
        """The next piece; raises 413 or 408 when it is one too many or does not come."""
        if self._is_complete:
            return await self._receive()
        patience_s = min(SILENCE_S, self._ends_at - anyio.current_time())
        with anyio.move_on_after(patience_s):
            message = await self._receive()
            self._size += len(message.get("body", b""))
            self._is_complete = not message.get("more_body", False)
            if self._size > self.limit:
                raise too_large(self.limit)
            return message
        raise Refused(408, "the body did not arrive in time")

    def closing(self, send: Send) -> Send:
        """The same `send`; an error answered before the body came ends the connection."""
        ends_connection = False

        async def send_on(message: Message) -> None:
            nonlocal ends_connection
            if message["type"] == "http.response.start" and message["status"] >= 400:
                if self._is_short and not self._is_asked_for:
                    await self._take_in(SHORT_BODY_S)
                ends_connection = not self._is_complete
                if ends_connection:
                    MutableHeaders(scope=message)["connection"] = "close"
            if ends_connection and not message.get("more_body", True):
                await send({**message, "more_body": True})
                await self._take_in(0 if self._is_asked_for else LINGER_S)
                message = {"type": "http.response.body", "body": b""}
            await send(message)

        return send_on

    @property
    def _is_short(self) -> bool:
        return self._length.isdigit() and int(self._length) <= SHORT_BODY_BYTES

    async def _take_in(self, at_most_s: float) -> None:
        """Forget what still comes: a connection closed at once would swallow the answer."""
        with anyio.move_on_after(at_most_s):
            while not self._is_complete:
                message = await self._receive()
                self._is_complete = not message.get("more_body", False)


def too_large(limit: int) -> Refused:
    """The refusal of a body larger than `limit` bytes."""
    return Refused(413, f"the body is larger than {limit / MIB:g} MiB")


def _is_upload(scope: Scope) -> bool:
    path: str = scope["path"]
    return path.startswith(UPLOADS)


def _refusal_of_head(scope: Scope, limit: int) -> Refused | None:
    """What line and headers alone give away."""
    headers = Headers(scope=scope)
    size = sum(len(name) + len(value) for name, value in scope["headers"])
    if len(scope["headers"]) > MOST_HEADERS or size > MOST_HEADER_BYTES:
        return Refused(431, "the headers are too many or too long")
    if (
        len(scope.get("raw_path") or scope["path"]) + len(scope["query_string"])
        > LONGEST_TARGET
    ):
        return Refused(414, "the address is too long")
    if len(headers.getlist("host")) > 1:
        return Refused(400, "the request names more than one host")
    if headers.get("content-encoding", "identity").lower() != "identity":
        return Refused(415, "compressed bodies are not accepted")
    length = headers.get("content-length", "0")
    return too_large(limit) if length.isdigit() and int(length) > limit else None
