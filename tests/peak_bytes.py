"""How many bytes of tensors are alive at once while code runs; meta tensors count too."""

from __future__ import annotations

import weakref
from collections.abc import Iterable

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class PeakBytes(TorchDispatchMode):
    """Use as a context manager: counts the memory of every tensor that is made or read inside.

    But for those `besides`.
    """

    def __init__(self, besides: Iterable[Tensor] = ()) -> None:
        super().__init__()
        self._besides = {tensor.untyped_storage()._cdata for tensor in besides}
        self._alive: dict[int, int] = {}
        self.peak = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        results = function(*args, **(kwargs or {}))
        for result in tree_leaves(results):
            if isinstance(result, Tensor):
                self._count(result)
        return results

    def _count(self, tensor: Tensor) -> None:
        memory = tensor.untyped_storage()
        if memory._cdata not in self._alive and memory._cdata not in self._besides:
            self._alive[memory._cdata] = memory.nbytes()
            weakref.finalize(memory, self._alive.pop, memory._cdata)
            self.peak = max(self.peak, sum(self._alive.values()))


class WidestConvolution(TorchDispatchMode):
    """Use as a context manager: the most that one convolution reads and writes inside."""

    def __init__(self) -> None:
        super().__init__()
        self.nbytes = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if "convolution" in str(function):
            self.nbytes = max(self.nbytes, args[0].nbytes + result.nbytes)
        return result
