"""Runs the web application on a socket until it is told to stop."""

from __future__ import annotations

import contextlib
import logging
import resource
import socket
from collections.abc import Callable

import uvicorn

from lyra_zoom.server.app import make_app
from lyra_zoom.server.connection import GuardedConnection
from lyra_zoom.server.listener import BACKLOG, listen, url_of
from lyra_zoom.server.parts import Parts, open_parts
from lyra_zoom.settings import Settings

logger = logging.getLogger(__name__)

MOST_CONNECTIONS = 4096
IDLE_CONNECTION_S = 30
GRACE_S = 8
"""Time for answers that are being written when the server is told to stop."""


class Server(uvicorn.Server):
    """uvicorn, which says when it answers, and lets those who wait go before it stops."""

    def __init__(
        self, parts: Parts, listener: socket.socket, on_ready: Callable[[], None]
    ) -> None:
        super().__init__(
            uvicorn.Config(
                make_app(parts),
                http=GuardedConnection,
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                backlog=BACKLOG,
                limit_concurrency=MOST_CONNECTIONS,
                timeout_keep_alive=IDLE_CONNECTION_S,
                timeout_graceful_shutdown=GRACE_S,
            )
        )
        self._parts = parts
        self._listener = listener
        self._on_ready = on_ready

    def serve_until_stopped(self) -> None:
        """Serve; returns after a signal or once `should_exit` is set."""
        self.run(sockets=[self._listener])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, and say so."""
        await super().startup(sockets)
        self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End what is open; streams end now, answers get a moment."""
        self._parts.watcher.close()
        await super().shutdown(sockets)
        self._captured_signals.clear()  # else uvicorn would die of the signal it obeyed


def serve_http(
    settings: Settings, host: str, port: int, on_ready: Callable[[str], None]
) -> None:
    """Serve on this address, port 0 being any free one, until a signal comes."""
    listener = listen(host, port)
    url = url_of(listener, host)
    serve_on(settings, listener, lambda: on_ready(url))


def serve_on(settings: Settings, listener: socket.socket, on_ready: Callable[[], None]) -> None:
    """Serve on a socket that listens already, until a signal comes; it is closed then."""
    with contextlib.closing(listener):
        parts = open_parts(settings)
        server = Server(parts, listener, on_ready)
        allow_many_connections()
        server.serve_until_stopped()
        parts.close()


def allow_many_connections() -> None:
    """Raise the number of files this process may open to what the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, 2 * MOST_CONNECTIONS) if hard != resource.RLIM_INFINITY else 8192
    if soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
