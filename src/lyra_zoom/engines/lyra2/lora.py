"""LoRAs: low-rank additions to the network's weights, loaded from files and merged into it.

What a LoRA adds is kept apart from the weights, so that the set that is merged can change from
request to request. Weights are always computed from those without any LoRA: nothing drifts.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from lyra_zoom.engines.lyra2.dit_keys import kohya_to_ours, to_ours
from lyra_zoom.errors import WeightsUnusable

PREFIX = re.compile(r"(?P<kohya>lora_unet_)|diffusion_model\.|net\.")
PART = re.compile(
    r"\.(?:(?P<down>lora_A|lora_down)\.weight|(?P<up>lora_B|lora_up)\.weight"
    r"|(?P<alpha>alpha)|(?P<bias>diff_b))$"
)
LEAST_BIAS_RANGE = 0.016  # a bias that varies less is an accident of how the file was made


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LowRank:
    """What a LoRA adds to one linear layer: `up @ down` to its weight."""

    down: Tensor  # (rank, inputs), with alpha / rank in it
    up: Tensor  # (outputs, rank)
    bias: Tensor | None = None  # (outputs,)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraDeltas:
    """A LoRA file: its additions by the name of the layer, and the names that are not used."""

    layers: Mapping[str, LowRank]
    skipped: tuple[str, ...] = ()


LoraStack: TypeAlias = Sequence[tuple[LoraDeltas, float]]  # each with its strength
Additions: TypeAlias = Sequence[tuple[LowRank, float]]


def load_lora(file: Path) -> LoraDeltas:
    """Read a LoRA of the original, the diffusers or the kohya style.

    What it holds for other networks, and whole weights (`.diff`), is skipped. Raises
    `WeightsUnusable` when the file cannot be read.
    """
    try:
        tensors = load_file(file)
    except (SafetensorError, OSError) as error:
        raise WeightsUnusable(f"the LoRA {file.name} cannot be read: {error}") from error
    parts: dict[str, dict[str, Tensor]] = defaultdict(dict)
    skipped = []
    for name, tensor in tensors.items():
        try:
            layer, part = _layer_and_part(name)
        except KeyError:
            skipped.append(name)
        else:
            parts[layer][part] = tensor
    whole = {layer: some for layer, some in parts.items() if {"down", "up"} <= some.keys()}
    skipped += [f"{layer}.{part}" for layer in parts.keys() - whole for part in parts[layer]]
    layers = {layer: _low_rank(some) for layer, some in whole.items()}
    return LoraDeltas(layers=layers, skipped=tuple(sorted(skipped)))


def add_low_rank(weight: Tensor, additions: Additions) -> Tensor:
    """A weight with additions of the given strengths: summed in float32, typed as it was."""
    total = weight.to(torch.float32, copy=True)
    for low_rank, strength in additions:
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
    the public LoRAs touch all linear layers.
    """

    def __init__(self, network: nn.Module, base: Mapping[str, Tensor] | None = None) -> None:
        self._parameters = dict(network.named_parameters())
        self._base = base
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
        weight = self._parameters[f"{layer}.weight"]
        weight.copy_(add_low_rank(self._without(f"{layer}.weight"), additions))
        bias = self._parameters.get(f"{layer}.bias")
        if bias is not None:
            bias.copy_(add_biases(self._without(f"{layer}.bias"), additions))

    def _without(self, name: str) -> Tensor:
        """The parameter without LoRAs, on its device."""
        parameter = self._parameters[name]
        if self._base is not None:
            return self._base[name].to(parameter)
        if name not in self._copies:
            self._copies[name] = parameter.detach().to("cpu", copy=True)
        return self._copies[name].to(parameter.device)

    def _check(self, layer: str, additions: Additions) -> None:
        shape = self._parameters[f"{layer}.weight"].shape
        for low_rank, _ in additions:
            fits = (len(low_rank.up), low_rank.down.shape[1]) == shape
            if not fits or len(low_rank.down) != low_rank.up.shape[1]:
                raise WeightsUnusable(
                    f"a LoRA does not fit the layer {layer} of {tuple(shape)}:"
                    f" {tuple(low_rank.up.shape)} times {tuple(low_rank.down.shape)}"
                )
            if low_rank.bias is not None and f"{layer}.bias" not in self._parameters:
                raise WeightsUnusable(f"a LoRA has a bias for {layer}, which has none")


def _layer_and_part(name: str) -> tuple[str, str]:
    """Our name of the layer that a tensor is for, and which part of its addition it is."""
    part = PART.search(name)
    prefix = PREFIX.match(name)
    if part is None or part.lastgroup is None:
        raise KeyError(name)
    layer = name[prefix.end() if prefix else 0 : part.start()]
    rename = kohya_to_ours if prefix and prefix["kohya"] else to_ours
    return rename(layer), part.lastgroup


def _low_rank(parts: Mapping[str, Tensor]) -> LowRank:
    down, bias = parts["down"], parts.get("bias")
    if "alpha" in parts:
        down = down.float() * (float(parts["alpha"]) / len(down))
    if bias is not None and bias.max() - bias.min() < LEAST_BIAS_RANGE:
        bias = None
    return LowRank(down=down, up=parts["up"], bias=bias)
