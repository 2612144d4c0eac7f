"""Every error the product raises on purpose; the command line and the server translate them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

EXIT_DATABASE_UNUSABLE = 3
"""How a process ends that cannot work with its database: starting it again would not help."""


class LyraZoomError(Exception):
    """Base of all errors that a person is meant to read."""


@dataclass(eq=False)
class InputRejected(LyraZoomError):
    """A field of the request cannot be used; says which field, why, and what would be allowed.

    `kind` is the `type` of fal's validation body, for example `image_load_error`.
    """

    field_name: str
    message: str
    kind: str = "value_error"
    context: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.field_name}: {self.message}"


class EngineNotReady(LyraZoomError):
    """The engine asked for cannot run here; the message says in one sentence why not."""


class Cancelled(LyraZoomError):
    """The person who asked for the work no longer wants it."""


class VideoUnreadable(LyraZoomError):
    """A file given to `inspect` is not a video, or not one that this program made."""


class ChunksDiffer(LyraZoomError):
    """Chunks of one film were encoded in different ways and cannot become one file."""


class ViewsUnreadable(LyraZoomError):
    """The folder given to `bench --views` holds no rendered views, or none to judge by."""


class OutputRejected(LyraZoomError):
    """The place where a result shall go cannot be written."""


class JobFailed(LyraZoomError):
    """A job that `bench` measures ended with an error; the message is the last it wrote."""


class SettingRejected(LyraZoomError):
    """A `LYRA_ZOOM_...` variable has a value that cannot be used; the message names it."""


class NotPossibleNow(LyraZoomError):
    """Something this server stands on is not there at the moment; trying later may help."""


class DataFolderTaken(LyraZoomError):
    """Another server, or a worker of the same name, works in the same data folder."""


class DatabaseUnusable(LyraZoomError):
    """The database is damaged, or was written by a newer version."""


class AddressUnreachable(LyraZoomError):
    """A server out there could not be spoken to: no name, no connection, no complete answer."""


class EngineDied(LyraZoomError):
    """The process of the engine ended in the middle of its work; the message says how."""


class EngineHung(LyraZoomError):
    """The engine said nothing for so long that it was stopped."""


class EngineFailed(LyraZoomError):
    """The engine could not do its work, for a reason that is not in the request."""


class EngineFaulted(EngineFailed):
    """What failed may fail again until the engine is started anew; the message says why."""


class GpuMemoryExhausted(EngineFaulted):
    """A video needs more memory than the GPU has left."""


class GpuLost(EngineFaulted):
    """The GPU does not answer any more, or made a mistake that its process does not survive."""


class NumbersBroken(EngineFaulted):
    """The network gave numbers that are not finite: a fault of weights, memory or precision."""


class WeightsBroken(EngineFaulted):
    """Weights turned out to be damaged while a request was worked on."""


class StateUnusable(EngineFailed):
    """The state an engine shall go on from is damaged, or of another film."""


class UnknownRevision(LyraZoomError):
    """The tables of the database are at a revision that this version does not know."""


class WeightsUnusable(LyraZoomError):
    """Weights of the lyra2 engine are missing, damaged, of another shape, or cannot be had."""


class LicenceNotAccepted(LyraZoomError):
    """The licence of the lyra2 engine's weights was not accepted by whoever runs this."""
