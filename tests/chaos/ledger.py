"""What clients saw of their requests, and the rules that must hold whatever dies."""

from __future__ import annotations

import io
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import av
import httpx

ORDER = {"IN_QUEUE": 0, "IN_PROGRESS": 1, "COMPLETED": 2}


@dataclass(slots=True)
class Entry:
    """One acknowledged request as its client knows it."""

    status_url: str
    response_url: str
    seen: int = 0
    answer: tuple[int, str] | None = None
    webhook_bodies: set[bytes] = field(default_factory=set)


class Ledger:
    """Every acknowledged request; raises `AssertionError` when a promise is broken."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.broken: list[str] = []

    def acknowledge(self, answer: dict[str, Any]) -> None:
        """The server said that it keeps this request."""
        self.entries.setdefault(
            answer["request_id"], Entry(answer["status_url"], answer["response_url"])
        )

    def open(self) -> list[Entry]:
        """The requests whose answer is not known yet."""
        return [entry for entry in list(self.entries.values()) if entry.answer is None]

    def look(self, entry: Entry, client: httpx.Client) -> None:
        """Ask where a request is, and for its answer once it has one."""
        status = client.get(entry.status_url)
        self._expect(status.status_code in (200, 202), f"status said {status.status_code}")
        seen = ORDER[status.json()["status"]]
        self._expect(seen >= entry.seen, f"went back to {status.json()['status']}")
        entry.seen = seen
        if seen == ORDER["COMPLETED"]:
            result = client.get(entry.response_url)
            entry.answer = (result.status_code, result.text)
            if result.status_code == 200:
                self._check_video(result.json()["video"], client)

    def look_again(self, client: httpx.Client) -> None:
        """Every answer is still the one that was given first."""
        for entry in self.entries.values():
            result = client.get(entry.response_url)
            self._expect((result.status_code, result.text) == entry.answer, "answer changed")

    def outcomes(self) -> dict[int, int]:
        """How many requests were answered with which status."""
        counts: dict[int, int] = {}
        for entry in self.entries.values():
            if entry.answer is not None:
                counts[entry.answer[0]] = counts.get(entry.answer[0], 0) + 1
        return counts

    def without_webhook(self) -> list[str]:
        """The requests whose receiver has heard nothing."""
        return [name for name, entry in self.entries.items() if not entry.webhook_bodies]

    def _check_video(self, video: dict[str, Any], client: httpx.Client) -> None:
        data = client.get(video["url"]).content
        self._expect(len(data) == video["file_size"], "a file is not whole")
        with av.open(io.BytesIO(data), "r") as film:
            frames = sum(packet.size > 0 for packet in film.demux(video=0))
        self._expect(frames == video["num_frames"], f"{frames} frames")

    def _expect(self, holds: bool, otherwise: str) -> None:
        if not holds:
            self.broken.append(otherwise)
            raise AssertionError(otherwise)


class Receiver:
    """A place that webhooks go to; notes every body in the ledger."""

    def __init__(self, ledger: Ledger) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # the name the library calls
                body = self.rfile.read(int(self.headers["Content-Length"]))
                entry = ledger.entries.get(json.loads(body)["request_id"])
                if entry is not None:  # else accepted, but the acknowledgement was lost
                    entry.webhook_bodies.add(body)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
