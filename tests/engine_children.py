"""Engines' processes for tests: one that repeats the photograph, and some that misbehave.

`python -m tests.engine_children KIND PARENT_PID` stands in for `lyra_zoom.worker.engine_child`.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from lyra_zoom.engines.engine import Engine, Photo, Progress, Sampling, Scene
from lyra_zoom.errors import EngineNotReady
from lyra_zoom.geometry.camera import CameraPath
from lyra_zoom.geometry.image import RgbImage
from lyra_zoom.worker.engine_child import run_child
from lyra_zoom.worker.engine_messages import Say, encode_line
from tests.fakes import StillEngine, StillStage

WAIT_S = 0.02
"""How long a frame takes, so that there is a middle to be interrupted in."""


class SlowEngine(StillEngine):
    """Takes its time for every frame."""

    def set_up(
        self, scene: Scene, path: CameraPath, sampling: Sampling, progress: Progress
    ) -> SlowStage:
        stage = super().set_up(scene, path, sampling, progress)
        return SlowStage(stage.picture)


class SlowStage(StillStage):
    """The same picture, a while after it was asked for."""

    def render(self, frames: range, progress: Progress) -> Iterator[RgbImage]:
        for frame in super().render(frames, progress):
            time.sleep(WAIT_S)
            yield frame


class PrintingEngine(StillEngine):
    """Prints where libraries print, and says what looks like a message of ours."""

    def build_scene(self, photo: Photo, progress: Progress) -> Scene:
        print('{"id": 0, "say": "done", "result": {}}', flush=True)
        os.write(1, b"a library says hello\n")
        return super().build_scene(photo, progress)


class CrashingEngine(StillEngine):
    """Dies of native code with a photograph of one colour; the one it warms up with is not."""

    def build_scene(self, photo: Photo, progress: Progress) -> Scene:
        if photo.texture.min() == photo.texture.max():
            os.kill(os.getpid(), signal.SIGSEGV)
        return super().build_scene(photo, progress)


class HangingEngine(StillEngine):
    """Never comes back from a photograph of one colour."""

    def build_scene(self, photo: Photo, progress: Progress) -> Scene:
        if photo.texture.min() == photo.texture.max():
            time.sleep(600)
        return super().build_scene(photo, progress)


class FailingEngine(StillEngine):
    """Has a mistake in it."""

    def build_scene(self, photo: Photo, progress: Progress) -> Scene:
        if photo.texture.min() == photo.texture.max():
            raise KeyError("/home/somebody/secret")
        return super().build_scene(photo, progress)


class OnceCrashingEngine(SlowEngine):
    """Dies in the middle of its second chunk, the first time."""

    mark = Path(os.environ.get("CRASH_MARK", "/nonexistent"))

    def set_up(
        self, scene: Scene, path: CameraPath, sampling: Sampling, progress: Progress
    ) -> SlowStage:
        return _CrashingStage(super().set_up(scene, path, sampling, progress).picture)


class _CrashingStage(SlowStage):
    def render(self, frames: range, progress: Progress) -> Iterator[RgbImage]:
        for number, frame in enumerate(super().render(frames, progress)):
            if frames.start > 0 and number == 3 and not OnceCrashingEngine.mark.exists():
                OnceCrashingEngine.mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            yield frame


ENGINES: dict[str, type[StillEngine]] = {
    "still": StillEngine,
    "slow": SlowEngine,
    "printing": PrintingEngine,
    "crashing": CrashingEngine,
    "hanging": HangingEngine,
    "failing": FailingEngine,
    "once": OnceCrashingEngine,
    "deaf": StillEngine,
}


def command(kind: str) -> tuple[str, ...]:
    """How such a process is started."""
    return (sys.executable, "-m", "tests.engine_children", kind)


def _choose(kind: str) -> Engine:
    if kind == "unfit":
        raise EngineNotReady("its weights are missing")
    return ENGINES[kind]()


def die_deaf() -> None:
    """Be loaded, and dead before reading what one is told; the first time only."""
    if not OnceCrashingEngine.mark.exists():
        OnceCrashingEngine.mark.touch()
        os.write(1, encode_line({"say": Say.LOADED, "engine": "deaf"}))
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    if sys.argv[1] == "deaf":
        die_deaf()
    run_child(lambda name, say: _choose(sys.argv[1]), int(sys.argv[2]))
