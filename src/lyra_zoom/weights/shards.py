"""A checkpoint that a training on many GPUs wrote, shard by shard, read tensor by tensor.

Format: torch.distributed.checkpoint. `.metadata` is a pickle that says which piece of which
tensor lies where; only the classes that such a file needs are let in when it is read.
"""

from __future__ import annotations

import math
import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import torch
from torch import Tensor
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.filesystem import FileSystemReader
from torch.distributed.checkpoint.metadata import Metadata, StorageMeta, TensorStorageMetadata
from torch.distributed.checkpoint.state_dict_loader import load

from lyra_zoom.errors import WeightsUnusable
from lyra_zoom.weights.sources import Described

METADATA = ".metadata"

WELCOME = {
    "collections": {"OrderedDict"},
    "builtins": {"set", "frozenset", "slice", "complex", "bytearray"},
    "torch": {"Size", *(str(kind).removeprefix("torch.") for kind in (
        torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn,
        torch.float8_e5m2, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8,
        torch.bool,
    ))},
    "torch.serialization": {"_get_layout"},
    "torch.distributed.checkpoint.filesystem": {"_StorageInfo"},
    "torch.distributed.checkpoint.metadata": {
        "Metadata", "MetadataIndex", "StorageMeta", "TensorStorageMetadata",
        "ChunkStorageMetadata", "BytesStorageMetadata", "TensorProperties",
        "_MEM_FORMAT_ENCODING",
    },
    "torch.distributed._shard.sharded_tensor.metadata": {
        "TensorProperties", "MEM_FORMAT_ENCODING",
    },
}  # fmt: skip
"""Names by module: what `.metadata` is made of, in this and older versions of torch."""

PATH_MODULES = ("pathlib", "pathlib._local")
"""Where Python has its paths: 3.13 writes the second, all other versions the first."""

PATHS = ("Path", "PosixPath", "PurePath", "PurePosixPath", "WindowsPath", "PureWindowsPath")
"""Kinds of paths; nothing is looked for at the one in the file."""


class ShardedTensors:
    """The tensors of a checkpoint folder; what is no tensor in it is not looked at."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._reader = _Reader(folder)
        metadata = self._reader.read_metadata()
        self._tensors = {
            name: entry
            for name, entry in metadata.state_dict_metadata.items()
            if isinstance(entry, TensorStorageMetadata)
        }

    def described(self) -> Mapping[str, Described]:
        """Every tensor, whole, whatever it is cut into."""
        return {
            name: Described(tuple(entry.size), entry.properties.dtype)
            for name, entry in self._tensors.items()
        }

    def read(self, name: str) -> Tensor:
        """One tensor, put together from its pieces."""
        entry = self._tensors[name]
        if sum(math.prod(piece.sizes) for piece in entry.chunks) != math.prod(entry.size):
            raise WeightsUnusable(f"{self._folder}: pieces of {name} are missing")
        wanted = {name: torch.empty(entry.size, dtype=entry.properties.dtype)}
        try:
            with warnings.catch_warnings():
                # that this is one process alone, which it is meant to be
                warnings.filterwarnings("ignore", message="torch.distributed is disabled")
                load(wanted, storage_reader=self._reader, no_dist=True)
        except CheckpointException as error:
            reason = next(iter(error.failures.values()))[0]
            if isinstance(reason, KeyboardInterrupt):
                raise reason from None  # which torch takes for a failure of the checkpoint
            raise WeightsUnusable(f"{self._folder}: {name} cannot be read: {reason}") from error
        return wanted[name]


class _Reader(FileSystemReader):
    """Reads the metadata once, and as data only."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._metadata = _metadata_in(folder)

    def read_metadata(self, *args: object, **kwargs: object) -> Metadata:
        """Where everything lies."""
        del args, kwargs
        return self._metadata


class _MetadataUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> object:
        """The class, if such a file needs it."""
        if module in PATH_MODULES and name in PATHS:
            return PurePosixPath
        if name in WELCOME.get(module, ()):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")


def _metadata_in(folder: Path) -> Metadata:
    file = folder / METADATA
    try:
        with file.open("rb") as opened:
            metadata = _MetadataUnpickler(opened).load()
    except FileNotFoundError as error:
        raise WeightsUnusable(f"{folder} is no sharded checkpoint: no {METADATA}") from error
    except pickle.UnpicklingError as error:
        raise WeightsUnusable(f"{file} is not opened, for {error}") from error
    except (OSError, EOFError, AttributeError, ValueError, TypeError) as error:
        raise WeightsUnusable(f"{file} cannot be read: {error}") from error
    if not isinstance(metadata, Metadata):
        raise WeightsUnusable(f"{file} does not describe a checkpoint")
    if getattr(metadata, "storage_meta", None) is None:
        metadata.storage_meta = StorageMeta()  # which older versions of torch did not write
    return metadata
