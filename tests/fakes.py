"""The few stand-ins that tests use; everything else is real."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lyra_zoom.engines.engine import Costs, Photo, Progress, Sampling, Scene
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

    def costs(self, sampling: Sampling) -> Costs:
        return Costs(prepare=10, set_up=16)

    def build_scene(self, photo: Photo, progress: Progress) -> Scene:
        progress.begin("scene", share=1.0)
        return StillScene(resize(photo.texture, photo.size), photo.size)

    def set_up(
        self,
        scene: Scene,
        path: CameraPath,
        sampling: Sampling,
        progress: Progress,
        states: Sequence[bytes] = (),
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

    def state(self) -> bytes | None:
        return None


class FadingEngine:
    """Each frame follows from the one before and from the seed; it cannot be made without."""

    name = "fading"

    def why_not_ready(self) -> str | None:
        return None

    def costs(self, sampling: Sampling) -> Costs:
        return Costs(prepare=10, set_up=16)

    def build_scene(self, photo: Photo, progress: Progress) -> Scene:
        return StillEngine().build_scene(photo, progress)

    def set_up(
        self,
        scene: Scene,
        path: CameraPath,
        sampling: Sampling,
        progress: Progress,
        states: Sequence[bytes] = (),
    ) -> FadingStage:
        assert isinstance(scene, StillScene)
        stage = FadingStage(scene.picture, sampling.seed, tuple(path.w2c[:, 2, 3]))
        for state in states:
            stage.go_on_after(state)
        return stage


class FadingStage:
    """Knows the last frame it has made, and that is all another one has to know."""

    def __init__(self, picture: RgbImage, seed: int, z: tuple[float, ...]) -> None:
        self._last = picture
        self._seed = seed
        self._z = z
        self._made = -1  # the place of the last frame: the photograph is yet to be shown

    def render(self, frames: range, progress: Progress) -> Iterator[RgbImage]:
        progress.begin("frames", share=1.0)
        made: dict[int, RgbImage] = {}
        for place in sorted(frames):
            progress.advance(len(made) / len(frames))
            if place != self._made + 1 and not (place, self._made) == (1, -1):
                raise AssertionError(f"frame {place} cannot follow on frame {self._made}")
            if place > 0:
                change = 1 + (self._seed + place + round(100 * self._z[place])) % 5
                self._last = np.roll(self._last, change, axis=1) - np.uint8(change)
            self._made, made[place] = place, self._last
        yield from (made[place] for place in frames)

    def state(self) -> bytes:
        return self._made.to_bytes(2, "big") + self._last.tobytes()

    def go_on_after(self, state: bytes) -> None:
        place = int.from_bytes(state[:2], "big")
        if self._made >= 0 and place != self._made + 80:
            raise AssertionError(f"the state after {place} does not follow on {self._made}")
        self._made = place
        self._last = np.frombuffer(state[2:], np.uint8).reshape(self._last.shape)


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
