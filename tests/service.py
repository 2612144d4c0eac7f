"""A whole `lyra-zoom serve` that can be killed part by part and started again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from enum import StrEnum
from pathlib import Path

import httpx
import psutil

KEY = "chaos:key"
OTHER_KEY = "somebody:else"
READY_WITHIN_S = 120.0
GONE_WITHIN_S = 60.0


class Part(StrEnum):
    """What can be killed; the value is what its command line says."""

    API = "api"
    WORKER = "work"
    ENGINE = "engine_child"
    EVERYTHING = "everything"


class Service:
    """One data folder, and the processes that serve it on one port."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.log = data.parent / "serve.log"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port: int = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._command = (
            *(sys.executable, "-m", "lyra_zoom", "serve"),
            *("--port", str(port), "--data", str(data)),
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Start and wait until it answers; returns the seconds that took."""
        environment = os.environ | {
            "LYRA_ZOOM_API_KEYS": f"{KEY},{OTHER_KEY}",
            "LYRA_ZOOM_ALLOW_PRIVATE_WEBHOOKS": "1",
        }
        began = time.monotonic()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment
            )
        while time.monotonic() - began < READY_WITHIN_S:
            try:
                if httpx.get(f"{self.url}/healthz", timeout=1).status_code == 200:
                    return time.monotonic() - began
            except httpx.TransportError:
                time.sleep(0.02)
        raise AssertionError(f"not ready; it said: {self.log.read_text()[-2000:]}")

    def processes(self) -> dict[int, psutil.Process]:
        """The supervisor and everything below it."""
        try:
            supervisor = psutil.Process(self._process.pid if self._process else -1)
            tree = [supervisor, *supervisor.children(recursive=True)]
        except (psutil.NoSuchProcess, ValueError):
            return {}
        return {process.pid: process for process in tree}

    def kill(self, part: Part) -> bool:
        """Kill -9 that part at this instant; False when it was not there to be killed."""
        everything = list(self.processes().values())
        if part is Part.EVERYTHING:
            victims = everything
        else:
            victims = [process for process in everything if _is(part, process)]
        for victim in victims:
            try:
                victim.send_signal(signal.SIGKILL)
            except psutil.NoSuchProcess:
                continue
        if part is Part.EVERYTHING and self._process is not None:
            self._process.wait()
            psutil.wait_procs(everything, timeout=GONE_WITHIN_S)
        return bool(victims)

    def stop(self, *signals: signal.Signals) -> int:
        """Ask it to stop, in good order or with these signals; returns its exit status."""
        assert self._process is not None
        everything = list(self.processes().values())
        for number in signals or (signal.SIGTERM,):
            self._process.send_signal(number)
        status = self._process.wait(GONE_WITHIN_S)
        alive = still_running(everything, timeout_s=10)
        assert not alive, f"left running: {alive}"
        return status


def still_running(processes: list[psutil.Process], timeout_s: float) -> list[psutil.Process]:
    """Those that live on after this time; one that only nobody has buried yet does not live."""
    _, left = psutil.wait_procs(processes, timeout=timeout_s)
    return [process for process in left if not _is_dead(process)]


def _is_dead(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _is(part: Part, process: psutil.Process) -> bool:
    """By the command line: `... engine_child`, `... work ...`, `... api ...`."""
    try:
        words = [word.rpartition(".")[2] for word in process.cmdline()]
    except psutil.Error:
        return False
    return part.value in words
