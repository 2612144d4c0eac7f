"""A process that computes its part of every forward pass, together with the engine's own.

It knows nothing of photographs or films. It ends when its standard input does: the engine's
process is gone then, or needs it no longer.
"""

from __future__ import annotations

import logging
import os
import pickle
import queue
import shutil
import signal
import sys
import threading
from typing import IO

import torch

from lyra_zoom.engines.lyra2.attention import choose_attention
from lyra_zoom.engines.lyra2.conditions import Conditions
from lyra_zoom.engines.lyra2.crew_orders import (
    LOADED,
    CrewOrder,
    Duty,
    PredictVelocity,
    PrepareChunk,
    PreparePrompt,
    UseLoras,
    join_group,
    see,
)
from lyra_zoom.engines.lyra2.faults import named_faults
from lyra_zoom.engines.lyra2.parallel import share_tokens
from lyra_zoom.engines.lyra2.transformer import PreparedChunk, PreparedPrompt
from lyra_zoom.engines.lyra2.transformer_loading import load_transformer
from lyra_zoom.errors import LyraZoomError

logger = logging.getLogger(__name__)


class Member:
    """Loads the transformer and does with it what it is told."""

    def __init__(self, duty: Duty) -> None:
        self._duty = duty
        self._device = duty.team.device(duty.rank)
        self._transformer, self._loras = load_transformer(duty.team.plan, self._device)
        self._prompts: dict[int, PreparedPrompt] = {}
        self._chunks: dict[int, PreparedChunk] = {}

    def meet(self) -> None:
        """Share every forward pass from now on."""
        kernel = choose_attention(self._duty.team.plan.attention, self._device)
        share_tokens(self._transformer, join_group(self._duty), kernel)

    @torch.no_grad()
    def obey(self, order: CrewOrder) -> None:
        """Do what the lead does just now."""
        for number in order.forget:
            self._prompts.pop(number, None)
            self._chunks.pop(number, None)
        shown = see(order.shown, self._device)
        match order.task:
            case UseLoras(distilled):
                self._loras.use(distilled=distilled)
            case PreparePrompt(number):
                self._prompts[number] = self._transformer.prepare_prompt(*shown)
            case PrepareChunk(number, keep):
                names = Conditions.__dataclass_fields__
                conditions = Conditions(**dict(zip(names, shown, strict=True)))
                self._chunks[number] = self._transformer.prepare(conditions, keep)
            case PredictVelocity(prompt, chunk):
                self._transformer(*shown, self._prompts[prompt], self._chunks[chunk])


def main() -> None:
    """Be a member until the lead is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the lead; it tells the others
    reports = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # a stray print must not look like a report
    duty: Duty = pickle.load(sys.stdin.buffer)
    orders: queue.Queue[CrewOrder] = queue.Queue()
    threading.Thread(target=_hear, args=(duty, sys.stdin.buffer, orders), daemon=True).start()
    try:
        with named_faults():
            member = Member(duty)
            reports.write(pickle.dumps(LOADED))
            member.meet()
            while True:
                member.obey(orders.get())
    except LyraZoomError as error:
        reports.write(pickle.dumps(error))
    except Exception:
        logger.exception("a process that shares a video's work failed rank=%d", duty.rank)
    os._exit(1)  # at once: a thread still waits for orders


def _hear(duty: Duty, orders_in: IO[bytes], orders: queue.Queue[CrewOrder]) -> None:
    """Take orders until the lead is gone, which ends this process whatever it does."""
    try:
        while True:
            orders.put(pickle.load(orders_in))
    except (EOFError, pickle.UnpicklingError):
        shutil.rmtree(duty.meeting, ignore_errors=True)  # the lead may have had no time to
        os._exit(0)


if __name__ == "__main__":
    main()
