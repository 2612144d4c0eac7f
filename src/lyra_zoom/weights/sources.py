"""Tensors in the files people publish, one at a time; nothing in a file is ever executed."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from lyra_zoom.errors import WeightsUnusable

WRAPPERS = ("module", "model", "state_dict")
"""Where training programs put the tensors of a pickle that holds other things, too."""


@dataclass(frozen=True, slots=True)
class Described:
    """A tensor that was not read yet."""

    shape: tuple[int, ...]
    dtype: torch.dtype


def shapes_in(file: Path) -> dict[str, tuple[int, ...]]:
    """The shape of every tensor in a `.safetensors` file; only its header is read."""
    return {name: entry.shape for name, entry in SafeTensors(file).described().items()}


class TensorSource(Protocol):
    """A file, or a folder of files, that holds tensors by name."""

    def described(self) -> Mapping[str, Described]:
        """Every tensor there is."""

    def read(self, name: str) -> Tensor:
        """One of them, on the CPU."""


class PickledTensors:
    """A `.pt` or `.pth` file, read as data only; mapped into memory where its format allows."""

    def __init__(self, file: Path) -> None:
        self._tensors = _tensors_of(_unpickled(file), file)

    def described(self) -> Mapping[str, Described]:
        """Every tensor in the file."""
        return {
            name: Described(tuple(tensor.shape), tensor.dtype)
            for name, tensor in self._tensors.items()
        }

    def read(self, name: str) -> Tensor:
        """One tensor; its bytes come from the disk when they are used."""
        return self._tensors[name]


class SafeTensors:
    """A `.safetensors` file."""

    def __init__(self, file: Path) -> None:
        try:
            self._file: Any = safe_open(file, framework="pt")
        except (OSError, SafetensorError) as error:
            raise WeightsUnusable(f"{file} cannot be read: {error}") from error

    def described(self) -> Mapping[str, Described]:
        """Every tensor in the file; only its header is read."""
        return {name: self._describe(name) for name in self._file.keys()}  # noqa: SIM118  # no dict

    def read(self, name: str) -> Tensor:
        """One tensor."""
        return self._file.get_tensor(name)

    def _describe(self, name: str) -> Described:
        piece = self._file.get_slice(name)
        return Described(tuple(piece.get_shape()), DTYPES[piece.get_dtype()])


DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
"""How safetensors spells them."""


UNREADABLE = (
    OSError,
    RuntimeError,
    EOFError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
)
"""What torch raises for bytes that are no file of its own."""


def _unpickled(file: Path) -> object:
    try:
        return torch.load(file, map_location="cpu", weights_only=True, mmap=True)
    except pickle.UnpicklingError as error:
        raise WeightsUnusable(
            f"{file} holds more than tensors and is not opened, since opening it could run code"
        ) from error
    except UNREADABLE:
        return _unpickled_of_old(file)


def _unpickled_of_old(file: Path) -> object:
    """What torch wrote before its files were archives cannot be mapped."""
    try:
        return torch.load(file, map_location="cpu", weights_only=True)
    except (*UNREADABLE, pickle.UnpicklingError) as error:
        raise WeightsUnusable(
            f"{file} cannot be read: it is damaged, or no file of tensors; fetch it again"
        ) from error


def _tensors_of(content: object, file: Path) -> Mapping[str, Tensor]:
    if isinstance(content, Tensor):
        return {"": content}
    for wrapper in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
    if not isinstance(content, Mapping):
        raise WeightsUnusable(f"{file} holds no tensors by name")
    return {str(name): value for name, value in content.items() if isinstance(value, Tensor)}
