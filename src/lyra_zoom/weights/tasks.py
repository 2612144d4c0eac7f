"""What a conversion has to do: one task for each file that shall be there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeAlias

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from lyra_zoom.engines.lyra2.filling import compare
from lyra_zoom.engines.lyra2.installed import DepthChoice, StoredFile
from lyra_zoom.engines.lyra2.sizes import SIZES_FILE, Sizes, sizes_in
from lyra_zoom.engines.lyra2.tokenizer import load_tokenizer
from lyra_zoom.errors import OutputRejected, WeightsUnusable
from lyra_zoom.weights.depth_models import check_depth_files, check_depth_model
from lyra_zoom.weights.networks import Network
from lyra_zoom.weights.parts import (
    DEPTH,
    DEPTH_FILES,
    LORAS,
    PUBLISHED_FOLDER,
    TOKENIZER_FILES,
    TOKENIZER_REPOSITORY,
)
from lyra_zoom.weights.plan import FILE_BYTES, PlannedFile, kept_dtype, plan_files
from lyra_zoom.weights.sources import TensorSource
from lyra_zoom.weights.whole_files import copied, stored, written_whole

Tell: TypeAlias = Callable[[int], None]
"""Hears how many more bytes are done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What shall be converted: `published` is the folder of the checkpoints, or one above it.

    `tokenizer` and `depth_model` are folders of files that are taken as they are. `revision` is
    the commit of the source, `others` that of each other repository. `leave_out`: patterns of
    published tensors that are not needed.
    """

    published: Path
    tokenizer: Path
    depth: DepthChoice = "embedded"
    depth_model: Path | None = None
    source: str = "a folder"
    revision: str | None = None
    others: Mapping[str, str] = field(default_factory=dict)
    leave_out: tuple[str, ...] = ()
    file_bytes: int = FILE_BYTES

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints itself."""
        below = self.published / PUBLISHED_FOLDER
        return below if below.is_dir() else self.published

    @property
    def loras(self) -> dict[str, Path]:
        """The file of each LoRA."""
        return {name: self.checkpoints / "lora" / f"{name}.safetensors" for name in LORAS}

    @property
    def sizes(self) -> Sizes:
        """Those of the public weights, unless a file beside the checkpoints says otherwise."""
        return sizes_in(self.published)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One file that shall be there; `made_from` tells whether an earlier one is the same."""

    name: str
    words: str
    bytes: int
    made_from: str
    make: Callable[[Path, Tell], StoredFile]


def conversion_of(network: Network, order: Order) -> tuple[list[Task], tuple[str, ...]]:
    """The files of a network, and the published tensors that are left out of them.

    Reads only what the files say of themselves; raises `WeightsUnusable` if it does not fit.
    """
    place = order.checkpoints / network.part.source
    if not place.exists():
        raise WeightsUnusable(f"{network.part.words} is missing: there is no {place}")
    source = network.open(place)
    planned = plan_files(
        source,
        network.rename,
        network.part.target,
        dtype=network.dtype,
        leave_out=(*network.leave_out, *order.leave_out),
        file_bytes=order.file_bytes,
    )
    if network.expected is not None:
        compare(planned.shapes, network.expected(order.sizes), network.part.words)
    if network.part == DEPTH and order.depth_model is not None:
        check_depth_model(order.depth, order.depth_model, planned.shapes)
    published = _identity(place)
    tasks = [
        Task(
            name=file.name,
            words=f"converting {network.part.words}",
            bytes=file.bytes,
            made_from=_hash(f"{published} {sorted(file.tensors.items())}"),
            make=partial(_write, file, source, network),
        )
        for file in planned.files
    ]
    return tasks, planned.left_out


def copies(order: Order) -> list[Task]:
    """The files that are taken as they are: LoRAs, the tokenizer, a depth model.

    Raises `WeightsUnusable` where one is missing, or the tokenizer or depth model is another.
    """
    loras = {f"lora/{name}.safetensors": file for name, file in order.loras.items()}
    sizes = order.published / SIZES_FILE
    other_sizes = {SIZES_FILE: sizes} if sizes.is_file() else {}
    every = {**other_sizes, **loras, **_tokenizer(order), **_depth(order)}
    return [_copy(name, file) for name, file in every.items()]


def _tokenizer(order: Order) -> dict[str, Path]:
    files = {f"tokenizer/{name}": order.tokenizer / name for name in TOKENIZER_FILES}
    missing = [file.name for file in files.values() if not file.is_file()]
    if missing:
        raise WeightsUnusable(
            f"the tokenizer is missing: there is no {missing[0]} in {order.tokenizer}; "
            f"hf download {TOKENIZER_REPOSITORY} {missing[0]} fetches it, and --tokenizer DIR "
            "says where it is"
        )
    load_tokenizer(order.tokenizer, order.sizes.text.vocab_size)
    return files


def _depth(order: Order) -> dict[str, Path]:
    check_depth_files(order.depth, order.depth_model)
    folder = order.depth_model
    if folder is None:
        return {}
    if order.depth == "dav2-small":
        check_depth_model(order.depth, folder, {})
    return {f"depth/{name}": folder / name for name in DEPTH_FILES[order.depth]}


def _copy(name: str, file: Path) -> Task:
    if not file.is_file():
        raise WeightsUnusable(f"{name} is missing: there is no {file}")
    return Task(
        name=name,
        words=f"copying {name}",
        bytes=file.stat().st_size,
        made_from=_hash(_identity(file)),
        make=lambda target, tell: copied(file, target, tell),
    )


def _write(
    file: PlannedFile, source: TensorSource, network: Network, target: Path, tell: Tell
) -> StoredFile:
    """Half of the work is reading, half writing."""
    tensors: dict[str, Tensor] = {}
    for name in file.made_of:
        for ours, tensor in network.rename({name: source.read(name)}).items():
            dtype = kept_dtype(tensor.dtype, network.dtype)
            tensors[ours] = tensor.detach().to(dtype, copy=True).contiguous()
            tell(tensors[ours].nbytes // 2)
    with written_whole(target) as part:
        try:
            save_file(tensors, part, metadata={"format": "pt"})
        except SafetensorError as error:
            raise OutputRejected(f"cannot write {target}: {error}") from error
    tell(file.bytes - sum(tensor.nbytes // 2 for tensor in tensors.values()))
    return stored(target)


def _identity(place: Path) -> str:
    """Changes when a file does: name, size and time of a file, or of all files in a folder."""
    files = [place] if place.is_file() else sorted(_files_in(place))
    return " ".join(
        f"{file.name} {file.stat().st_size} {file.stat().st_mtime_ns}" for file in files
    )


def _files_in(folder: Path) -> Iterator[Path]:
    return (file for file in folder.rglob("*") if file.is_file())


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
