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
from lyra_zoom.worker.patience import patiently
from lyra_zoom.worker.zoom_steps import Hands, Piece, Prepared, ZoomSteps, clean_up


class ZoomWorkflow:
    """Works on requests, one at a time, whoever calls."""

    def __init__(self, hands: Hands) -> None:
        self._hands = hands
        self._turn = threading.Lock()
        self.current: str | None = None  # the request that is worked on

    def run(self, request_id: str, run_step: RunStep) -> None:
        """Make the video of a request, or end the request with the reason why there is none."""
        requests = self._hands.requests
        with self._turn:  # the request before, if it was cancelled, may still be stopping
            if not patiently(lambda: requests.begin(request_id, time.time())):
                clean_up(self._hands, request_id)  # after a worker that was killed
                return
            job = requests.load(request_id)
            if job is None:
                return
            with self._working_on(request_id) as folder:
                steps = ZoomSteps(self._hands, job, folder)
                steps.say_who_goes_on()
                try:
                    make_film(steps, run_step)
                finally:
                    clean_up(self._hands, request_id)

    @contextmanager
    def _working_on(self, request_id: str) -> Iterator[Path]:
        """A folder for the files of one request; it is gone when the block ends."""
        folder = self._hands.scratch / request_id
        folder.mkdir(parents=True, exist_ok=True)
        self.current = request_id
        try:
            yield folder
        finally:
            self.current = None
            shutil.rmtree(folder, ignore_errors=True)


def make_film(steps: ZoomSteps, run_step: RunStep) -> None:
    """Prepare, draw chunk after chunk, finish; a step without a result ended the request."""
    prepared: Prepared | None = run_step("prepare", steps.prepare)
    if not prepared:
        return
    pieces: list[Piece] = []
    for index in range(prepared["chunks"]):
        piece: Piece | None = run_step(f"chunk {index}", steps.chunk, prepared, index)
        if not piece:
            return
        pieces.append(piece)
    run_step("finish", steps.finish, prepared, pieces)
