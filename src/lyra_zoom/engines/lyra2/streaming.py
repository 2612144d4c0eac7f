"""Blocks that live in the host's memory and visit the GPU in turn, a few ahead of their use.

All blocks share one stretch of pinned memory. Each is copied whole, on a stream of its own,
while earlier blocks compute. A forward pass reads all blocks once: 25 GB in sixteen bits, a
second over PCIe 4, and computes for longer than that on any card that needs this. On the CPU
the same code copies at once.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, cast

import torch
from torch import Tensor, nn

from lyra_zoom.engines.lyra2.pinned import lock_pages, whole_pages

ALIGNMENT = 256  # bytes; what GPU kernels like a tensor to begin at
BLOCKS_AHEAD = 2

Layer = TypeVar("Layer", bound=nn.Module)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where one tensor of a block lies in the block's stretch of memory."""

    name: str
    dtype: torch.dtype
    shape: torch.Size
    start: int
    nbytes: int

    def of(self, memory: Tensor) -> Tensor:
        """The tensor as a view into such a stretch."""
        stretch = memory[self.start : self.start + self.nbytes]
        return stretch.view(self.dtype).view(self.shape)


class BlockStream(Generic[Layer]):
    """A `block_source` for the transformer: yields its blocks in order, on `device`.

    The blocks given stay on the host and may be changed there between passes, as LoRAs do;
    their tensors become views into pinned memory. What is yielded is valid until the next is
    asked for.
    """

    def __init__(
        self, blocks: Iterable[Layer], device: torch.device, ahead: int = BLOCKS_AHEAD
    ) -> None:
        blocks = list(blocks)
        self.places = layout_of(blocks[0])
        block_bytes = bytes_of(self.places)
        self._home = whole_pages(block_bytes * len(blocks))
        self._stored = self._home[: block_bytes * len(blocks)].view(len(blocks), -1)
        for block, memory in zip(blocks, self._stored, strict=True):
            _pack(block, self.places, memory)
        if device.type == "cuda":
            lock_pages(self._home, self)
        slots = min(ahead + 1, len(blocks))
        self._slots = [_Slot(blocks[0], self.places, device) for _ in range(slots)]
        self._copier: Copier = CudaCopier(device) if device.type == "cuda" else HostCopier()

    @property
    def device_bytes(self) -> int:
        """What the visiting blocks take on the device."""
        return sum(slot.memory.nbytes for slot in self._slots)

    @property
    def host_bytes(self) -> int:
        """What all blocks take at home."""
        return self._home.nbytes

    @property
    def templates(self) -> tuple[Layer, ...]:
        """The modules that take turns being each block."""
        return tuple(slot.block for slot in self._slots)

    def __call__(self) -> Iterator[Layer]:
        """One pass over all blocks."""
        self._copier.begin()
        fetched = 0
        for index in range(len(self._stored)):
            while fetched < min(index + len(self._slots), len(self._stored)):
                self._copier.fetch(self._stored[fetched], self._slot(fetched).memory)
                fetched += 1
            self._copier.await_fetched(self._slot(index).memory)
            yield self._slot(index).block
            self._copier.release(self._slot(index).memory)

    def _slot(self, index: int) -> _Slot[Layer]:
        return self._slots[index % len(self._slots)]


class Copier(Protocol):
    """Copies blocks to the device and keeps copying and computing apart."""

    def begin(self) -> None:
        """A pass begins; what the last one left unfinished is waited for."""

    def fetch(self, stored: Tensor, memory: Tensor) -> None:
        """Copy a block into `memory` as soon as whoever used that is done."""

    def await_fetched(self, memory: Tensor) -> None:
        """Let computing wait until the block is in `memory`."""

    def release(self, memory: Tensor) -> None:
        """All that computes with `memory` has been asked for: it may then be overwritten."""


class HostCopier:
    """Copies at once."""

    def begin(self) -> None:
        """Nothing is ever unfinished."""

    def fetch(self, stored: Tensor, memory: Tensor) -> None:
        """Copy now."""
        memory.copy_(stored)

    def await_fetched(self, memory: Tensor) -> None:
        """It is there."""

    def release(self, memory: Tensor) -> None:
        """Nobody computes any longer."""


