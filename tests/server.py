"""The web application on a real socket, in a thread of the tests, with no worker behind it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from lyra_zoom.contract.zoom import ENDPOINT_ID, VideoFile, ZoomOutput
from lyra_zoom.jobs.job import Ending, Outcome
from lyra_zoom.server.listener import listen, url_of
from lyra_zoom.server.parts import Parts, open_parts
from lyra_zoom.server.serve_http import Server
from lyra_zoom.settings import Settings

KEY = "test:key"
SUBMIT = f"/queue/{ENDPOINT_ID}"
RUN = f"/run/{ENDPOINT_ID}"
INPUT: dict[str, Any] = {"image_url": "https://x.test/a.png", "prompt": "a harbour"}
OUTPUT = ZoomOutput(video=VideoFile(url="https://x.test/a.mp4"), seed=7).to_wire()
SUCCESS = Ending(outcome=Outcome.SUCCEEDED, status=200, body=OUTPUT, inference_s=1.5)


@dataclass(frozen=True, slots=True)
class RunningApi:
    """A server that answers under `url`, and what it stands on."""

    url: str
    key: str
    parts: Parts
    server: Server

    def client(self, key: str | None = None, **options: Any) -> httpx.Client:
        """A client of this server, with its key or another one."""
        headers = {"Authorization": f"Key {key or self.key}"}
        quick = {"verify": False, "trust_env": False, "timeout": 10}  # no certificates to load
        return httpx.Client(base_url=self.url, headers=headers, **(quick | options))

    def new_key(self) -> str:
        """Another client's key."""
        return self.parts.keys.create("another", time.time()).key

    def submit(self, **headers: str) -> str:
        """The id of a request that was just accepted."""
        with self.client() as client:
            return client.post(SUBMIT, json=INPUT, headers=headers).json()["request_id"]

    def begin(self, request_id: str) -> None:
        """What a worker does first."""
        assert self.parts.requests.begin(request_id, time.time())

    def say(self, request_id: str, message: str) -> None:
        """What a worker does meanwhile."""
        self.parts.events.append(request_id, message, time.time())

    def end(self, request_id: str, ending: Ending = SUCCESS) -> None:
        """What a worker does last."""
        assert self.parts.requests.end(request_id, ending, time.time())


@contextmanager
def running_api(data: Path, **settings: Any) -> Iterator[RunningApi]:
    """A server on a free port and a data folder of its own; stopped at the end."""
    chosen = Settings(data=data, **{"api_keys": (KEY,), **settings})
    parts, ready = open_parts(chosen), threading.Event()
    with listen("127.0.0.1", 0) as listener:
        server = Server(parts, listener, ready.set)
        thread = threading.Thread(target=server.serve_until_stopped)
        thread.start()
        try:
            assert ready.wait(20), "the server did not start"
            yield RunningApi(url_of(listener, "127.0.0.1"), KEY, parts, server)
        finally:
            server.should_exit = True
            thread.join(20)
            parts.close()
    assert not thread.is_alive(), "the server did not stop"
