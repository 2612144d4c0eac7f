"""Step 4 of 6, run: the story of one request, from its photograph to its stored video.

What a step returns is kept: after a death, another run begins with the first unfinished step.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lyra_zoom.jobs.durable import RunStep
from lyra_zoom.jobs.job import Job
from lyra_zoom.worker.patience import FOR_EVER_S, patiently
from lyra_zoom.worker.zoom_steps import (
    Hands,
    Piece,
    Prepared,
    ZoomSteps,
    clean_up,
    make_folder,
    wait_for_the_end,
)

LOOK_EVERY_S = 0.1
"""How soon a request begins after the engine got well."""


class ZoomWorkflow:
    """Works on requests, one at a time, whoever calls."""

    def __init__(self, hands: Hands) -> None:
        self._hands = hands
        self._turn = threading.Lock()
        self._counting = threading.Lock()
        self._era = 0  # how often requests were given back because no engine could run
        self._counted: str | None = None  # the request whose run counts as an attempt

    def run(self, request_id: str, run_step: RunStep) -> None:
        """Make the video of a request, or end the request with the reason why there is none.

        Raises nothing because of a database that is away: the queue would take that for the
        end of the request.
        """
        requests = self._hands.requests
        self._wait_for_an_engine()
        with self._turn:  # the request before, if it was cancelled, may still be stopping
            if not patiently(lambda: self._begin(request_id), FOR_EVER_S):
                clean_up(self._hands, request_id)  # after a worker that was killed
                return
            try:
                job = patiently(lambda: requests.load(request_id), FOR_EVER_S)
                if job is not None:
                    self._work_on(job, run_step)
            finally:
                self._counted = None

    def begin_anew(self) -> None:
        """Forget what waits to begin: whoever gave it to us has gone, and others have it."""
        self._era += 1

    def _wait_for_an_engine(self) -> None:
        """Begin nothing while no engine can run here: the request would fail for that alone."""
        era = self._era
        while self._hands.engine.state.problem is not None or era != self._era:
            time.sleep(LOOK_EVERY_S)

    def hand_back(self) -> None:
        """The run in hand does not count: it was us who wanted to stop.

        What has not begun by now never does, if `Hands.stopping` is set before.
        """
        with self._counting:
            request_id, self._counted = self._counted, None
            if request_id is not None:
                self._hands.requests.hand_back(request_id)

    def _begin(self, request_id: str) -> bool:
        with self._counting:
            if not self._hands.stopping.is_set():
                begun = self._hands.requests.begin(request_id, time.time())
                self._counted = request_id if begun else None
                return begun
        return wait_for_the_end()

    def _work_on(self, job: Job, run_step: RunStep) -> None:
        with self._folder_for(job.request_id) as folder:
            steps = ZoomSteps(self._hands, job, folder)
            steps.say_who_goes_on()
            try:
                make_film(steps, run_step)
            finally:
                clean_up(self._hands, job.request_id)

    @contextmanager
    def _folder_for(self, request_id: str) -> Iterator[Path]:
        """A folder for the files of one request; it is gone when the block ends."""
        folder = self._hands.scratch / request_id
        patiently(lambda: make_folder(folder))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def make_film(steps: ZoomSteps, run_step: RunStep) -> None:
    """Prepare, draw chunk after chunk, finish; a step without a result ended the request."""
    prepared: Prepared | None = run_step("prepare", steps.prepare)
    if not prepared:
        return
    pieces: list[Piece] = []
    for index in range(prepared["chunks"]):
        piece: Piece | None = run_step(f"chunk {index}", steps.chunk, prepared, pieces)
        if not piece:
            return
        pieces.append(piece)
    run_step("finish", steps.finish, prepared, pieces)
