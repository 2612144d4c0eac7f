"""What a worker and its engine's process say to each other: one JSON object per line.

Commands carry an `id`, and every message about a command carries it back.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from pydantic import JsonValue

from lyra_zoom.errors import (
    EngineFaulted,
    GpuLost,
    GpuMemoryExhausted,
    NumbersBroken,
    WeightsBroken,
)

Line: TypeAlias = dict[str, Any]
"""One message, decoded."""


class Do(StrEnum):
    """What an engine can be told."""

    PREPARE = "prepare"
    CHUNK = "chunk"
    JOIN = "join"
    CANCEL = "cancel"


class Say(StrEnum):
    """What an engine can say; the first four are about itself and carry no id."""

    LOADED = "loaded"
    READY = "ready"
    NOT_READY = "not_ready"
    LOST = "lost"
    PROGRESS = "progress"
    LOG = "log"
    DONE = "done"
    FAILED = "failed"


class Failure(StrEnum):
    """Why a command failed, as far as the worker acts differently."""

    REJECTED = "rejected"
    NOT_READY = "not_ready"
    CANCELLED = "cancelled"
    NO_SPACE = "no_space"
    GPU_MEMORY = "gpu_memory"
    GPU_LOST = "gpu_lost"
    BROKEN_NUMBERS = "broken_numbers"
    BROKEN_WEIGHTS = "broken_weights"
    OTHER = "other"


FAULTS: dict[Failure, type[EngineFaulted]] = {
    Failure.GPU_MEMORY: GpuMemoryExhausted,
    Failure.GPU_LOST: GpuLost,
    Failure.BROKEN_NUMBERS: NumbersBroken,
    Failure.BROKEN_WEIGHTS: WeightsBroken,
}
"""After these an engine is started again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmOrder:
    """Which film a command is about: enough for a fresh process to begin with any command.

    `request` holds the fields that were given, without the photograph, which lies in the file
    `photo`. `seed` is None until the first command has chosen one.
    """

    request: dict[str, JsonValue]
    photo: str
    seed: int | None = None

    def to_line(self) -> Line:
        """The order as part of a command."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progressed:
    """How far the whole film is; `stage` is in words, `eta_s` in seconds."""

    stage: str
    fraction: float
    eta_s: float | None = None


def encode_line(message: Line) -> bytes:
    """One message as it is sent."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def decode_line(line: bytes) -> Line | None:
    """The message in a line, or None when it is none."""
    try:
        message = json.loads(line)
    except ValueError:
        return None
    return message if isinstance(message, dict) else None
