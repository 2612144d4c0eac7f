"""One video on several GPUs: the engine's process leads, others share every forward pass.

Everything but the transformer is computed by the lead alone. The members repeat its calls of
the transformer and nothing else, so a video that is cancelled leaves nobody in the middle of
anything. When one process fails, all are ended, and the engine has to be started again.
"""

from __future__ import annotations

import atexit
import itertools
import logging
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import weakref
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from lyra_zoom.engines.lyra2.attention import choose_attention
from lyra_zoom.engines.lyra2.crew_orders import (
    LOADED,
    CrewOrder,
    Duty,
    Task,
    Team,
    join_group,
    show,
)
from lyra_zoom.engines.lyra2.faults import named_faults
from lyra_zoom.engines.lyra2.parallel import share_tokens
from lyra_zoom.engines.lyra2.transformer import Lyra2Transformer
from lyra_zoom.errors import EngineFaulted, GpuLost, LyraZoomError

MEMBER = (sys.executable, "-m", "lyra_zoom.engines.lyra2.crew_member")

REASON_S = 3.0
"""How long a failure waits to hear which process it began with."""

logger = logging.getLogger(__name__)


class Crew:
    """The other processes. They start at once; `meet` waits for them.

    One thread uses it, and a process has one crew at a time.
    """

    def __init__(self, team: Team, command: Sequence[str] = MEMBER) -> None:
        self._team = team
        self._device = team.device(0)
        self._changed = threading.Condition()
        self._loaded = 0
        self._faults: list[LyraZoomError] = []
        self._ends: list[str] = []
        self._closed = False
        self._group: dist.ProcessGroup | None = None
        self._numbers = itertools.count()
        self._unneeded: deque[int] = deque()
        self._meeting = Path(tempfile.mkdtemp(prefix="lyra-zoom-"))
        self._members: list[subprocess.Popen[bytes]] = []
        self._watchers: list[threading.Thread] = []
        atexit.register(self.close)
        for rank in range(1, team.processes):
            self._start(rank, command)

    def meet(self, transformer: Lyra2Transformer) -> None:
        """Share every forward pass of the lead's transformer from now on."""
        with self._changed:
            self._changed.wait_for(lambda: self._loaded == len(self._members) or self._ends)
        with self._as_one():
            self._group = join_group(Duty(team=self._team, rank=0, meeting=self._meeting))
        kernel = choose_attention(self._team.plan.attention, self._device)
        share_tokens(transformer, self._group, kernel)

    @contextmanager
    def told(self, task: Task, *shown: Tensor) -> Iterator[None]:
        """The members do this task with these tensors while the lead does it in the block.

        Raises:
            EngineFaulted: a process failed, the lead or a member. All members are ended.
        """
        with self._as_one():
            forget = tuple(self._unneeded.popleft() for _ in range(len(self._unneeded)))
            kinds = tuple((tensor.shape, tensor.dtype) for tensor in shown)
            order = pickle.dumps(CrewOrder(task=task, shown=kinds, forget=forget))
            for member in self._members:
                _write(member, order)
            show(shown, self._device)
            yield
            if self._device.type == "cuda":
                torch.cuda.synchronize(self._device)  # or what was lost is noticed too late
                self._raise_if_lost()

    def next_number(self) -> int:
        """A number for something that the members shall keep."""
        return next(self._numbers)

    def forget_with(self, owner: Any, number: int) -> None:  # noqa: ANN401  # whatever it is
        """Let the members keep this number for as long as `owner` is there."""
        weakref.finalize(owner, self._unneeded.append, number).atexit = False

    def why_lost(self) -> str | None:
        """Why the crew cannot work any more, though nobody may have asked it to; else None."""
        why = self._why_lost()
        return None if why is None else str(why)

    def close(self) -> None:
        """End all members, whatever they do."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
        atexit.unregister(self.close)
        for member in self._members:
            member.kill()
        for watcher in self._watchers:
            watcher.join()
        for member in self._members:
            for pipe in (member.stdin, member.stdout):
                if pipe is not None:
                    with suppress(OSError):  # half an order, which nobody will read
                        pipe.close()
        if self._group is not None:
            with suppress(RuntimeError):  # what was aborted may not end in good order
                dist.destroy_process_group()
        shutil.rmtree(self._meeting, ignore_errors=True)

    @contextmanager
    def _as_one(self) -> Iterator[None]:
        """What fails here may have left the members anywhere: they are ended."""
        self._raise_if_lost()
        try:
            with named_faults():
                yield
        except Exception as error:
            with self._changed:
                self._changed.wait_for(lambda: self._ends, REASON_S)
            why = self._why_lost()
            self.close()
            if why is None and isinstance(error, EngineFaulted):
                raise
            raise why or GpuLost(f"the GPUs that share a video lost touch: {error}") from error
        except BaseException:
            self.close()
            raise

    def _raise_if_lost(self) -> None:
        why = self._why_lost()
        if why is not None:
            self.close()
            raise why

    def _why_lost(self) -> LyraZoomError | None:
        """What a member said at its end, else how one ended."""
        with self._changed:
            if self._faults:
                return self._faults[0]
            if self._ends:
                return GpuLost(f"a process that shares the work {self._ends[0]}")
            return (
                GpuLost("the processes that shared the work are gone") if self._closed else None
            )

    def _start(self, rank: int, command: Sequence[str]) -> None:
        member = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        watcher = threading.Thread(
            target=self._watch, args=(member, rank), name=f"crew-{rank}", daemon=True
        )
        self._members.append(member)
        self._watchers.append(watcher)
        watcher.start()
        with suppress(OSError):  # it is dead already: its watcher tells
            _write(
                member, pickle.dumps(Duty(team=self._team, rank=rank, meeting=self._meeting))
            )

    def _watch(self, member: subprocess.Popen[bytes], rank: int) -> None:
        """Hear a member until it ends; then nobody shall wait for it."""
        assert member.stdout is not None
        with suppress(EOFError, pickle.UnpicklingError):
            while True:
                self._hear(pickle.load(member.stdout))
        status = member.wait()
        with self._changed:
            if self._closed:
                return
            self._ends.append(_in_words(status))
            self._changed.notify_all()
        logger.error("a process that shares the work ended rank=%d status=%d", rank, status)
        for other in self._members:
            other.kill()
        if self._group is not None and self._device.type == "cuda":
            self._group.abort()  # lets go the lead, which may wait for the lost GPU

    def _hear(self, report: LyraZoomError | str) -> None:
        with self._changed:
            if isinstance(report, LyraZoomError):
                self._faults.append(report)
            self._loaded += report == LOADED
            self._changed.notify_all()


def _write(member: subprocess.Popen[bytes], message: bytes) -> None:
    assert member.stdin is not None
    member.stdin.write(message)
    member.stdin.flush()


def _in_words(status: int) -> str:
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"ended with status {status}"
