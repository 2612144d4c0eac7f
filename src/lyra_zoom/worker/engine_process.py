"""A worker's hold on its engine: a process of its own, replaced when it dies.

Loads no engine and no numpy: a crash of native code takes away one command, never the worker.
"""

from __future__ import annotations

import itertools
import logging
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from lyra_zoom.errors import (
    Cancelled,
    EngineDied,
    EngineFailed,
    EngineHung,
    EngineNotReady,
    NotPossibleNow,
)
from lyra_zoom.worker.engine_messages import (
    FAULTS,
    Do,
    Failure,
    FilmOrder,
    Line,
    Progressed,
    Say,
    decode_line,
    encode_line,
)

CHILD = (sys.executable, "-m", "lyra_zoom.worker.engine_child")

GRACE_S = 1.5
"""How long an engine may take to stop by itself before it is killed."""

LOOK_EVERY_S = 0.1
"""How often a call asks whether it is still wanted."""

SILENCE_S = 120.0
"""Without a word for so long, an engine hangs: it reports every frame or denoise step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long an engine may go without a word, and may take to stop, in seconds."""

    silence_s: float
    grace_s: float


LARGE_STEPS = {"lyra2": Pace(silence_s=600.0, grace_s=45.0)}
"""Engines whose smallest step is a pass through a large network.

Besides, they compile anew for another size of video, and read their weights again for another
schedule. To kill one costs the minutes in which it is loaded.
"""

WARM_UP_S = 900.0
"""The same for getting ready, which may compile or read tens of gigabytes."""

TRUSTED_STARTS = 3
"""Starts that may fail before that counts as a verdict."""

RETRY_S = (0.0, 0.5, 2.0, 10.0, 30.0)
"""Waits before the engine is started again when it keeps dying before it is ready."""

logger = logging.getLogger(__name__)


class InputRefused(Exception):
    """The engine refused the request; `body` is the answer 422."""

    def __init__(self, message: str, body: Line) -> None:
        super().__init__(message)
        self.body = body


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineState:
    """How the engine is: loaded means that it can run here, ready that it is warm."""

    name: str = "unknown"
    loaded: bool = False
    ready: bool = False
    problem: str | None = None  # why it cannot run here at all
    trouble: str | None = None  # why it had to be started again, until it is ready


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """Who listens while the engine works: to progress, to words, and whether to go on."""

    progressed: Callable[[Progressed], None]
    said: Callable[[str], None]
    unwanted: Callable[[], bool]


