"""Everything on one machine: the API and the workers as child processes, kept alive to the end.

Imports nothing heavy: what it is for is to be there, and to start the others at once.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO

from lyra_zoom.errors import (
    EXIT_DATABASE_UNUSABLE,
    DatabaseUnusable,
    DataFolderTaken,
    NotPossibleNow,
)
from lyra_zoom.settings import Settings
from lyra_zoom.worker.gpus import CHOSEN

LOOK_EVERY_S = 0.05

API_FIRST_S = 3.0
"""How long workers wait for the API to answer: getting warm, they take all there is to take."""

STEADY_S = 5.0
"""A child that lived this long may be started again at once."""

RETRY_S = (0.0, 0.2, 1.0, 5.0, 15.0)
"""Waits before a child is started again that keeps dying young."""

GRACE_S = 10.0
"""What children get to end in good order."""

READY = "ready "
"""How the API begins the line by which it says that it answers."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What to run: an API on this socket, and so many workers, who share out the GPUs.

    The socket is the supervisor's: while the API starts again, callers wait.
    """

    settings: Settings
    listener: socket.socket
    workers: int
    gpus: tuple[str, ...] = ()  # by the names that CUDA knows


@dataclass(slots=True)
class _Child:
    """One child process and how often it died young."""

    name: str
    arguments: list[str]
    environment: dict[str, str] = field(default_factory=dict)  # besides our own
    process: subprocess.Popen[bytes] | None = None
    started_s: float = 0.0
    young_deaths: int = 0
    start_at_s: float = 0.0
    threads: list[threading.Thread] = field(default_factory=list)


@contextmanager
def held_data_folder(data: Path) -> Iterator[None]:
    """The data folder is ours inside the block; a second server raises `DataFolderTaken`."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(data / "serve.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise NotPossibleNow(f"cannot write to the data folder {data}: {reason}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise DataFolderTaken(
            f"another lyra-zoom serves from {data}; stop it, or name another folder by --data"
        ) from error
    finally:
        os.close(descriptor)


def executor_id(settings: Settings, number: int) -> str:
    """The same after every restart, so that a worker takes up at once what it left behind."""
    if settings.database_url is None:
        return f"local-{number}"
    where = hashlib.sha256(str(settings.data.absolute()).encode()).hexdigest()[:8]
    return f"{socket.gethostname()}-{where}-{number}"


class Supervisor:
    """Runs the children. Use from the main thread: it receives the signals."""

    def __init__(self, serving: Serving, log: IO[str]) -> None:
        self._listener = serving.listener
        self._log = log
        parent = ["--parent", str(os.getpid())]
        self._children = [
            _Child("api", ["api", "--listener", str(serving.listener.fileno()), *parent])
        ]
        for number in range(serving.workers):
            name = executor_id(serving.settings, number)
            self._children.append(
                _Child(
                    f"work-{number}",
                    ["work", "--executor-id", name, *parent],
                    _gpu_of(number, serving.gpus),
                )
            )
        self._signals = 0
        self.api_ready = threading.Event()

    def start_api(self) -> None:
        """Start what callers wait for."""
        self._start(self._children[0])

    def run(self, on_ready: Callable[[], None]) -> None:
        """Keep the children alive until SIGTERM or SIGINT, then end them all."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._stop)
        told = False
        workers_from_s = time.monotonic() + API_FIRST_S
        try:
            while not self._signals:
                self._keep_alive(self._children[0])
                if self.api_ready.is_set() or time.monotonic() > workers_from_s:
                    for child in self._children[1:]:
                        self._keep_alive(child)
                if self.api_ready.is_set() and not told:
                    told = True
                    on_ready()
                time.sleep(LOOK_EVERY_S)
        finally:
            self._end_all()

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._signals += 1

    def _keep_alive(self, child: _Child) -> None:
        now_s = time.monotonic()
        if child.process is None:
            if now_s >= child.start_at_s:
                self._start(child)
            return
        status = child.process.poll()
        if status is None:
            return
        if status == EXIT_DATABASE_UNUSABLE:
            for thread in child.threads:  # they pass on what it said
                thread.join(1)
            raise DatabaseUnusable(f"stopped: {child.name} cannot work with the database")
        lived_s = now_s - child.started_s
        child.young_deaths = 0 if lived_s > STEADY_S else child.young_deaths + 1
        wait_s = RETRY_S[min(child.young_deaths, len(RETRY_S) - 1)]
        self._say(f"{child.name} ended ({_in_words(status)}); it is started again")
        end_group(child.process.pid)
        child.process, child.start_at_s = None, now_s + wait_s

    def _start(self, child: _Child) -> None:
        child.started_s = time.monotonic()
        child.process = subprocess.Popen(
            [sys.executable, "-m", "lyra_zoom", *child.arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=[self._listener.fileno()] if child.name == "api" else [],
            env=os.environ | child.environment,
            start_new_session=True,  # Ctrl-C is for us; we tell the others
        )
        child.threads = [
            threading.Thread(
                target=self._read_output, args=(child.process.stdout,), daemon=True
            ),
            threading.Thread(
                target=self._pass_on, args=(child.name, child.process.stderr), daemon=True
            ),
        ]
        for thread in child.threads:
            thread.start()

    def _read_output(self, output: IO[bytes]) -> None:
        with output:
            for line in output:
                if line.decode(errors="replace").startswith(READY):
                    self.api_ready.set()

    def _pass_on(self, name: str, errors: IO[bytes]) -> None:
        with errors:
            for line in errors:
                self._say(f"{name} | {line.decode(errors='replace').rstrip()}")

    def _say(self, line: str) -> None:
        print(line, file=self._log, flush=True)

    def _end_all(self) -> None:
        """SIGTERM to all, a second signal or the end of their time means SIGKILL."""
        running = [child.process for child in self._children if child.process is not None]
        for process in running:
            process.terminate()
        give_up_s = time.monotonic() + GRACE_S
        while any(process.poll() is None for process in running):
            if self._signals > 1 or time.monotonic() > give_up_s:
                break
            time.sleep(LOOK_EVERY_S)
        for process in running:
            end_group(process.pid)
            process.wait()
        for child in self._children:
            for thread in child.threads:
                thread.join(1)


def end_group(leader_pid: int) -> None:
    """Kill what is left of a child's process group: the engine of a worker that died."""
    try:
        os.killpg(leader_pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _gpu_of(worker: int, gpus: tuple[str, ...]) -> dict[str, str]:
    """What lets a worker see one GPU alone; more workers than GPUs share them."""
    return {CHOSEN: gpus[worker % len(gpus)]} if gpus else {}


def _in_words(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else f"exit status {status}"
