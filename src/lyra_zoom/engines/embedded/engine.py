"""The embedded engine: depth, two layers and what lies beyond, drawn on the CPU.

No GPU, no network, no files but its own weights. Same photo, path and seed: same bytes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from lyra_zoom.engines.embedded.depth import DepthModel, depth_model
from lyra_zoom.engines.embedded.scene import EmbeddedScene, scene_from_relative
from lyra_zoom.engines.embedded.stage import Stage, set_up
from lyra_zoom.engines.embedded.warm_up import is_compiled, warm_up
from lyra_zoom.engines.engine import Costs, Photo, Progress, Sampling
from lyra_zoom.geometry.camera import CameraPath
from lyra_zoom.geometry.image import RgbImage

THREADS = 2
FRAMES_AHEAD = 4  # frames drawn before they are asked for: bounds memory


class EmbeddedEngine:
    """Renders a photograph as a layered scene; see `Engine` for the promise."""

    name = "embedded"

    def __init__(self, model: DepthModel | None = None) -> None:
        self._model = model or depth_model(None)

    def why_not_ready(self) -> str | None:
        """Only its depth network can be missing or unfit: all else is installed with it."""
        return self._model.why_not_ready()

    def costs(self, sampling: Sampling) -> Costs:
        """Measured in one run: 480p, two cores."""
        return Costs(prepare=10, set_up=16)

    def build_scene(self, photo: Photo, progress: Progress) -> EmbeddedScene:
        """The photograph with the depth our network sees in it."""
        progress.begin("warm up" if is_compiled() else "compile", 0.25)
        warm_up()
        progress.begin("depth", 0.75)
        return scene_from_relative(photo, self._model.estimate(photo.texture))

    def set_up(
        self,
        scene: EmbeddedScene,
        path: CameraPath,
        sampling: Sampling,
        progress: Progress,
        states: Sequence[bytes] = (),
    ) -> EmbeddedStage:
        """The layers of the scene, cut and filled as the cameras of the path need it."""
        progress.begin("layers", 1.0)
        return EmbeddedStage(set_up(scene, path, sampling.seed), path)


class EmbeddedStage:
    """Draws frames of one path, a few of them ahead; see `Stage` for the promise."""

    def __init__(self, stage: Stage, path: CameraPath) -> None:
        self._stage = stage
        self._path = path

    def render(self, frames: range, progress: Progress) -> Iterator[RgbImage]:
        """The frames with these places on the path, in that order."""
        progress.begin("frames", 1.0)
        with ThreadPoolExecutor(THREADS) as pool:
            waiting: deque[Future[RgbImage]] = deque()
            try:
                for begun, place in enumerate(frames, start=1):
                    waiting.append(pool.submit(self._draw, place))
                    if len(waiting) > FRAMES_AHEAD:
                        yield waiting.popleft().result()
                        progress.advance((begun - FRAMES_AHEAD) / len(frames))
                while waiting:
                    yield waiting.popleft().result()
                    progress.advance(1 - len(waiting) / len(frames))
            finally:
                for future in waiting:
                    future.cancel()

    def state(self) -> None:
        """Nothing: every frame is drawn from the scene alone."""

    def _draw(self, place: int) -> RgbImage:
        return self._stage.draw(self._path.w2c[place], self._path.K[place])
