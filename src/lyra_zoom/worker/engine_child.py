"""The engine's own process: does what a worker tells it, one command at a time.

Commands come in on standard input, messages go out where standard output was, and whatever
libraries print goes to standard error. The process ends when its input does: its worker is gone
then. Only this side of the worker imports engines (`film_maker`).
"""

from __future__ import annotations

import argparse
import logging
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from lyra_zoom.contract.problems import body_of_rejection
from lyra_zoom.contract.zoom import EngineName
from lyra_zoom.engines.choose import choose_engine
from lyra_zoom.engines.compile_cache import keep_compiled_code
from lyra_zoom.engines.engine import Engine
from lyra_zoom.errors import (
    Cancelled,
    EngineFaulted,
    EngineNotReady,
    InputRejected,
    OutputRejected,
)
from lyra_zoom.pipeline.progress import NOT_BEGUN, ProgressReport, ProgressUpdate
from lyra_zoom.pipeline.words import STAGE_WORDS
from lyra_zoom.settings import Settings
from lyra_zoom.worker.engine_messages import (
    FAULTS,
    Do,
    Failure,
    FilmOrder,
    Line,
    Say,
    decode_line,
    encode_line,
)
from lyra_zoom.worker.film_maker import Choose, FilmMaker
from lyra_zoom.worker.parent_death import die_with_parent

PROGRESS_EVERY_S = 0.1

IDLE_LOOK_S = 1.0
"""How often an engine that has nothing to do is asked whether it could."""

logger = logging.getLogger(__name__)


class EngineChild:
    """Obeys commands; `send` takes messages and may be called from several threads."""

    def __init__(self, choose: Choose, send: Callable[[Line], None]) -> None:
        self._send = send
        self._maker = FilmMaker(choose)
        self._commands: queue.Queue[Line] = queue.Queue()
        self._cancelled_id = -1
        self._last: tuple[str, float] = ("", 0.0)

    def hear(self, lines: Iterable[bytes]) -> None:
        """Take commands from the worker until it is gone; a cancel is obeyed at once."""
        for line in lines:
            command = decode_line(line) or {}
            if command.get("do") == Do.CANCEL:
                self._cancelled_id = command["id"]
            elif command:
                self._commands.put(command)

    def work(self) -> None:
        """Get ready, say so, and obey commands; return only when that is impossible."""
        try:
            name = self._maker.load()
            self._send({"say": Say.LOADED, "engine": name})
            self._warm_up()
        except (EngineNotReady, EngineFaulted) as error:
            self._send({"say": Say.NOT_READY, "problem": str(error)})
            return
        self._send({"say": Say.READY, "engine": name})
        while (command := self._next_command()) is not None:
            self._obey(command)

    def _next_command(self) -> Line | None:
        """The next command; None where the engine, left alone, has become unable to obey it."""
        while True:
            try:
                return self._commands.get(timeout=IDLE_LOOK_S)
            except queue.Empty:
                reason = self._maker.why_not_ready()
            if reason is not None:
                self._send({"say": Say.LOST, "problem": reason})
                return None

    def _warm_up(self) -> None:
        """Get warm while there is nothing else to do: a first command does it just as well."""

        def unless_wanted(update: ProgressUpdate) -> None:
            if not self._commands.empty():
                raise Cancelled("there is work to do")

        try:
            self._maker.warm_up(ProgressReport(unless_wanted))
        except Cancelled:
            self._obey(self._commands.get())

    def _obey(self, command: Line) -> None:
        number = command["id"]
        self._maker.tell = lambda update: self._tell(number, update)
        try:
            result = self._carry_out(command)
        except Exception as error:  # noqa: BLE001  # the worker decides what a failure means
            self._send({"id": number, "say": Say.FAILED, **_failure(error)})
        else:
            self._send({"id": number, "say": Say.DONE, "result": result})

    def _carry_out(self, command: Line) -> Line:
        order = FilmOrder(**command["order"])
        if command["do"] == Do.PREPARE:
            return self._maker.prepare(order)
        target = Path(command["target"])
        if command["do"] == Do.CHUNK:
            states = [None if state is None else Path(state) for state in command["states"]]
            return self._maker.chunk(order, command["index"], target, states)
        segments = [Path(segment) for segment in command["segments"]]
        return self._maker.join(
            order, segments, target, command["prepare_s"], command["chunks_s"]
        )

    def _tell(self, number: int, update: ProgressUpdate) -> None:
        """Pass progress on, about ten times a second; stop when the worker wishes."""
        if self._cancelled_id == number:
            raise Cancelled("cancelled")
        if update.message:
            self._send({"id": number, "say": Say.LOG, "message": update.message})
        stage, sent_s = self._last
        now_s = time.monotonic()
        if update.stage == NOT_BEGUN or (
            update.stage == stage and now_s - sent_s < PROGRESS_EVERY_S
        ):
            return
        self._last = (update.stage, now_s)
        self._send(
            {
                "id": number,
                "say": Say.PROGRESS,
                "stage": STAGE_WORDS.get(update.stage, update.stage),
                "fraction": update.fraction,
                "eta_s": update.eta_s,
            }
        )


def run_child(choose: Choose, parent_pid: int) -> None:
    """Be the engine's process until the worker closes its end."""
    die_with_parent(parent_pid)
    messages = os.dup(1)
    os.dup2(2, 1)  # a stray print must not look like a message
    child = EngineChild(choose, Outbox(messages).send)
    threading.Thread(target=_hear_until_the_end, args=(child,), daemon=True).start()
    child.work()


def main() -> None:
    """Run with the operator's settings.

    The arguments are the process id of the worker, and the engine that it had before: a worker
    does not become another one because its GPU was lost.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("parent_pid", type=int)
    parser.add_argument("engine", nargs="?", default=EngineName.AUTO)
    arguments = parser.parse_args()
    settings = Settings.from_environment(os.environ)
    keep_compiled_code(settings.data)

    def choose(name: str, say: Callable[[str], None]) -> Engine:
        best = arguments.engine if name == EngineName.AUTO else name
        return choose_engine(best, settings, say)

    run_child(choose, arguments.parent_pid)


class Outbox:
    """Where messages go; safe to use from several threads."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def send(self, message: Line) -> None:
        """Send one message; when nobody listens any more, this process has no purpose."""
        line = encode_line(message)
        try:
            with self._lock:
                while line:
                    line = line[os.write(self._descriptor, line) :]
        except OSError:
            os._exit(0)


def _hear_until_the_end(child: EngineChild) -> None:
    child.hear(sys.stdin.buffer)
    os._exit(0)  # at once: the worker is gone, and nobody waits for what is unfinished


def _failure(error: Exception) -> Line:
    """What a worker may pass on: never a path, never a stack."""
    if isinstance(error, Cancelled):
        return {"kind": Failure.CANCELLED, "message": "cancelled"}
    if isinstance(error, InputRejected):
        body = body_of_rejection(error).to_wire()
        return {"kind": Failure.REJECTED, "message": str(error), "body": body}
    if isinstance(error, EngineNotReady):
        return {"kind": Failure.NOT_READY, "message": str(error)}
    if isinstance(error, OutputRejected):
        return {"kind": Failure.NO_SPACE, "message": "the disk of the worker is full"}
    for kind, fault in FAULTS.items():
        if isinstance(error, fault):
            logger.error("the engine is at fault reason=%r", str(error))
            return {"kind": kind, "message": str(error)}
    logger.exception("a command failed")
    return {"kind": Failure.OTHER, "message": f"the engine failed: {type(error).__name__}"}


if __name__ == "__main__":
    main()
