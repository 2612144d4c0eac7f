"""Says every two seconds that this worker lives and how its engine is."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from importlib.metadata import version

import sqlalchemy as sa

from lyra_zoom.jobs.leases import BEAT_EVERY_S, Lease, Leases
from lyra_zoom.worker.engine_process import EngineProcess

LOOK_EVERY_S = 0.25
"""How soon a change of the engine's state is told."""

logger = logging.getLogger(__name__)


class Heart:
    """Beats in a thread of its own from `start` until `stop`, whatever else is busy."""

    def __init__(self, leases: Leases, engine: EngineProcess, executor_id: str) -> None:
        self._leases = leases
        self._engine = engine
        self._executor_id = executor_id
        self._started_at = time.time()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._beat_on, name="heart", daemon=True)

    def start(self) -> None:
        """Begin to beat."""
        self._thread.start()

    def stop(self) -> None:
        """Beat no more, and take the lease away: this worker ends in good order."""
        self._stopped.set()
        self._thread.join(timeout=BEAT_EVERY_S)
        try:
            self._leases.forget(self._executor_id)
        except sa.exc.SQLAlchemyError:
            logger.warning("the lease stays until others find it dead")

    def _beat_on(self) -> None:
        told, told_s = None, 0.0
        while not self._stopped.wait(LOOK_EVERY_S if told else 0):
            state, now_s = self._engine.state, time.monotonic()
            if state == told and now_s - told_s < BEAT_EVERY_S:
                continue
            try:
                self._leases.beat(self._lease(), time.time())
            except sa.exc.SQLAlchemyError as error:
                logger.warning(
                    "cannot say that this worker lives error=%s", type(error).__name__
                )
            told, told_s = state, now_s

    def _lease(self) -> Lease:
        state = self._engine.state
        return Lease(
            executor_id=self._executor_id,
            host=socket.gethostname(),
            pid=os.getpid(),
            engine=state.name,
            ready=state.ready,
            problem=state.problem or state.trouble,
            version=version("lyra-zoom"),
            started_at=self._started_at,
        )
