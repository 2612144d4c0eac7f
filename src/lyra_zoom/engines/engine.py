"""The promise every engine keeps, and the values that cross it; knows no wire format.

Frame 0 of a path that starts at the photograph is the photograph, fitted. Same photo, path and
sampling give the same frames. An engine stops within one frame when `Progress.advance` raises
`Cancelled`. It never touches the network or the disk beyond its own weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from lyra_zoom.geometry.camera import CameraPath, Intrinsics
from lyra_zoom.geometry.image import Plane, RgbImage, Size


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """A decoded photograph, upright, in sRGB, cropped to the aspect of the video.

    `texture` has the aspect of `size` and at least its resolution where the photograph had it.
    `focal_px` is for pictures of `size`, or None when the file does not tell. `legs` is how
    many camera paths will begin at it: what no further one needs may be forgotten.
    """

    texture: RgbImage
    size: Size
    focal_px: float | None = None
    legs: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How frames are drawn from chance; the embedded engine only uses `seed`."""

    prompt: str
    seed: int
    use_dmd: bool = True
    guidance_scale: float = 5.0
    num_inference_steps: int = 28  # ignored with the four-step distilled schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What comes before the frames, in the time of one drawn frame; only for progress."""

    prepare: float = 0.0  # decoding, and the scene
    set_up: float = 0.0  # of each leg


@runtime_checkable
class Progress(Protocol):
    """Where one call of an engine reports to. Every report may raise `Cancelled`."""

    def begin(self, stage: str, share: float) -> None:
        """Start a named stage that is expected to take `share` of the call, 0 to 1."""

    def advance(self, fraction: float) -> None:
        """Report how much of the current stage is done, 0 to 1."""

    def say(self, message: str) -> None:
        """Tell the person who asked something worth knowing."""


@dataclass(frozen=True, slots=True)
class Repeated:
    """Work done again after another process has done it: counts for nothing, says nothing new.

    It can be cancelled like any other.
    """

    whole: Progress

    def begin(self, stage: str, share: float) -> None:
        """Name the stage; the fraction stands still."""
        self.whole.begin(stage, 0.0)

    def advance(self, fraction: float) -> None:
        """Pass on that the work goes on."""
        self.whole.advance(fraction)

    def say(self, message: str) -> None:
        """Keep to oneself what was said the first time."""


@runtime_checkable
class Scene(Protocol):
    """What an engine knows of the photograph, enough to plan cameras through it."""

    @property
    def K(self) -> Intrinsics:  # noqa: N802  # the field's name
        """Intrinsics of the photograph at the size of the video."""

    @property
    def size(self) -> Size:
        """Size of the video."""

    @property
    def depth(self) -> Plane:
        """Depth per pixel, in scene units, `inf` for sky; may be smaller than `size`."""

    @property
    def subject_depth(self) -> float:
        """Depth D of what the photograph is about: the 0.25 quantile of finite depth."""


@runtime_checkable
class Stage(Protocol):
    """A scene set up for one camera path, ready to be drawn.

    Frames are asked for chunk by chunk, from the photograph on: places 0 to 80 of the path,
    then 81 to 160 and so on. A chunk of a leg that plays backwards is asked for as a range
    that counts down.
    """

    def render(self, frames: range, progress: Progress) -> Iterator[RgbImage]:
        """The frames with these places on the path, in that order."""

    def state(self) -> bytes | None:
        """What a stage in another process needs to go on after the frames rendered last.

        That is besides the states after the chunks before. None where frames do not follow
        from earlier ones: then any process draws any frames.
        """


@runtime_checkable
class Engine(Protocol):
    """Builds a scene from a photograph and sets it up for camera paths."""

    name: str

    def why_not_ready(self) -> str | None:
        """One sentence on why this engine cannot run here, or cannot any more; else None."""

    def costs(self, sampling: Sampling) -> Costs:
        """About how long a film takes before its frames."""

    def build_scene(self, photo: Photo, progress: Progress) -> Scene:
        """The photograph, understood: its depth and its camera."""

    def set_up(
        self,
        scene: Any,  # noqa: ANN401  # the scene that this very engine built
        path: CameraPath,
        sampling: Sampling,
        progress: Progress,
        states: Sequence[bytes] = (),
    ) -> Stage:
        """The scene made ready for all cameras of a path that begins at the photograph.

        `states` are those of the chunks that have been made, in order: the stage goes on after
        them.
        """
