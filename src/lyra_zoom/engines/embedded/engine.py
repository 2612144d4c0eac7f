"""The embedded engine: depth, two layers and what lies beyond, drawn on the CPU.

No GPU, no network, no files but its own weights. Same photo, path and seed: same bytes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from lyra_zoom.engines.embedded.depth import DepthModel, depth_model
from lyra_zoom.engines.embedded.scene import EmbeddedScene, scene_from_relative
from lyra_zoom.engines.embedded.stage import set_up
from lyra_zoom.engines.embedded.warm_up import warm_up
from lyra_zoom.engines.engine import Photo, Progress, Sampling
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

    def build_scene(self, photo: Photo, progress: Progress) -> EmbeddedScene:
        """The photograph with the depth our network sees in it."""
        progress.begin("compile", 0.02)
        warm_up()
        progress.begin("depth", 0.06)
        return scene_from_relative(photo, self._model.estimate(photo.texture))

    def render(
        self, scene: EmbeddedScene, path: CameraPath, sampling: Sampling, progress: Progress
    ) -> Iterator[RgbImage]:
        """The frames of the path in its order, a few of them drawn ahead."""
        progress.begin("layers", 0.15)
        stage = set_up(scene, path, sampling.seed)
        progress.begin("frames", 0.77)
        with ThreadPoolExecutor(THREADS) as pool:
            waiting: deque[Future[RgbImage]] = deque()
            try:
                for index in range(len(path)):
                    waiting.append(pool.submit(stage.draw, path.w2c[index], path.K[index]))
                    if len(waiting) > FRAMES_AHEAD:
                        yield waiting.popleft().result()
                        progress.advance((index + 1 - FRAMES_AHEAD) / len(path))
                while waiting:
                    yield waiting.popleft().result()
                    progress.advance(1 - len(waiting) / len(path))
            finally:
                for future in waiting:
                    future.cancel()
