"""LoRAs for all linear layers of the transformer, and weights to merge them into, by chance.

Both lie in main memory, as what was read from files does; reading the files is not measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from lyra_zoom.engines.lyra2.lora import LoraDeltas, LowRank

RANK = 64
"""A guess: what the published LoRAs have was not seen."""


class AnyWeights(Mapping[str, Tensor]):
    """A tensor for each parameter of a network; all of them share one stretch of memory."""

    def __init__(self, network: nn.Module, dtype: torch.dtype) -> None:
        self._shapes = {name: each.shape for name, each in network.named_parameters()}
        largest = max(shape.numel() for shape in self._shapes.values())
        self._memory = torch.empty(largest, dtype=dtype).normal_(std=0.01)

    def __getitem__(self, name: str) -> Tensor:
        shape = self._shapes[name]
        return self._memory[: shape.numel()].view(shape)

    def __iter__(self) -> Iterator[str]:
        return iter(self._shapes)

    def __len__(self) -> int:
        return len(self._shapes)


def random_loras(weights: Mapping[str, Tensor]) -> LoraDeltas:
    """Additions to all matrices among these weights; those of one shape are the same."""
    known: dict[torch.Size, LowRank] = {}
    layers = {}
    for name, weight in weights.items():
        layer, _, leaf = name.rpartition(".")
        if leaf == "weight" and weight.ndim == 2:
            layers[layer] = known.setdefault(weight.shape, _low_rank(weight))
    return LoraDeltas(layers=layers)


def _low_rank(weight: Tensor) -> LowRank:
    outputs, inputs = weight.shape
    return LowRank(
        down=torch.randn(RANK, inputs, dtype=weight.dtype) * 0.01,
        up=torch.randn(outputs, RANK, dtype=weight.dtype) * 0.01,
    )
