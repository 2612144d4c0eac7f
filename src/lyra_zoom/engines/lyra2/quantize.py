"""The large matrices of the blocks in eight bits instead of sixteen: half the memory.

`fp8` multiplies in eight bits (e4m3 weights scaled per output channel, activations scaled per
token while the network runs), where the GPU can: Ada, Hopper and later. `int8` keeps weights in
eight bits and multiplies in the precision of the activations: anywhere, no faster.

LoRAs are added to the sixteen-bit weights first: eight bits would round a small change away. So
another set of LoRAs, DMD on or off, means new codes from the original weights, read from their
files again: seconds, and nothing drifts. A second set of codes would take 12 GB of the memory
that eight bits are there to save, and requests seldom alternate.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # its name everywhere

from lyra_zoom.engines.lyra2.budget import Precision
from lyra_zoom.engines.lyra2.faults import in_one_line
from lyra_zoom.engines.lyra2.lora import Additions, LoraMerger, add_low_rank

LARGEST_FP8 = torch.finfo(torch.float8_e4m3fn).max
LARGEST_INT8 = 127.0
KEPT = "bias"  # the part of a block that stays in sixteen bits
ROWS_AT_A_TIME = 8192  # in float32, so many rows of the widest layer take 0.45 GB
SMALLEST_SCALE = 1e-12  # a row of zeros still has a scale to divide by

logger = logging.getLogger(__name__)


class EightBitLinear(nn.Module):
    """A Linear whose weight is codes times one scale per output channel.

    Codes and scales are buffers: they move and stream with the module.
    """

    codes: Tensor  # (out, in), eight bits
    scale: Tensor  # (out, 1), float32
    bias: nn.Parameter | None

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.in_features, self.out_features = linear.in_features, linear.out_features
        codes, scale = self.encode(linear.weight.detach())
        self.register_buffer("codes", codes)
        self.register_buffer("scale", scale)
        self.register_parameter("bias", linear.bias)
        self.requires_grad_(False)

    @staticmethod
    def encode(weight: Tensor) -> tuple[Tensor, Tensor]:
        """Codes and scales of a weight; the largest value of a row has the largest code."""
        raise NotImplementedError

    @property
    def weight(self) -> Tensor:
        """What the codes stand for, float32."""
        return self.codes.float() * self.scale

    def take(self, weight: Tensor) -> None:
        """Stand for another weight from now on, which may lie elsewhere."""
        codes, scale = self.encode(weight.detach())
        self.codes.copy_(codes)
        self.scale.copy_(scale)

    def extra_repr(self) -> str:
        """The sizes, as `nn.Linear` prints them."""
        return f"in_features={self.in_features}, out_features={self.out_features}"


class Int8Linear(EightBitLinear):
    """Weights in int8; multiplies in the precision of the activations."""

    @staticmethod
    def encode(weight: Tensor) -> tuple[Tensor, Tensor]:
        """The nearest of 255 even steps."""
        scale = _row_scale(weight, LARGEST_INT8)
        return (weight.float() / scale).round().to(torch.int8), scale

    def forward(self, features: Tensor) -> Tensor:
        """`features` (..., in) to (..., out), in their dtype."""
        weight = self.codes.to(features.dtype) * self.scale.to(features.dtype)
        return F.linear(features, weight, _as(self.bias, features.dtype))


class Fp8Linear(EightBitLinear):
    """Weights and activations in e4m3; the GPU multiplies them as they are.

    Elsewhere the same codes are multiplied in float32: slow, and the same numbers.
    """

    @staticmethod
    def encode(weight: Tensor) -> tuple[Tensor, Tensor]:
        """The nearest e4m3 value."""
        return _fp8_rows(weight)

    def forward(self, features: Tensor) -> Tensor:
        """`features` (..., in) to (..., out), in their dtype."""
        multiply = _multiply_on_gpu if features.is_cuda else _multiply_slowly
        rows = features.reshape(-1, self.in_features)
        result = rows.new_empty(len(rows), self.out_features)
        for start in range(0, len(rows), ROWS_AT_A_TIME):
            some = slice(start, start + ROWS_AT_A_TIME)
            result[some] = multiply(*_fp8_rows(rows[some]), self)
        return result.unflatten(0, features.shape[:-1])  # type: ignore[no-untyped-call]


KINDS: dict[Precision, type[EightBitLinear]] = {
    Precision.FP8: Fp8Linear,
    Precision.INT8: Int8Linear,
}
"""The precisions of eight bits."""


def quantize_blocks(transformer: nn.Module, kind: Precision) -> int:
    """Replace the large Linears of all blocks; returns how many.

    Everything outside the blocks stays as it is: the first and the last layer shape every
    pixel, the timestep steers every block, and keys and values of the prompt are made only
    once. Within a block the bias of queries and keys stays: 3 % of the weights, and what makes
    the camera go where it should.
    """
    names = list(large_linears(transformer))
    for name in names:
        parent, _, leaf = name.rpartition(".")
        owner = transformer.get_submodule(parent)
        setattr(owner, leaf, KINDS[kind](cast("nn.Linear", owner.get_submodule(leaf))))
    logger.info("weights in eight bits kind=%s matrices=%d", kind, len(names))
    return len(names)


class EightBitMerger(LoraMerger):
    """A `LoraMerger` for a network with eight-bit layers: their codes are made anew.

    From `base`, the weights without LoRAs: they are the same whatever was merged before.
    """

    def __init__(
        self,
        network: nn.Module,
        base: Mapping[str, Tensor],
        device: torch.device | None = None,
    ) -> None:
        super().__init__(network, base, device)
        self._coded = dict(eight_bit_layers(network))
        for name, layer in self._coded.items():  # their shapes, to check additions against
            shape = torch.empty(layer.out_features, layer.in_features, device="meta")
            self._parameters[f"{name}.weight"] = nn.Parameter(shape, requires_grad=False)

    def _set_weight(self, layer: str, additions: Additions) -> None:
        if layer not in self._coded:
            super()._set_weight(layer, additions)
            return
        coded = self._coded[layer]
        weight = self._base[f"{layer}.weight"].to(self._device or coded.codes.device)
        coded.take(add_low_rank(weight, additions))


def eight_bit_layers(network: nn.Module) -> Iterator[tuple[str, EightBitLinear]]:
    """The layers that have eight bits, by name."""
    for name, layer in network.named_modules():
        if isinstance(layer, EightBitLinear):
            yield name, layer


def large_linears(transformer: nn.Module) -> Iterator[str]:
    """Names of the Linears that eight bits are meant for."""
    for name, layer in transformer.named_modules():
        parts = name.split(".")
        if isinstance(layer, nn.Linear) and parts[0] == "blocks" and KEPT not in parts:
            yield name


def eight_bits_for(device: torch.device) -> Precision:
    """`fp8` where the device multiplies it row by row, else `int8`; tried, not looked up."""
    if device.type != "cuda":
        return Precision.INT8
    try:
        layer = Fp8Linear(nn.Linear(32, 32, device=device, dtype=torch.bfloat16))
        layer(torch.ones(16, 32, device=device, dtype=torch.bfloat16))
    except RuntimeError as error:
        logger.info("no fp8 multiplication here reason=%s", in_one_line(error))
        return Precision.INT8
    return Precision.FP8


def _fp8_rows(rows: Tensor) -> tuple[Tensor, Tensor]:
    scale = _row_scale(rows, LARGEST_FP8)
    codes = (rows.float() / scale).clamp(-LARGEST_FP8, LARGEST_FP8)
    return codes.to(torch.float8_e4m3fn), scale


def _row_scale(rows: Tensor, largest: float) -> Tensor:
    """What the largest code of each row stands for, divided by that code; `(rows, 1)`."""
    return rows.float().abs().amax(dim=1, keepdim=True).clamp_min(SMALLEST_SCALE) / largest


def _multiply_on_gpu(codes: Tensor, scale: Tensor, layer: Fp8Linear) -> Tensor:
    return torch._scaled_mm(
        codes,
        layer.codes.t(),
        scale_a=scale,
        scale_b=layer.scale.t(),
        bias=_as(layer.bias, torch.bfloat16),
        out_dtype=torch.bfloat16,  # the only one that scales per row can have
        use_fast_accum=True,
    )


def _multiply_slowly(codes: Tensor, scale: Tensor, layer: Fp8Linear) -> Tensor:
    return F.linear(codes.float() * scale, layer.weight, _as(layer.bias, torch.float32))


def _as(bias: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    return None if bias is None else bias.to(dtype)