class EngineProcess:
    """The engine's process. One call at a time; `start` returns at once and never gives up."""

    def __init__(self, command: Sequence[str] = CHILD, silence_s: float = SILENCE_S) -> None:
        self._command = [*command, str(os.getpid())]
        self._silence_s = silence_s
        self._changed = threading.Condition()
        self._state = EngineState()
        self._child: subprocess.Popen[bytes] | None = None
        self._closing = threading.Event()
        self._killed_because = ""
        self._last_end = "it was never started"
        self._asked = False
        self._inbox: queue.Queue[Line | None] = queue.Queue()
        self._numbers = itertools.count()
        self._same_engine: tuple[str, ...] = ()  # what was chosen once stays chosen
        self._keeper = threading.Thread(target=self._keep, name="engine", daemon=True)

    def start(self) -> None:
        """Begin to start the engine."""
        self._keeper.start()

    @property
    def state(self) -> EngineState:
        """How the engine is just now."""
        return self._state

    def wait_until_loaded(self, timeout_s: float) -> EngineState:
        """How the engine is once it has a verdict about itself, or after this time."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._state.loaded or self._state.problem or self._closing.is_set(),
                timeout_s,
            )
        return self._state

    def prepare(self, order: FilmOrder, watching: Watching) -> Line:
        """Have the photograph understood; see `FilmMaker.prepare` for the answer."""
        return self._call({"do": Do.PREPARE, "order": order.to_line()}, watching)

    def chunk(self, order: FilmOrder, piece: Line, target: str, watching: Watching) -> Line:
        """Have one chunk drawn into the file `target`; `piece` is its index and the states.

        See `FilmMaker.chunk` for the answer.
        """
        command = {"do": Do.CHUNK, "order": order.to_line(), "target": target, **piece}
        return self._call(command, watching)

    def join(self, order: FilmOrder, pieces: Line, target: str, watching: Watching) -> Line:
        """Have the film put together; `pieces` are segments, prepare_s and chunks_s."""
        command = {"do": Do.JOIN, "order": order.to_line(), "target": target, **pieces}
        return self._call(command, watching)

    def close(self) -> None:
        """End the engine at once, whatever it does."""
        self._closing.set()
        self._kill("the worker stops")
        with self._changed:
            self._changed.notify_all()
        if self._keeper.is_alive():
            self._keeper.join(5)

    # A call, in the thread of whoever wants something.

    def _call(self, command: Line, watching: Watching) -> Line:
        """The result of a command, or the error that says why there is none."""
        self._wait_until_loaded(watching)
        inbox: queue.Queue[Line | None] = queue.Queue()
        self._inbox = inbox
        number = next(self._numbers)
        self._send({"id": number, **command})
        heard_s, cancelled_s = time.monotonic(), 0.0
        while True:
            message = self._next_of(inbox)
            now_s = time.monotonic()
            if message is not None and message.get("id") == number:
                heard_s = now_s
                if message["say"] in (Say.DONE, Say.FAILED):
                    if message.get("kind") in FAULTS:
                        self._kill(message["message"], trouble=message["message"])
                    return _outcome(message)
                if not cancelled_s:
                    _pass_on(message, watching)
            elif message is None and now_s - heard_s > self._pace().silence_s:
                self._kill("it hung")
                raise EngineHung(f"the engine said nothing for {now_s - heard_s:.0f} s")
            if not cancelled_s and watching.unwanted():
                cancelled_s = now_s
                self._send({"id": number, "do": Do.CANCEL})
            elif cancelled_s and now_s - cancelled_s > self._pace().grace_s:
                self._kill("it did not stop when told to")
                raise Cancelled("cancelled")

    def _pace(self) -> Pace:
        """What may be expected of this engine; one that was never warm may still compile."""
        usual = Pace(silence_s=self._silence_s, grace_s=GRACE_S)
        pace = LARGE_STEPS.get(self._state.name, usual)
        return pace if self._state.ready else replace(pace, silence_s=WARM_UP_S)

    def _next_of(self, inbox: queue.Queue[Line | None]) -> Line | None:
        """The next message, None after a while without; the end of the engine is an error."""
        try:
            message = inbox.get(timeout=LOOK_EVERY_S)
        except queue.Empty:
            return None
        if message is None:
            raise EngineDied(f"the engine's process ended: {self._last_end}")
        return message

    def _wait_until_loaded(self, watching: Watching) -> None:
        give_up_s = time.monotonic() + WARM_UP_S
        told = False
        while not self._state.loaded:
            if self._closing.is_set():
                raise EngineDied("the worker stops")
            if self._state.problem is not None:
                raise EngineNotReady(self._state.problem)
            if time.monotonic() > give_up_s:
                raise EngineHung(f"the engine did not start within {WARM_UP_S:g} s")
            if watching.unwanted():
                raise Cancelled("cancelled")
            if not told:
                watching.said("the engine is starting")
                told = True
            with self._changed:
                self._changed.wait(LOOK_EVERY_S)

    def _send(self, command: Line) -> None:
        child = self._child
        if child is None or child.stdin is None:
            raise EngineDied("the engine's process ended")
        self._asked = True
        try:
            child.stdin.write(encode_line(command))
            child.stdin.flush()
        except (OSError, ValueError) as error:  # it is dead, or its keeper closed it just now
            self._kill("it does not listen")
            raise EngineDied("the engine's process ended") from error

    def _kill(self, reason: str, trouble: str | None = None) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        # The next call waits for its successor.
        self._set(EngineState(name=self._state.name, trouble=trouble))
        if child.poll() is None:
            self._killed_because = reason
            child.kill()

    # The keeper: one thread for as long as the worker lives. It has to be the one that starts
    # the engine, because the kernel ends the engine with the thread that started it.

    def _keep(self) -> None:
        failures = 0
        while not self._closing.wait(RETRY_S[min(failures, len(RETRY_S) - 1)]):
            failures = 0 if self._live_once() else failures + 1
            if failures >= TRUSTED_STARTS and self._state.problem is None:
                self._set(EngineState(problem=f"the engine does not start: {self._last_end}"))

    def _live_once(self) -> bool:
        """Start the engine and listen until it ends; False when it ended by itself too soon."""
        self._asked = False
        try:
            child = subprocess.Popen(
                [*self._command, *self._same_engine],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        except OSError as error:
            self._last_end = (error.strerror or "unknown reason").lower()
            return False
        self._child = child
        if self._closing.is_set():
            child.kill()
        was_ready = False
        for line in child.stdout or ():
            message = decode_line(line)
            if message is not None and child is self._child:
                was_ready = was_ready or message.get("say") == Say.READY
                self._hear(message)
        self._last_end = self._reason(child)
        _close_pipes(child)
        self._set(replace(self._state, loaded=False, ready=False))
        self._child = None
        if not self._closing.is_set():
            logger.warning("the engine's process ended reason=%r", self._last_end)
        self._inbox.put(None)
        return was_ready or self._asked  # what it was asked to do may have killed it

    def _hear(self, message: Line) -> None:
        if message.get("say") == Say.LOADED:
            self._same_engine = (message["engine"],)
            trouble = self._state.trouble
            self._set(EngineState(name=message["engine"], loaded=True, trouble=trouble))
        elif message.get("say") == Say.READY:
            self._set(EngineState(name=message["engine"], loaded=True, ready=True))
        elif message.get("say") == Say.NOT_READY:
            if self._state.problem != message["problem"]:
                logger.error("the engine cannot run here reason=%r", message["problem"])
            self._set(EngineState(problem=message["problem"]))
        elif message.get("say") == Say.LOST:
            self._kill(message["problem"], trouble=message["problem"])
        else:
            self._inbox.put(message)

    def _reason(self, child: subprocess.Popen[bytes]) -> str:
        status = child.wait()
        if self._killed_because:
            reason, self._killed_because = self._killed_because, ""
            return reason
        if status == -signal.SIGKILL:
            return "killed, as happens when memory runs out"
        return signal.Signals(-status).name if status < 0 else f"exit status {status}"

    def _set(self, state: EngineState) -> None:
        with self._changed:
            self._state = state
            self._changed.notify_all()


def _close_pipes(child: subprocess.Popen[bytes]) -> None:
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with suppress(OSError):  # half a command, which nobody will read
                pipe.close()


def _pass_on(message: Line, watching: Watching) -> None:
    if message["say"] == Say.LOG:
        watching.said(message["message"])
    elif message["say"] == Say.PROGRESS:
        watching.progressed(
            Progressed(
                stage=message["stage"], fraction=message["fraction"], eta_s=message["eta_s"]
            )
        )


def _outcome(message: Line) -> Line:
    if message["say"] == Say.DONE:
        result: Line = message["result"]
        return result
    if message["kind"] == Failure.CANCELLED:
        raise Cancelled("cancelled")
    if message["kind"] == Failure.REJECTED:
        raise InputRefused(message["message"], message["body"])
    if message["kind"] == Failure.NOT_READY:
        raise EngineNotReady(message["message"])
    if message["kind"] == Failure.NO_SPACE:
        raise NotPossibleNow(message["message"])
    if message["kind"] in FAULTS:
        raise FAULTS[message["kind"]](message["message"])
    raise EngineFailed(message["message"])
