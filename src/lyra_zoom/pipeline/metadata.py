"""What the MP4 says of itself: the request, the engine and the true camera of every frame.

Stored as JSON in the file's `comment`, the one tag that every container tool keeps. Leaves out
the photograph and where it came from: addresses may carry keys, paths carry names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
from pydantic import JsonValue

from lyra_zoom.errors import VideoUnreadable
from lyra_zoom.geometry.camera import CameraPath
from lyra_zoom.geometry.image import Size

FORMAT = "lyra-zoom/1"
"""Changes when a reader of older files would misread them."""

DIGITS = 9
"""Significant digits of camera numbers: finer than float32."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """How a video came about, enough to make it again from the same photograph."""

    version: str
    engine: str
    request: Mapping[str, JsonValue]  # every field but the photograph, the seed that was used
    image_sha256: str
    path: CameraPath
    strengths: Mapping[str, float] = field(default_factory=dict)  # as used; none in old files

    def to_json(self) -> str:
        """Compact ASCII JSON; `w2c` are 3x4 matrices row by row, `K` is [fx, fy, cx, cy]."""
        intrinsics = [[K[0, 0], K[1, 1], K[0, 2], K[1, 2]] for K in self.path.K]
        document = {
            "format": FORMAT,
            "version": self.version,
            "engine": self.engine,
            "request": dict(self.request),
            "used": {name: round(value, 4) for name, value in self.strengths.items()},
            "image_sha256": self.image_sha256,
            "cameras": {
                "axes": "x right, y down, z forward; world = camera of the photograph",
                "width": self.path.size.width,
                "height": self.path.size.height,
                "num_frames": len(self.path),
                "K": _rounded(np.array(intrinsics)),
                "w2c": _rounded(self.path.w2c[:, :3].reshape(-1, 12)),
            },
        }
        return json.dumps(document, separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Provenance:
        """The provenance that `to_json` wrote; camera numbers come back to nine digits."""
        try:
            document = json.loads(text)
            if document["format"] != FORMAT:
                raise VideoUnreadable(f"it was made by another version ({document['format']})")
            return cls(
                version=document["version"],
                engine=document["engine"],
                request=document["request"],
                image_sha256=document["image_sha256"],
                path=_path(document["cameras"]),
                strengths={k: float(v) for k, v in document.get("used", {}).items()},
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise VideoUnreadable("it does not say how it was made") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmFacts:
    """What a container says about its video, and the provenance inside it."""

    size: Size
    num_frames: int
    frames_per_second: float
    duration_s: float
    file_size: int
    provenance: Provenance


def inspect_film(file: Path) -> FilmFacts:
    """Read a video of this program; any other file raises `VideoUnreadable`."""
    try:
        with av.open(str(file)) as container:
            stream = container.streams.video[0]
            comment = container.metadata.get("comment", "")
            rate = stream.average_rate
            return FilmFacts(
                size=Size(stream.width, stream.height),
                num_frames=stream.frames,
                frames_per_second=float(rate or 0),
                duration_s=float((stream.duration or 0) * (stream.time_base or 0)),
                file_size=file.stat().st_size,
                provenance=Provenance.from_json(comment),
            )
    except VideoUnreadable as error:
        raise VideoUnreadable(f"{file}: {error}") from None
    except FileNotFoundError as error:
        raise VideoUnreadable(f"{file}: there is no such file") from error
    except (av.error.FFmpegError, IndexError, OSError) as error:
        raise VideoUnreadable(f"{file}: this is not a video") from error


def _rounded(numbers: np.ndarray) -> list[list[float]]:
    """Rows of numbers with nine significant digits; one row stands for many equal ones."""
    if len(numbers) and (numbers == numbers[0]).all():
        numbers = numbers[:1]
    return [[float(f"{value:.{DIGITS}g}") + 0.0 for value in row] for row in numbers]


def _path(cameras: Mapping[str, object]) -> CameraPath:
    """The camera path of a parsed document; a single row stands for all frames."""
    size = Size(int(str(cameras["width"])), int(str(cameras["height"])))
    w2c_rows = np.array(cameras["w2c"], dtype=np.float64).reshape(-1, 3, 4)
    K_rows = np.array(cameras["K"], dtype=np.float64).reshape(-1, 4)
    num_frames = int(str(cameras["num_frames"]))
    w2c = np.tile(np.eye(4), (num_frames, 1, 1))
    w2c[:, :3] = w2c_rows
    K = np.tile(np.eye(3), (num_frames, 1, 1))
    K[:, 0, 0], K[:, 1, 1], K[:, 0, 2], K[:, 1, 2] = K_rows.T
    return CameraPath(w2c, K, size)
