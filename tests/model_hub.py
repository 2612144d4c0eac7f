"""A server that speaks what the Hugging Face Hub speaks to those who download, on this machine.

Large files are redirected to another host name, as to the Hub's storage; connections can break.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

STALLS_AT_MOST_S = 300.0

LARGE = (".model", ".distcp", ".pth", ".pt", ".safetensors", ".metadata")
"""What the Hub keeps outside git."""


@dataclass
class ModelHub:
    """Repositories by name, each a folder; and what happened to requests."""

    repositories: dict[str, Path]
    commit: str = "c0ffee00" * 5
    breaks_after: dict[str, int] = field(
        default_factory=dict
    )  # path: bytes, the next time only
    stalls_after: dict[str, int] = field(default_factory=dict)  # the same, until `go_on`
    go_on: threading.Event = field(default_factory=threading.Event)
    always_breaks: bool = False
    lies_about: set[str] = field(default_factory=set)  # paths sent with other bytes
    gated: set[str] = field(default_factory=set)  # repositories
    sent: dict[str, int] = field(default_factory=dict)  # bytes by path
    ranges: list[tuple[str, str]] = field(default_factory=list)  # path, Range header
    tokens_at_storage: list[str] = field(default_factory=list)
    url: str = ""
    storage: str = ""

    def file(self, repository: str, path: str) -> Path:
        """Where a file of a repository really is."""
        return self.repositories[repository] / path


@contextmanager
def model_hub(hub: ModelHub) -> Iterator[ModelHub]:
    """Serve until the block ends; `url` and `storage` are set meanwhile."""

    class Handler(_Handler):
        answers_for = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    port = server.server_address[1]
    hub.url, hub.storage = f"http://127.0.0.1:{port}", f"http://localhost:{port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    answers_for: ModelHub

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        match unquote(parts.path).strip("/").split("/"):
            case ["api", "models", owner, name, *_]:
                self._describe(f"{owner}/{name}", "blobs" in parse_qs(parts.query))
            case [owner, name, "resolve", _, *path]:
                self._resolve(f"{owner}/{name}", "/".join(path))
            case ["storage", owner, name, *path]:
                self.answers_for.tokens_at_storage += self.headers.get_all("authorization", [])
                self._send(f"{owner}/{name}", "/".join(path))
            case _:
                self._refuse(404, "RepoNotFound")

    def _describe(self, repository: str, blobs: bool) -> None:
        hub = self.answers_for
        if repository not in hub.repositories:
            self._refuse(404, "RepoNotFound")
        elif repository in hub.gated:
            self._refuse(403, "GatedRepo")
        else:
            folder = hub.repositories[repository]
            files = sorted(file for file in folder.rglob("*") if file.is_file())
            siblings = [_sibling(folder, file) if blobs else {} for file in files]
            self._send_bytes(
                json.dumps(
                    {"id": repository, "modelId": repository, "sha": hub.commit,
                     "siblings": siblings}
                ).encode()
            )  # fmt: skip

    def _resolve(self, repository: str, path: str) -> None:
        hub = self.answers_for
        file = hub.file(repository, path)
        if not file.is_file():
            self._refuse(404, "EntryNotFound")
        elif not path.endswith(LARGE):
            self._send(repository, path)
        else:
            self.send_response(302)
            self.send_header("Location", f"{hub.storage}/storage/{repository}/{quote(path)}")
            self.send_header("X-Repo-Commit", hub.commit)
            self.send_header("X-Linked-Etag", f'"{_sha256(file)}"')
            self.send_header("X-Linked-Size", str(file.stat().st_size))
            self.send_header("Content-Length", "0")
            self.end_headers()

    def _send(self, repository: str, path: str) -> None:
        hub = self.answers_for
        content = hub.file(repository, path).read_bytes()
        if path in hub.lies_about:
            content = bytes(len(content))
        start, asked = 0, self.headers.get("Range")
        if asked:
            hub.ranges.append((path, asked))
            start = int(asked.removeprefix("bytes=").partition("-")[0])
        rest = content[start:]
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header(
                "Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}"
            )
        self.send_header("X-Repo-Commit", hub.commit)
        self.send_header("ETag", f'"{_git_sha1(content)}"')
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        if self.command == "GET":
            self._send_rest(path, rest)

    def _send_rest(self, path: str, rest: bytes) -> None:
        """All of it, or a part and then nothing any more."""
        hub = self.answers_for
        break_after = 0 if hub.always_breaks else hub.breaks_after.pop(path, None)
        stalls = path in hub.stalls_after
        if stalls:
            break_after = hub.stalls_after.pop(path)
        piece = rest if break_after is None else rest[:break_after]
        self.wfile.write(piece)
        hub.sent[path] = hub.sent.get(path, 0) + len(piece)
        if break_after is not None:
            self.wfile.flush()
            self.close_connection = True
        if stalls:
            hub.go_on.wait(STALLS_AT_MOST_S)

    def _send_bytes(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()


def _sibling(folder: Path, file: Path) -> dict[str, object]:
    content = file.read_bytes()
    path = str(file.relative_to(folder))
    known = {"rfilename": path, "size": len(content), "blobId": _git_sha1(content)}
    if path.endswith(LARGE):
        known["lfs"] = {"sha256": _sha256(file), "size": len(content), "pointerSize": 130}
    return known


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _git_sha1(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
