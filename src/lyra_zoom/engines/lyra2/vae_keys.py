"""Names of the Wan 2.1 autoencoder's published checkpoint, as diffusers spells them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

BLOCK_PARTS = {
    "residual.0": "norm1",
    "residual.2": "conv1",
    "residual.3": "norm2",
    "residual.6": "conv2",
    "shortcut": "conv_shortcut",
}

ENDS = {
    "conv1": "quant_conv",
    "conv2": "post_quant_conv",
    "encoder.conv1": "encoder.conv_in",
    "encoder.head.0": "encoder.norm_out",
    "encoder.head.2": "encoder.conv_out",
    "decoder.conv1": "decoder.conv_in",
    "decoder.head.0": "decoder.norm_out",
    "decoder.head.2": "decoder.conv_out",
}

MIDDLE = {"0": "resnets.0", "1": "attentions.0", "2": "resnets.1"}

DECODER_STAGE = 4
"""Layers of one decoder stage in the flat numbering: three residual blocks, one upsampler."""


def to_diffusers(name: str) -> str:
    """The name of a tensor in `AutoencoderKLWan`; KeyError for one of another model."""
    end, _, leaf = name.rpartition(".")
    if end in ENDS:
        return f"{ENDS[end]}.{leaf}"
    match name.split(".", 3):
        case ["encoder" | "decoder" as side, "middle", number, inner]:
            return f"{side}.mid_block.{MIDDLE[number]}.{_inside(inner)}"
        case ["encoder", "downsamples", number, inner]:
            return f"encoder.down_blocks.{number}.{_inside(inner)}"
        case ["decoder", "upsamples", number, inner]:
            return f"decoder.up_blocks.{_decoder_place(int(number))}.{_inside(inner)}"
    raise KeyError(name)


def from_wan(state: Mapping[str, Any]) -> dict[str, Any]:
    """The same tensors under diffusers' names; shapes are already the same."""
    return {to_diffusers(name): tensor for name, tensor in state.items()}


def _decoder_place(number: int) -> str:
    """Where a layer of the flat numbering sits in diffusers' nested one."""
    stage, layer = divmod(number, DECODER_STAGE)
    last = DECODER_STAGE - 1
    return f"{stage}.upsamplers.0" if layer == last else f"{stage}.resnets.{layer}"


def _inside(name: str) -> str:
    """The name below a block: residual parts are renamed, all else is the same."""
    part, _, leaf = name.rpartition(".")
    return f"{BLOCK_PARTS.get(part, part)}.{leaf}"
