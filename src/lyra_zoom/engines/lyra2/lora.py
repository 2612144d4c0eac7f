"""LoRAs: low-rank additions to the network's weights, loaded from files and merged into it.

What a LoRA adds is kept apart from the weights, so that the set that is merged can change from
request to request. Weights are always computed from those without any LoRA: nothing drifts.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from lyra_zoom.engines.lyra2.dit_keys import kohya_to_ours, to_ours
from lyra_zoom.errors import WeightsUnusable

PREFIX = re.compile(
    r"(?:base_model\.model\.)?(?:(?P<kohya>lora_unet_)|diffusion_model\.|net\.)?"
)
PART = re.compile(
    r"\.(?:(?P<down>lora_A|lora_down)(?:\.default)?\.weight"
    r"|(?P<up>lora_B|lora_up)(?:\.default)?\.weight"
    r"|(?P<alpha>alpha)|(?P<bias>diff_b)|(?P<whole>diff))$"
)
LEAST_RANGE = 0.016
"""A difference that varies less is an accident of how the file was made, and is left out.

Source: Lyra 2.0 specification, section 8.
"""

NORM = re.compile(r"norm\w*$")
"""Layers that no LoRA of the reference changes: it puts its additions on linear ones."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LowRank:
    """What a LoRA adds to one linear layer: `up @ down` to its weight, and a bias.

    Where only the bias changes, the rank is zero, and `down` has no inputs.
    """

    down: Tensor  # (rank, inputs), with alpha / rank in it
    up: Tensor  # (outputs, rank)
    bias: Tensor | None = None  # (outputs,)

    def fits(self, weight: Sequence[int]) -> bool:
        """Whether it can be added to a weight of this shape."""
        (rank, inputs), (outputs, columns) = self.down.shape, self.up.shape
        biases = None if self.bias is None else tuple(self.bias.shape)
        if rank != columns or biases not in (None, (outputs,)) or len(weight) != 2:
            return False
        return (outputs, inputs if rank else weight[1]) == tuple(weight)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraDeltas:
    """A LoRA file: its additions by the name of the layer, and what of it is not used.

    `skipped`: tensors that no layer of ours has a place for, and halves of additions.
    `negligible`: differences too small to mean anything. `differences`: the others that the
    reference does not apply either, with their size in bytes. All by their names in the file;
    `names` has those of each layer's tensors.
    """

    layers: Mapping[str, LowRank]
    skipped: tuple[str, ...] = ()
    negligible: tuple[str, ...] = ()
    differences: Mapping[str, int] = field(default_factory=dict)
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


SKIPPED, NEGLIGIBLE, DIFFERENCE = "skipped", "negligible", "difference"
"""What becomes of a tensor that is no part of an addition."""

LoraStack: TypeAlias = Sequence[tuple[LoraDeltas, float]]  # each with its strength
Additions: TypeAlias = Sequence[tuple[LowRank, float]]


def load_lora(file: Path) -> LoraDeltas:
    """Read a LoRA of the original, the diffusers, the peft or the kohya style.

    Whole weights (`.diff`) are not applied. Raises `WeightsUnusable` when the file cannot be
    read.
    """
    try:
        tensors = load_file(file)
    except (SafetensorError, OSError) as error:
        raise WeightsUnusable(f"the LoRA {file.name} cannot be read: {error}") from error
    found: dict[str, dict[str, str]] = defaultdict(dict)  # layer, part of it: name in the file
    unused: dict[str, list[str]] = {SKIPPED: [], NEGLIGIBLE: [], DIFFERENCE: []}
    for name, tensor in tensors.items():
        layer, part = _use_of(name, tensor)
        if part in unused:
            unused[part].append(name)
        else:
            found[layer][part] = name
    used = {layer: _complete(parts) for layer, parts in found.items()}
    halves = [
        name for layer in found for name in {*found[layer].values()} - {*used[layer].values()}
    ]
    layers = {
        layer: _low_rank({part: tensors[name] for part, name in parts.items()})
        for layer, parts in used.items()
        if parts
    }
    return LoraDeltas(
        layers=layers,
        skipped=tuple(sorted([*unused[SKIPPED], *halves])),
        negligible=tuple(sorted(unused[NEGLIGIBLE])),
        differences={name: tensors[name].nbytes for name in sorted(unused[DIFFERENCE])},
        names={layer: tuple(used[layer].values()) for layer in layers},
    )


def add_low_rank(weight: Tensor, additions: Additions) -> Tensor:
    """A weight with additions of the given strengths: summed in float32, typed as it was."""
    total = weight.to(torch.float32, copy=True)
    for low_rank, strength in additions:
        if not len(low_rank.down):
            continue
        up = low_rank.up.to(total.device, torch.float32)
        down = low_rank.down.to(total.device, torch.float32)
        total.addmm_(up, down, alpha=strength)
    return total.to(weight.dtype)


