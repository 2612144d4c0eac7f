"""The few stand-ins that tests use; everything else is real."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lyra_zoom.engines.engine import Photo, Progress, Sampling, Scene
from lyra_zoom.geometry.camera import CameraPath, Intrinsics, centred_intrinsics, focal_from_fov
from lyra_zoom.geometry.image import Plane, RgbImage, Size, resize


@dataclass(frozen=True, slots=True)
class StillScene:
    """The photograph on a wall ten units away."""

    picture: RgbImage
    size: Size

    @property
    def K(self) -> Intrinsics:  # noqa: N802  # the field's name
        return centred_intrinsics(focal_from_fov(np.deg2rad(60), self.size), self.size)

    @property
    def depth(self) -> Plane:
        return np.full((48, 83), 10.0, np.float32)

    @property
    def subject_depth(self) -> float:
        return 10.0


class StillEngine:
    """Repeats the photograph, whatever the camera does."""

    name = "still"

    def why_not_ready(self) -> str | None:
        return None

    def build_scene(self, photo: Photo, progress: Progress) -> Scene:
        progress.begin("scene", share=1.0)
        return StillScene(resize(photo.texture, photo.size), photo.size)

    def set_up(
        self, scene: Scene, path: CameraPath, sampling: Sampling, progress: Progress
    ) -> StillStage:
        assert isinstance(scene, StillScene)
        return StillStage(scene.picture)


@dataclass(frozen=True, slots=True)
class StillStage:
    """Draws the same picture for every camera."""

    picture: RgbImage

    def render(self, frames: range, progress: Progress) -> Iterator[RgbImage]:
        progress.begin("frames", share=1.0)
        for number in range(len(frames)):
            progress.advance(number / len(frames))
            yield self.picture


class Notes:
    """A `Progress` that remembers what it was told and never cancels."""

    def __init__(self) -> None:
        self.stages: list[str] = []
        self.messages: list[str] = []

    def begin(self, stage: str, share: float) -> None:
        self.stages.append(stage)

    def advance(self, fraction: float) -> None:
        pass

    def say(self, message: str) -> None:
        self.messages.append(message)
