"""What a process hands over after a chunk: the latents it drew and the depth it saw in them.

Everything else follows from these, exactly. A state is a safetensors file; reading one runs no
code of its writer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from lyra_zoom.errors import StateUnusable

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkState:
    """One chunk, on the CPU."""

    chunk: int
    latents: Float[Tensor, "C 20 h w"]
    depths: Mapping[int, Float[Tensor, "H W"]]  # by frame; none after the last chunk


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a state must hold to fit a leg."""

    chunk: int
    latents_shape: tuple[int, ...]
    depth_frames: Sequence[int]
    depth_shape: tuple[int, ...]


def save_state(state: ChunkState) -> bytes:
    """The state as bytes."""
    tensors = {
        "version_and_chunk": torch.tensor([VERSION, state.chunk]),
        "latents": state.latents.contiguous(),
        "depth_frames": torch.tensor(list(state.depths), dtype=torch.int64),
    }
    if state.depths:
        tensors["depths"] = torch.stack(list(state.depths.values()))
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
    count = len(expected.depth_frames)
    shapes = {
        "version_and_chunk": (torch.int64, (2,)),
        "latents": (torch.float32, expected.latents_shape),
        "depth_frames": (torch.int64, (count,)),
    }
    if count:
        shapes["depths"] = (torch.float32, (count, *expected.depth_shape))
    found = {name: (tensor.dtype, tuple(tensor.shape)) for name, tensor in tensors.items()}
    if found != shapes:
        raise StateUnusable(f"the state of chunk {expected.chunk} has not the expected shape")
    if tensors["version_and_chunk"].tolist() != [VERSION, expected.chunk]:
        raise StateUnusable(
            f"the state is not of chunk {expected.chunk}, or of another version"
        )
    if tensors["depth_frames"].tolist() != list(expected.depth_frames):
        raise StateUnusable(f"the state of chunk {expected.chunk} is of other frames")
    if not bool(tensors["latents"].isfinite().all()):
        raise StateUnusable(
            f"the state of chunk {expected.chunk} has numbers that are not finite"
        )
    depths = tensors["depths"] if count else ()
    return ChunkState(
        chunk=expected.chunk,
        latents=tensors["latents"],
        depths=dict(zip(expected.depth_frames, depths, strict=True)),
    )
