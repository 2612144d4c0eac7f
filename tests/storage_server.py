"""The web application on a real socket, for tests that send and fetch files."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lyra_zoom.server.parts import Parts, open_parts
from lyra_zoom.server.serve_http import Server, listen, url_of
from lyra_zoom.settings import Settings

KEY, OTHER_KEY = "first:key", "second:key"
AS_FIRST = {"Authorization": f"Key {KEY}"}
AS_OTHER = {"Authorization": f"Key {OTHER_KEY}"}


@dataclass(frozen=True, slots=True)
class Served:
    """Where it answers, and what it stands on."""

    url: str
    parts: Parts


@contextmanager
def serving(settings: Settings) -> Iterator[Served]:
    """The API on a free port for the time of the block; nobody works on requests."""
    parts, ready = open_parts(settings), threading.Event()
    with listen("127.0.0.1", 0) as listener:
        server = Server(parts, listener, ready.set)
        thread = threading.Thread(target=server.serve_until_stopped)
        thread.start()
        try:
            assert ready.wait(20)
            yield Served(url_of(listener, "127.0.0.1"), parts)
        finally:
            server.should_exit = True
            thread.join(20)
            parts.engine.dispose()
