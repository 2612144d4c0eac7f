"""Host memory that the GPU reads by itself, without waste.

torch's own pinned memory takes a power of two for every piece: 1 GiB for a block of 0.57. So
this takes ordinary memory, as much as is needed, and has CUDA lock its pages.
"""

from __future__ import annotations

import logging
import weakref
from contextlib import suppress
from typing import Protocol, SupportsInt, cast

import torch
from torch import Tensor

PAGE_BYTES = 4096

logger = logging.getLogger(__name__)


class CudaRuntime(Protocol):
    """What is asked of CUDA; both give an error's number, or 0."""

    def cudaHostRegister(self, pointer: int, nbytes: int, flags: int, /) -> SupportsInt:  # noqa: N802
        """Lock the pages of this memory."""

    def cudaHostUnregister(self, pointer: int, /) -> SupportsInt:  # noqa: N802
        """Let them go."""


def whole_pages(nbytes: int) -> Tensor:
    """So many bytes of host memory, rounded up to pages that nothing else lies in."""
    rounded = -(-nbytes // PAGE_BYTES) * PAGE_BYTES
    memory = torch.empty(rounded + PAGE_BYTES, dtype=torch.uint8)
    start = -memory.data_ptr() % PAGE_BYTES
    return memory[start : start + rounded]


def lock_pages(memory: Tensor, owner: object, runtime: CudaRuntime | None = None) -> bool:
    """Lock memory from `whole_pages` for as long as `owner` is there; False if CUDA refuses.

    What is not locked can be copied all the same, more slowly. Touch all of it before.
    """
    runtime = runtime or cast("CudaRuntime", torch.cuda.cudart())  # type: ignore[no-untyped-call]
    error = runtime.cudaHostRegister(memory.data_ptr(), memory.nbytes, 0)
    if int(error):
        logger.warning("blocks are copied more slowly: no pinned memory error=%s", error)
        _forget_error()
        return False
    weakref.finalize(owner, _unlock, runtime, memory).atexit = False
    return True


def _unlock(runtime: CudaRuntime, memory: Tensor) -> None:
    """A finalizer that holds the memory: it must not be freed while its pages are locked."""
    runtime.cudaHostUnregister(memory.data_ptr())


def _forget_error() -> None:
    """CUDA tells an error once more to whoever asks next, which shall not be some kernel."""
    if torch.cuda.is_available():
        with suppress(RuntimeError):
            torch.zeros(1, device="cuda")
