"""Engines' processes for tests: one that repeats the photograph, and some that misbehave.

`python -m tests.engine_children KIND PARENT_PID` stands in for `lyra_zoom.worker.engine_child`.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lyra_zoom.engines.engine import (
    Costs,
    Engine,
    Photo,
    Progress,
    Sampling,
    Scene,
    Stage,
)
from lyra_zoom.errors import EngineNotReady
from lyra_zoom.geometry.image import Plane, RgbImage, Size, resize
from lyra_zoom.worker.engine_child import run_child
from lyra_zoom.worker.engine_messages import Say, encode_line
from tests.fakes import FadingEngine, FadingStage, StillEngine, StillStage

WAIT_S = 0.02
"""How long a frame takes, so that there is a middle to be interrupted in."""


class SlowEngine(StillEngine):
    """Takes its time for every frame."""

    def set_up(self, scene: Scene, *args: Any, **more: Any) -> SlowStage:
        return SlowStage(super().set_up(scene, *args, **more).picture)


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


class LargeStepsEngine(StillEngine):
    """Takes seconds for a step, as a large network does; is quick while it warms up."""

    name = "lyra2"
    warm = False

    def build_scene(self, photo: Photo, progress: Progress) -> Scene:
        scene = super().build_scene(photo, progress)
        if LargeStepsEngine.warm:
            time.sleep(3)
        LargeStepsEngine.warm = True
        progress.advance(1.0)
        return scene


class FailingEngine(StillEngine):
    """Has a mistake in it."""

    def build_scene(self, photo: Photo, progress: Progress) -> Scene:
        if photo.texture.min() == photo.texture.max():
            raise KeyError("/home/somebody/secret")
        return super().build_scene(photo, progress)


class OnceCrashingEngine(SlowEngine):
    """Dies in the middle of its second chunk, the first time."""

    mark = Path(os.environ.get("CRASH_MARK", "/nonexistent"))

    def set_up(self, scene: Scene, *args: Any, **more: Any) -> SlowStage:
        return _CrashingStage(super().set_up(scene, *args, **more).picture)


class _CrashingStage(SlowStage):
    def render(self, frames: range, progress: Progress) -> Iterator[RgbImage]:
        for number, frame in enumerate(super().render(frames, progress)):
            if frames.start > 0 and number == 3 and not OnceCrashingEngine.mark.exists():
                OnceCrashingEngine.mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            yield frame


class FadingCrashingEngine(FadingEngine):
    """Dies in the middle of a leg's second chunk, the first time."""

    def set_up(self, *args: Any, **more: Any) -> FadingStage:
        stage = super().set_up(*args, **more)
        stage.__class__ = _FadingCrashingStage
        return stage


class _FadingCrashingStage(FadingStage):
    def render(self, frames: range, progress: Progress) -> Iterator[RgbImage]:
        for frame in super().render(frames, progress):
            if max(frames) > 81 and not OnceCrashingEngine.mark.exists():
                OnceCrashingEngine.mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            yield frame


class ToyLyra2Engine:
    """The real lyra2 engine with weights of a toy's size, which sees a small picture."""

    name = "lyra2"

    def __init__(self) -> None:
        from lyra_zoom.engines.lyra2.loading import load_engine
        from tests.lyra2_weights import toy_settings

        settings = toy_settings(Path(os.environ["TOY_DATA"]))
        self._engine = load_engine(settings, _nearer_below, lambda message: None)

    def why_not_ready(self) -> str | None:
        return None

    def costs(self, sampling: Sampling) -> Costs:
        return self._engine.costs(sampling)

    def build_scene(self, photo: Photo, progress: Progress) -> Scene:
        return self._engine.build_scene(replace(photo, size=Size(64, 32)), progress)

    def set_up(self, *args: Any, **more: Any) -> _Enlarged:
        return _Enlarged(self._engine.set_up(*args, **more))


@dataclass(frozen=True)
class _Enlarged:
    """Its frames at the size of the video."""

    stage: Stage

    def render(self, frames: range, progress: Progress) -> Iterator[RgbImage]:
        for frame in self.stage.render(frames, progress):
            yield resize(frame, Size(832, 480))

    def state(self) -> bytes | None:
        return self.stage.state()


def _nearer_below(picture: RgbImage) -> Plane:
    rows = np.linspace(0.2, 1, len(picture), dtype=np.float32)[:, None]
    return np.repeat(rows, picture.shape[1], axis=1)


class FaultyEngine(StillEngine):
    """Is hit by a fault of its GPU when it draws a photograph of one colour."""

    fault: tuple[str, str] = ("", "")  # a class of torch, and what it says

    def set_up(self, scene: Scene, *args: Any, **more: Any) -> StillStage:
        return _FaultyStage(super().set_up(scene, *args, **more).picture, self.fault)


@dataclass(frozen=True)
class _FaultyStage(StillStage):
    fault: tuple[str, str]

    def render(self, frames: range, progress: Progress) -> Iterator[RgbImage]:
        import torch
        from safetensors import SafetensorError

        from lyra_zoom.engines.lyra2.faults import named_faults
        from lyra_zoom.engines.lyra2.schedule import UniPC, denoise

        kind, words = self.fault
        for number, frame in enumerate(super().render(frames, progress)):
            if number == 3 and self.picture.min() == self.picture.max():
                with named_faults():
                    if kind == "SafetensorError":
                        raise SafetensorError(words)
                    if kind == "nan":
                        noise = torch.full((1, 16, 2, 2, 2), torch.nan)
                        denoise(lambda x, t: x, noise, UniPC(steps=2), progress)
                    raise getattr(torch, kind)(words)
            yield frame


FAULTS = {
    "gpu_memory": ("OutOfMemoryError", "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0"),
    "gpu_lost": ("AcceleratorError", "CUDA error: an illegal memory access was encountered"),
    "nan": ("nan", ""),
    "weights": ("SafetensorError", "Error while deserializing header: InvalidHeaderLength"),
}


def _faulty(kind: str) -> type[FaultyEngine]:
    return type("Faulty", (FaultyEngine,), {"fault": FAULTS[kind]})


class IdleLossEngine(StillEngine):
    """Loses what it needs while nobody asks it for anything, once."""

    def why_not_ready(self) -> str | None:
        mark = OnceCrashingEngine.mark
        if not mark.exists():
            return None
        mark.unlink()
        return "a process that shares the work was ended by SIGKILL"


ENGINES: dict[str, Callable[[], Engine]] = {
    **{kind: _faulty(kind) for kind in FAULTS},
    "toy_lyra2": ToyLyra2Engine,
    "fading": FadingEngine,
    "fading_once": FadingCrashingEngine,
    "still": StillEngine,
    "slow": SlowEngine,
    "printing": PrintingEngine,
    "crashing": CrashingEngine,
    "hanging": HangingEngine,
    "failing": FailingEngine,
    "once": OnceCrashingEngine,
    "idle_loss": IdleLossEngine,
    "deaf": StillEngine,
    "losable": SlowEngine,
    "large_steps": LargeStepsEngine,
}


def command(kind: str) -> tuple[str, ...]:
    """How such a process is started."""
    return (sys.executable, "-m", "tests.engine_children", kind)


def _choose(kind: str) -> Engine:
    if kind == "unfit":
        raise EngineNotReady("its weights are missing")
    if kind == "losable" and Path(os.environ["LOST_MARK"]).exists():
        raise EngineNotReady("its GPU is gone")
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
