"""What a process hands over after a chunk: the latents it drew and the depth it saw in them.

The first chunk's state also holds what the leg was begun with: the depth of the photograph and
the cameras that were planned through it, which another process might find to be others.
Everything else follows from these, exactly. A state is a safetensors file; reading one runs no
code of its writer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from lyra_zoom.engines.lyra2.projection import Cameras
from lyra_zoom.errors import StateUnusable

VERSION = 2

Kinds: TypeAlias = dict[str, tuple[torch.dtype, tuple[int, ...]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """What a leg begins with, besides the photograph itself; on the CPU."""

    depth: Float[Tensor, "H W"]  # of the photograph
    cameras: Cameras  # of the whole leg; the first K is the photograph's


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkState:
    """One chunk, on the CPU; `beginning` is in that of the first one."""

    chunk: int
    latents: Float[Tensor, "C 20 h w"]
    depths: Mapping[int, Float[Tensor, "H W"]]  # by frame; none after the last chunk
    beginning: Beginning | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a state must hold to fit a leg of so many cameras."""

    chunk: int
    cameras: int
    latents_shape: tuple[int, ...]
    depth_frames: Sequence[int]
    depth_shape: tuple[int, ...]

    def kinds(self) -> Kinds:
        """Type and shape of each tensor."""
        count = len(self.depth_frames)
        kinds: Kinds = {
            "version_and_chunk": (torch.int64, (2,)),
            "latents": (torch.float32, self.latents_shape),
            "depth_frames": (torch.int64, (count,)),
        }
        if count:
            kinds["depths"] = (torch.float32, (count, *self.depth_shape))
        if self.chunk == 0:
            kinds["first_depth"] = (torch.float32, self.depth_shape)
            kinds["w2c"] = (torch.float32, (self.cameras, 4, 4))
            kinds["K"] = (torch.float32, (self.cameras, 3, 3))
        return kinds


def save_state(state: ChunkState) -> bytes:
    """The state as bytes."""
    tensors = {
        "version_and_chunk": torch.tensor([VERSION, state.chunk]),
        "latents": state.latents.contiguous(),
        "depth_frames": torch.tensor(list(state.depths), dtype=torch.int64),
    }
    if state.depths:
        tensors["depths"] = torch.stack(list(state.depths.values()))
    if state.beginning is not None:
        tensors["first_depth"] = state.beginning.depth.contiguous()
        tensors["w2c"] = state.beginning.cameras.w2c.contiguous()
        tensors["K"] = state.beginning.cameras.K.contiguous()
    return save(tensors)


def load_state(data: bytes, expected: Expected) -> ChunkState:
    """The state behind these bytes.

    Raises:
        StateUnusable: it is damaged, or does not fit.
    """
    try:
        tensors = load(data)
    except (SafetensorError, ValueError) as error:
        raise StateUnusable(f"the state of chunk {expected.chunk} cannot be read") from error
    found = {name: (tensor.dtype, tuple(tensor.shape)) for name, tensor in tensors.items()}
    if found != expected.kinds():
        raise StateUnusable(f"the state of chunk {expected.chunk} has not the expected shape")
    if tensors["version_and_chunk"].tolist() != [VERSION, expected.chunk]:
        raise StateUnusable(
            f"the state is not of chunk {expected.chunk}, or of another version"
        )
    if tensors["depth_frames"].tolist() != list(expected.depth_frames):
        raise StateUnusable(f"the state of chunk {expected.chunk} is of other frames")
    counted = [tensor for name, tensor in tensors.items() if name != "depths"]  # made sane
    if not all(bool(tensor.isfinite().all()) for tensor in counted):
        raise StateUnusable(
            f"the state of chunk {expected.chunk} has numbers that are not finite"
        )
    return ChunkState(
        chunk=expected.chunk,
        latents=tensors["latents"],
        depths=dict(zip(expected.depth_frames, tensors.get("depths", ()), strict=True)),
        beginning=_beginning(tensors) if expected.chunk == 0 else None,
    )


def _beginning(tensors: Mapping[str, Tensor]) -> Beginning:
    cameras = Cameras(w2c=tensors["w2c"], K=tensors["K"])
    return Beginning(depth=tensors["first_depth"], cameras=cameras)