class CudaCopier:
    """Copies on a stream of its own; events say when a stretch is full and when it is free."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._full: dict[int, torch.cuda.Event] = {}
        self._free: dict[int, torch.cuda.Event] = {}

    def begin(self) -> None:
        """A pass that was broken off may still compute: the GPU waits for it, not the host."""
        self._stream.wait_stream(torch.cuda.current_stream(self._device))
        self._free.clear()

    def fetch(self, stored: Tensor, memory: Tensor) -> None:
        """Queue the copy behind the last use of `memory`."""
        free = self._free.pop(memory.data_ptr(), None)
        with torch.cuda.stream(self._stream):
            if free is not None:
                self._stream.wait_event(free)
            memory.copy_(stored, non_blocking=True)
            self._full[memory.data_ptr()] = self._stream.record_event()

    def await_fetched(self, memory: Tensor) -> None:
        """The computing stream waits; the host does not."""
        torch.cuda.current_stream(self._device).wait_event(self._full[memory.data_ptr()])

    def release(self, memory: Tensor) -> None:
        """Mark the place in the computing stream after which `memory` is free."""
        self._free[memory.data_ptr()] = torch.cuda.current_stream(self._device).record_event()


class _Slot(Generic[Layer]):
    """A block's worth of memory on the device, and a module whose tensors are views into it."""

    def __init__(self, block: Layer, places: Sequence[Place], device: torch.device) -> None:
        self.memory = torch.empty(bytes_of(places), dtype=torch.uint8, device=device)
        self.block = _hollow(block)
        _point(self.block, places, self.memory)


def layout_of(block: nn.Module) -> tuple[Place, ...]:
    """All parameters and buffers of a block, one after the other."""
    places, start = [], 0
    for name, tensor in _tensors(block):
        places.append(
            Place(
                name=name,
                dtype=tensor.dtype,
                shape=tensor.shape,
                start=start,
                nbytes=tensor.nbytes,
            )
        )
        start += -(-tensor.nbytes // ALIGNMENT) * ALIGNMENT
    return tuple(places)


def bytes_of(places: Sequence[Place]) -> int:
    """What a block takes that is laid out like this."""
    last = places[-1]
    return last.start + -(-last.nbytes // ALIGNMENT) * ALIGNMENT


def _pack(block: nn.Module, places: Sequence[Place], memory: Tensor) -> None:
    """Bring a block's tensors into its stretch of memory; the block's own now lie there."""
    tensors = dict(_tensors(block))
    if [(p.name, p.dtype, p.shape) for p in places] != [
        (name, tensor.dtype, tensor.shape) for name, tensor in tensors.items()
    ]:
        raise ValueError("a block has other tensors than the first one")
    for place in places:
        place.of(memory).copy_(tensors[place.name])
    _point(block, places, memory)


def _point(block: nn.Module, places: Sequence[Place], memory: Tensor) -> None:
    """Make the tensors of a block views into `memory`; at home they stay the same objects."""
    for place in places:
        path, _, leaf = place.name.rpartition(".")
        owner, view = block.get_submodule(path), place.of(memory)
        tensors = owner._parameters if leaf in owner._parameters else owner._buffers
        tensor = cast("dict[str, Tensor]", tensors)[leaf]
        if tensor.device == view.device:
            tensor.data = view
        elif leaf in owner._parameters:
            owner._parameters[leaf] = nn.Parameter(view, requires_grad=False)
        else:
            owner._buffers[leaf] = view


def _hollow(block: Layer) -> Layer:
    """A copy of the block's structure whose tensors hold nothing."""
    empty: dict[int, object] = {}
    for _, tensor in _tensors(block):
        hollow = torch.empty_like(tensor, device="meta")
        is_parameter = isinstance(tensor, nn.Parameter)
        empty[id(tensor)] = (
            nn.Parameter(hollow, requires_grad=False) if is_parameter else hollow
        )
    return copy.deepcopy(block, empty)


def _tensors(block: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from block.named_parameters()
    yield from block.named_buffers()
