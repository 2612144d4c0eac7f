"""The ways of drawing a subject that are compared: ours twice, and two baselines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np

from lyra_zoom.bench.baselines import Drawn, MeshPhoto
from lyra_zoom.bench.quality_truth import Subject
from lyra_zoom.engines.embedded.depth import DepthModel
from lyra_zoom.engines.embedded.engine import EmbeddedEngine
from lyra_zoom.engines.embedded.scene import EmbeddedScene, scene_from_depth
from lyra_zoom.engines.embedded.shade import FrameRenderer, fill_holes
from lyra_zoom.engines.embedded.stage import set_up
from lyra_zoom.geometry.camera import CameraPath, Intrinsics
from lyra_zoom.geometry.rigid import Rigid
from lyra_zoom.pipeline.progress import ProgressReport

Draw: TypeAlias = Callable[[Rigid, Intrinsics], Drawn]
"""One frame for one camera."""

Method: TypeAlias = Callable[[Subject, CameraPath], Draw]
"""Gets ready for a path in the subject's true scale, and then draws any camera of it."""

OURS, OURS_ESTIMATED = "ours, true depth", "ours, own depth"
STRETCHED, CUT = "stretched mesh", "cut + Telea"


def stretched_mesh(subject: Subject, path: CameraPath) -> Draw:
    """Baseline: a single mesh without cuts."""
    return _mesh(subject).stretched


def cut_mesh(subject: Subject, path: CameraPath) -> Draw:
    """Baseline: a mesh with cuts, its holes inpainted in every frame."""
    return _mesh(subject).cut


def with_true_depth(subject: Subject, path: CameraPath) -> Draw:
    """The embedded engine, told the true depth."""
    return _stage(scene_from_depth(subject.photo, subject.depth, subject.K), path, subject)


class WithEstimatedDepth:
    """The embedded engine with the depth that its model sees in the photograph."""

    def __init__(self, model: DepthModel | None = None) -> None:
        self._engine = EmbeddedEngine(model)
        self._known: tuple[Subject, EmbeddedScene] | None = None

    def __call__(self, subject: Subject, path: CameraPath) -> Draw:
        """Ready to draw, along the path scaled to the depth that the engine sees."""
        if self._known is None or self._known[0] is not subject:
            scene = self._engine.build_scene(subject.photo, ProgressReport())
            self._known = (subject, scene)
        return _stage(self._known[1], path, subject)


def methods(model: DepthModel | None = None) -> Mapping[str, Method]:
    """All methods by name, ours first; `model` replaces the bundled depth network."""
    return {
        OURS: with_true_depth,
        OURS_ESTIMATED: WithEstimatedDepth(model),
        STRETCHED: stretched_mesh,
        CUT: cut_mesh,
    }


def _mesh(subject: Subject) -> MeshPhoto:
    return MeshPhoto.of(subject.picture, subject.depth, subject.K, subject.subject_depth)


def _stage(scene: EmbeddedScene, path: CameraPath, subject: Subject) -> Draw:
    """The engine's own stage, drawn without its threads so that holes can be counted."""
    scale = scene.subject_depth / subject.subject_depth
    stage = set_up(scene, _scaled(path, scale), subject.seed)
    renderer = FrameRenderer(stage.size)

    def draw(w2c: Rigid, K: Intrinsics) -> Drawn:
        rgb = np.empty((stage.size.height, stage.size.width, 3), np.uint8)
        renderer.render(stage.layers, _moved_less(w2c, scale), K, stage.shading, rgb)
        holes = renderer.canvas.holes.copy()
        fill_holes(rgb, holes)
        return Drawn(rgb, holes)

    return draw


def _scaled(path: CameraPath, scale: float) -> CameraPath:
    w2c = np.stack([_moved_less(one, scale) for one in path.w2c])
    return CameraPath(w2c, path.K, path.size)


def _moved_less(w2c: Rigid, scale: float) -> Rigid:
    """The same view of a world that is `scale` times as large."""
    scaled = w2c.copy()
    scaled[:3, 3] *= scale
    return scaled
