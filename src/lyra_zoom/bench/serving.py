"""A whole `lyra-zoom serve` of its own, on a fresh folder, for as long as it is measured."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from lyra_zoom.errors import JobFailed

READY_WITHIN_S = 60.0
GONE_WITHIN_S = 20.0
PAUSE_S = 0.005


class Serving:
    """Use as a context manager; `start_s` is how long it took until the server answered."""

    def __init__(self, folder: Path) -> None:
        self._key = secrets.token_hex(16)
        self._data, self._said = folder / "data", folder / "serve.log"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port: int = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self.headers = {"Authorization": f"Key {self._key}"}
        self.start_s = 0.0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process that all others belong to."""
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Start it, and wait until it answers."""
        began = time.perf_counter()
        command = (sys.executable, "-m", "lyra_zoom", "serve", "--port", str(self._port))
        with self._said.open("ab") as said:
            self._process = subprocess.Popen(
                (*command, "--data", str(self._data)),
                stdout=said,
                stderr=said,
                stdin=subprocess.DEVNULL,
                env=os.environ | {"LYRA_ZOOM_API_KEYS": self._key},
            )
        self._wait_for("/healthz")
        self.start_s = time.perf_counter() - began

    def wait_for_engine(self) -> None:
        """Return once a worker whose engine is warm is there."""
        self._wait_for("/readyz")

    def stop(self) -> None:
        """End it in good order, or at once when that takes too long."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(GONE_WITHIN_S)
            except subprocess.TimeoutExpired:
                self._process.kill()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _wait_for(self, path: str) -> None:
        began = time.perf_counter()
        while time.perf_counter() - began < READY_WITHIN_S:
            if self._process is None or self._process.poll() is not None:
                break
            try:
                if httpx.get(self.url + path, timeout=5).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(PAUSE_S)
        said = self._said.read_text(errors="replace").strip().splitlines() or ["nothing"]
        raise JobFailed(f"the measured server is not ready; it said: {said[-1]}")
