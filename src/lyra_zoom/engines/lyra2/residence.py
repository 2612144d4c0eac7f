"""Networks that work on the GPU for a moment and lie elsewhere the rest of the time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


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
