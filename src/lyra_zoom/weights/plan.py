"""What a part becomes: which of our tensors, of which shape, in which file; numbers only."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import TypeAlias

import torch
from torch import Tensor

from lyra_zoom.engines.lyra2.filling import some_of
from lyra_zoom.errors import WeightsUnusable
from lyra_zoom.weights.sources import Described, TensorSource

FILE_BYTES = 4 * 10**9
"""How large our files become, and so, how much memory a conversion takes."""

Rename: TypeAlias = Callable[[Mapping[str, Tensor]], dict[str, Tensor]]
"""Our names (and shapes) of some published tensors; `KeyError` for one that we do not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFile:
    """One file of ours: our tensors in it, and the published ones that they are made of."""

    name: str
    tensors: Mapping[str, Described]
    made_of: tuple[str, ...]

    @property
    def bytes(self) -> int:
        """The size of its tensors."""
        return sum(size_of(entry) for entry in self.tensors.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """All files of a part; `left_out` are published tensors that nothing needs."""

    files: tuple[PlannedFile, ...]
    left_out: tuple[str, ...] = ()

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Those of all tensors of the part."""
        return {
            name: entry.shape for file in self.files for name, entry in file.tensors.items()
        }


def plan_files(
    source: TensorSource,
    rename: Rename,
    target: str,
    *,
    dtype: torch.dtype | None = None,
    leave_out: Sequence[str] = (),
    file_bytes: int = FILE_BYTES,
) -> Planned:
    """The files that a part becomes; tensors with fractions in `dtype`, where it is given.

    A tensor that nobody knows raises `WeightsUnusable`, unless a pattern says to leave it out.
    """
    ours: dict[str, dict[str, Described]] = {}
    unknown: list[str] = []
    for name, entry in source.described().items():
        try:
            ours[name] = _renamed(name, entry, rename, dtype)
        except KeyError:
            unknown.append(name)
    left_out = [
        name for name in unknown if any(fnmatch(name, pattern) for pattern in leave_out)
    ]
    _refuse_unknown(sorted({*unknown} - {*left_out}))
    return Planned(files=tuple(_in_files(ours, target, file_bytes)), left_out=tuple(left_out))


def size_of(entry: Described) -> int:
    """Bytes of a tensor."""
    return math.prod(entry.shape) * entry.dtype.itemsize


def _renamed(
    name: str, entry: Described, rename: Rename, dtype: torch.dtype | None
) -> dict[str, Described]:
    """What one published tensor becomes, tried on one without bytes."""
    empty = torch.empty(entry.shape, dtype=entry.dtype, device="meta")
    return {
        ours: Described(tuple(tensor.shape), kept_dtype(tensor.dtype, dtype))
        for ours, tensor in rename({name: empty}).items()
    }


def kept_dtype(published: torch.dtype, wanted: torch.dtype | None) -> torch.dtype:
    """The type a tensor is kept in: only numbers with fractions are rounded."""
    return wanted if wanted is not None and published.is_floating_point else published


def _in_files(
    ours: Mapping[str, dict[str, Described]], target: str, file_bytes: int
) -> list[PlannedFile]:
    """Tensors in their published order, cut where a file would become too large."""
    groups: list[list[str]] = [[]]
    filled = 0
    for name, tensors in ours.items():
        size = sum(size_of(entry) for entry in tensors.values())
        if groups[-1] and filled + size > file_bytes and target.endswith("/"):
            groups.append([])
            filled = 0
        if tensors:
            groups[-1].append(name)
            filled += size
    return [
        PlannedFile(
            name=_file_name(target, number, len(groups)),
            tensors={key: entry for name in group for key, entry in ours[name].items()},
            made_of=tuple(group),
        )
        for number, group in enumerate(groups, start=1)
    ]


def _file_name(target: str, number: int, count: int) -> str:
    if not target.endswith("/"):
        return target
    if count == 1:
        return f"{target}model.safetensors"
    return f"{target}model-{number:05}-of-{count:05}.safetensors"


def _refuse_unknown(names: Sequence[str]) -> None:
    if names:
        raise WeightsUnusable(
            f"{some_of(names, 'of no network that we know')}; if they are not needed, "
            "--leave-out PATTERN converts the rest"
        )
