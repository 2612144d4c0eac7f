"""What clients of `fal-ai/lyra-2/zoom` send and receive: names, defaults and ranges.

The published schema is drawn from these models, and so are the options of the command line.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

ENDPOINT_ID = "fal-ai/lyra-2/zoom"

PROMPT_MAX_CHARACTERS = 10_000
"""About four times what the text encoder of Lyra 2.0 reads (512 tokens)."""

SEED_MAX = 2**63 - 1
"""The largest integer that JSON libraries and databases keep exactly (signed 64 bits)."""


class Direction(StrEnum):
    """Which way the camera travels."""

    IN = "in"
    OUT = "out"
    BOTH = "both"


class Trajectory(StrEnum):
    """The named shapes of a camera path."""

    HORIZONTAL_ZOOM = "horizontal_zoom"
    HORIZONTAL_ZOOM_BEND = "horizontal_zoom_bend"
    SPIRAL = "spiral"
    DOLLY_ZOOM = "dolly_zoom"
    ORBIT_HORIZONTAL = "orbit_horizontal"
    BACK = "back"


class Resolution(StrEnum):
    """The two sizes of the video: 832x480 and 1280x720, width by height."""

    P480 = "480p"
    P720 = "720p"


class EngineName(StrEnum):
    """Who makes the frames."""

    AUTO = "auto"
    EMBEDDED = "embedded"
    LYRA2 = "lyra2"


class StrengthChoice(StrEnum):
    """Who decides how far the camera goes."""

    GIVEN = "given"
    AUTO = "auto"


def _as_integer(value: object) -> object:
    """The spellings of a whole number that fal's clients send: 81, "81" and 81.0."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,4}", value.strip()):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


NumFrames = Annotated[
    Literal[81, 161, 241, 321, 401, 481],
    BeforeValidator(_as_integer, json_schema_input_type=Literal[81, 161, 241, 321, 401, 481]),
]


class ZoomInput(BaseModel):
    """One request: a photograph, a prompt and how the camera shall move."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    image_url: str = Field(
        min_length=1,
        description="The photograph to move through: an http(s) URL or a base64 data URI.",
    )
    prompt: str = Field(
        max_length=PROMPT_MAX_CHARACTERS,
        description="What the scene shows, described as frozen in time: only the camera moves.",
    )
    zoom_direction: Direction = Field(
        default=Direction.IN,
        description="Move into the scene, out of it, or both: out and in as one forward move.",
    )
    num_frames: NumFrames = Field(
        default=81,
        description="Frames of each direction; one chunk is 80 frames and the first picture.",
    )
    zoom_in_trajectory: Trajectory = Field(
        default=Trajectory.ORBIT_HORIZONTAL, description="Shape of the camera path going in."
    )
    zoom_in_strength: float = Field(
        default=0.5,
        ge=0,
        le=2,
        description="How far the camera goes in, in multiples of the subject's depth "
        "(an angle in radians for orbit_horizontal). 0 stands still.",
    )
    zoom_out_trajectory: Trajectory = Field(
        default=Trajectory.HORIZONTAL_ZOOM, description="Shape of the camera path going out."
    )
    zoom_out_strength: float = Field(
        default=1.5,
        ge=0,
        le=3,
        description="How far the camera goes out, in multiples of the subject's depth "
        "(an angle in radians for orbit_horizontal). 0 stands still.",
    )
    resolution: Resolution = Field(
        default=Resolution.P480, description="Size of the video: 832x480 or 1280x720 pixels."
    )
    use_dmd: bool = Field(
        default=True,
        description="Use the distilled model of four steps; fast. Only diffusion uses it.",
    )
    guidance_scale: float = Field(
        default=5,
        ge=1,
        le=15,
        description="How closely the picture follows the prompt. Only diffusion uses it.",
    )
    num_inference_steps: int = Field(
        default=28,
        ge=1,
        le=100,
        description="Denoise steps per chunk; without effect when use_dmd is true.",
    )
    frames_per_second: int = Field(default=16, ge=8, le=24, description="Rate of the video.")
    seed: int | None = Field(
        default=None,
        ge=0,
        le=SEED_MAX,
        description="Where chance starts; same seed, same video. Random when absent.",
    )

    # Extensions: fields of our own. Optional, and without effect on fal's when absent.
    engine: EngineName = Field(
        default=EngineName.AUTO,
        description="Who makes the frames: embedded (any CPU), lyra2 (a GPU and its weights), "
        "or auto, the better one that is ready here.",
        json_schema_extra={"x-extension": True},
    )

    strength: StrengthChoice = Field(
        default=StrengthChoice.GIVEN,
        description="How far the camera goes: as given by zoom_in_strength and "
        "zoom_out_strength, or auto, as far as the photograph carries and never farther.",
        json_schema_extra={"x-extension": True},
    )

    @model_validator(mode="before")
    @classmethod
    def _refuse_a_nested_body(cls, body: JsonValue) -> JsonValue:
        """A body wrapped once too often gets a hint instead of two missing fields."""
        if isinstance(body, dict) and isinstance(body.get("input"), dict) and len(body) == 1:
            raise PydanticCustomError(
                "value_error", 'the fields belong at the top level of the body, not in "input"'
            )
        return body


class VideoFile(BaseModel):
    """A finished video and where it lies."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    url: str = Field(description="Where the video can be downloaded.")
    content_type: str | None = Field(default=None, description="The media type, video/mp4.")
    file_name: str | None = Field(default=None, description="Name of the file.")
    file_size: int | None = Field(default=None, description="Bytes.")
    width: int | None = Field(default=None, description="Pixels.")
    height: int | None = Field(default=None, description="Pixels.")
    fps: float | None = Field(default=None, description="Frames per second.")
    duration: float | None = Field(default=None, description="Seconds.")
    num_frames: int | None = Field(default=None, description="Frames in the file.")


class Timings(BaseModel):
    """Seconds each part took; a leg that was not made is absent."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    encode_s: float | None = Field(
        default=None, description="Turning photograph and prompt into a scene."
    )
    zoom_in_s: float | None = Field(default=None, description="Frames of the in leg, encoded.")
    zoom_out_s: float | None = Field(
        default=None, description="Frames of the out leg, encoded."
    )


class ZoomOutput(BaseModel):
    """The answer to one request."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    video: VideoFile = Field(description="The video.")
    seed: int = Field(description="The seed that was used.")
    timings: Timings | None = Field(default=None, description="Seconds per part.")

    def to_wire(self) -> dict[str, JsonValue]:
        """The JSON object clients receive; what is not known is absent, not null."""
        wire: dict[str, JsonValue] = self.model_dump(mode="json", exclude_none=True)
        return wire
