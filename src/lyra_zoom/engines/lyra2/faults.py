"""What goes wrong on a GPU, by its name: the errors of torch become our own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from safetensors import SafetensorError

from lyra_zoom.errors import GpuLost, GpuMemoryExhausted, WeightsBroken

OF_THE_DEVICE = re.compile(r"\b(CUDA|cuDNN|CUBLAS|CUSPARSE|NCCL)\w* (driver )?error", re.I)
"""What the message says of errors that only have the type `RuntimeError`."""

TOO_LITTLE = re.compile(r"out of memory|ALLOC_FAILED", re.I)

ASKED_FOR = re.compile(r"[Tt]ried to allocate ([0-9.]+ [KMGT]?iB)")


@contextmanager
def named_faults() -> Iterator[None]:
    """Whatever the device or damaged weights do to the block is raised by its name.

    Raises:
        GpuMemoryExhausted: the device has too little memory left.
        GpuLost: the device failed; nothing more can be computed on it by this process.
        WeightsBroken: a file of weights could not be read.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise GpuMemoryExhausted(_too_little(error)) from error
    except torch.AcceleratorError as error:
        raise _named(error) from error
    except SafetensorError as error:
        raise WeightsBroken("a file of weights is damaged") from error
    except RuntimeError as error:
        if OF_THE_DEVICE.search(str(error)):
            raise _named(error) from error
        raise


def in_one_line(error: Exception) -> str:
    """What an error of a library says first."""
    return str(error).strip().partition("\n")[0] or type(error).__name__


def _named(error: RuntimeError) -> GpuLost | GpuMemoryExhausted:
    if TOO_LITTLE.search(str(error)):
        return GpuMemoryExhausted(_too_little(error))
    return GpuLost(f"the GPU failed: {in_one_line(error)}")


def _too_little(error: RuntimeError) -> str:
    """Without the processes and addresses that torch names."""
    asked = ASKED_FOR.search(str(error))
    return "the GPU ran out of memory" + (f" when {asked[1]} more were needed" if asked else "")
