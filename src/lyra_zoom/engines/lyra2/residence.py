"""Where networks lie: on the GPU, or elsewhere but for the moment in which they work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn


def device_of(kind: str) -> torch.device:
    """What "cuda" or "cpu" means, named as tensors there name it, so that the two compare."""
    return torch.device(kind, 0) if kind == "cuda" else torch.device(kind)


def as_computed_with(
    state: Mapping[str, Tensor], device: torch.device, sixteen_bits: torch.dtype
) -> dict[str, Tensor]:
    """Weights as they are computed with: in sixteen bits on a GPU, as stored elsewhere."""
    if device.type == "cpu":
        return dict(state)
    return {
        name: tensor.to(sixteen_bits) if tensor.is_floating_point() else tensor
        for name, tensor in state.items()
    }


@contextmanager
def at_work(module: nn.Module, device: torch.device) -> Iterator[None]:
    """The network on `device` inside the block, and afterwards where it was before.

    Its weights must not change meanwhile: nothing is copied back. Costs nothing where the
    network already lies on the device.
    """
    kept = [(tensor, tensor.data) for tensor in (*module.parameters(), *module.buffers())]
    visits = any(data.device != device for _, data in kept)
    try:
        if visits:
            for tensor, data in kept:
                tensor.data = data.to(device)
        yield
    finally:
        for tensor, data in kept:
            tensor.data = data
        if visits and device.type == "cuda":
            torch.cuda.empty_cache()
