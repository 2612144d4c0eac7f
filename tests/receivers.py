"""Receivers of webhooks for tests: real HTTP servers that remember what they were sent."""

from __future__ import annotations

import contextlib
import http.server
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Received:
    """One POST; header names are in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float


@dataclass
class Receiver:
    """What a receiver got, and the status it answers with at each path (200 unless told)."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)
    pause_s: dict[str, float] = field(default_factory=dict)


@contextlib.contextmanager
def receiving(host: str = "127.0.0.1", port: int = 0) -> Iterator[Receiver]:
    """A receiver that listens until the end of the block."""
    receiver = Receiver()
    with http.server.ThreadingHTTPServer((host, port), _handler(receiver)) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        receiver.url = f"http://{host}:{server.server_port}"
        try:
            yield receiver
        finally:
            server.shutdown()


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Wait for something that another thread or process does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def _handler(receiver: Receiver) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.received.append(Received(self.path, headers, body, time.time()))
            time.sleep(receiver.pause_s.get(self.path, 0))
            with contextlib.suppress(OSError):
                self.send_response(receiver.statuses.get(self.path, 200))
                self.send_header("location", "http://127.0.0.1/elsewhere")
                self.send_header("content-length", "0")
                self.end_headers()

        def log_message(self, *arguments: object) -> None:
            """Keep the test's output clean."""

    return Handler