def add_biases(bias: Tensor, additions: Additions) -> Tensor:
    """A bias with those of the additions, in the same way."""
    total = bias.to(torch.float32, copy=True)
    for low_rank, strength in additions:
        if low_rank.bias is not None:
            total.add_(low_rank.bias.to(total.device, torch.float32), alpha=strength)
    return total.to(bias.dtype)


class LoraMerger:
    """Keeps a network's weights equal to those without LoRAs plus the LoRAs asked for.

    `base` gives the weights without LoRAs, by parameter name, whenever they are needed. Without
    it, the layers that a LoRA touches are copied to main memory before they change: 32 GB, when
    the public LoRAs touch all linear layers. Sums are made on `device`, so that they are the
    same wherever the weights lie; without it, where each weight lies.
    """

    def __init__(
        self,
        network: nn.Module,
        base: Mapping[str, Tensor] | None = None,
        device: torch.device | None = None,
    ) -> None:
        self._device = device
        self._parameters = dict(network.named_parameters())
        self._base = base or {}
        self._copies: dict[str, Tensor] = {}
        self._merged: dict[str, Additions] = {}

    @torch.no_grad()
    def merge(self, stack: LoraStack) -> tuple[str, ...]:
        """Make this the set of merged LoRAs; gives the layers that the network does not have.

        Layers whose additions stay the same are not touched. Raises `WeightsUnusable`, and
        changes nothing, when an addition does not fit its layer.
        """
        wanted: dict[str, Additions] = {}
        for deltas, strength in stack:
            for layer, low_rank in deltas.layers.items():
                wanted[layer] = [*wanted.get(layer, []), (low_rank, strength)]
        absent = sorted(layer for layer in wanted if f"{layer}.weight" not in self._parameters)
        for layer in absent:
            del wanted[layer]
        for layer, additions in wanted.items():
            self._check(layer, additions)
        for layer in sorted({*wanted, *self._merged}):
            if wanted.get(layer, []) != self._merged.get(layer, []):
                self._set(layer, wanted.get(layer, []))
        self._merged = wanted
        return tuple(absent)

    def _set(self, layer: str, additions: Additions) -> None:
        self._set_weight(layer, additions)
        bias = self._parameters.get(f"{layer}.bias")
        if bias is not None:
            bias.copy_(add_biases(self._without(f"{layer}.bias"), additions))

    def _set_weight(self, layer: str, additions: Additions) -> None:
        weight = self._parameters[f"{layer}.weight"]
        weight.copy_(add_low_rank(self._without(f"{layer}.weight"), additions))

    def _without(self, name: str) -> Tensor:
        """The parameter without LoRAs, where sums are made."""
        parameter = self._parameters[name]
        device = self._device or parameter.device
        if self._base:
            return self._base[name].to(device, parameter.dtype)
        if name not in self._copies:
            self._copies[name] = parameter.detach().to("cpu", copy=True)
        return self._copies[name].to(device)

    def _check(self, layer: str, additions: Additions) -> None:
        shape = self._parameters[f"{layer}.weight"].shape
        for low_rank, _ in additions:
            if not low_rank.fits(shape):
                raise WeightsUnusable(
                    f"a LoRA does not fit the layer {layer} of {tuple(shape)}:"
                    f" {tuple(low_rank.up.shape)} times {tuple(low_rank.down.shape)}"
                )
            if low_rank.bias is not None and f"{layer}.bias" not in self._parameters:
                raise WeightsUnusable(f"a LoRA has a bias for {layer}, which has none")


def _use_of(name: str, tensor: Tensor) -> tuple[str, str]:
    """Our name of the layer that a tensor is for, and which part of its addition it is.

    Instead of a part, what becomes of it where it is none.
    """
    part, prefix = PART.search(name), PREFIX.match(name)
    assert prefix is not None  # it may be empty
    if part is None or part.lastgroup is None:
        return "", SKIPPED
    try:
        rename = kohya_to_ours if prefix["kohya"] else to_ours
        layer = rename(name[prefix.end() : part.start()])
    except KeyError:
        return "", SKIPPED
    if part["bias"] or part["whole"]:
        if tensor.max() - tensor.min() < LEAST_RANGE:
            return layer, NEGLIGIBLE
        if part["whole"] or NORM.search(layer):
            return layer, DIFFERENCE
    return layer, part.lastgroup


def _complete(parts: Mapping[str, str]) -> Mapping[str, str]:
    """Those parts that make an addition: both matrices and what goes with them, or a bias."""
    if {"down", "up"} <= parts.keys():
        return parts
    return {part: name for part, name in parts.items() if part == "bias"}


def _low_rank(parts: Mapping[str, Tensor]) -> LowRank:
    bias = parts.get("bias")
    if bias is not None and "down" not in parts:
        return LowRank(down=bias.new_empty(0, 0), up=bias.new_empty(len(bias), 0), bias=bias)
    down = parts["down"]
    if "alpha" in parts:
        down = down.float() * (float(parts["alpha"]) / len(down))
    return LowRank(down=down, up=parts["up"], bias=bias)
