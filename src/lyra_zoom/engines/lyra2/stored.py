"""Tensors in safetensors files, which may be damaged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor

from lyra_zoom.errors import WeightsUnusable


def read_tensors(file: Path) -> dict[str, Tensor]:
    """All tensors of one file; raises `WeightsUnusable` where it cannot be read."""
    try:
        return load_file(file)
    except FileNotFoundError as error:
        raise WeightsUnusable(f"{file.name} is missing") from error
    except (OSError, SafetensorError) as error:
        raise WeightsUnusable(f"{file.name} is damaged: {error}") from error


class StoredTensors(Mapping[str, Tensor]):
    """All tensors in the files of a folder, by name; each is read anew, to the CPU.

    Raises `WeightsUnusable` for a file that cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self._files: dict[str, Any] = {}
        for file in sorted(folder.glob("*.safetensors")):
            try:
                opened = safe_open(file, framework="pt")
            except (OSError, SafetensorError) as error:
                raise WeightsUnusable(f"{file.name} is damaged: {error}") from error
            names: list[str] = opened.keys()  # type: ignore[no-untyped-call]  # it has no types
            self._files.update(dict.fromkeys(names, opened))

    def __getitem__(self, name: str) -> Tensor:
        return self._files[name].get_tensor(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)
