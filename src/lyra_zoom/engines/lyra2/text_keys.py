"""Names of Wan's published UMT5 encoder, as `UMT5EncoderModel` of transformers spells them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ENDS = {
    "token_embedding.weight": "shared.weight",
    "norm.weight": "encoder.final_layer_norm.weight",
}

INSIDE_A_BLOCK = {
    "attn.q.weight": "layer.0.SelfAttention.q.weight",
    "attn.k.weight": "layer.0.SelfAttention.k.weight",
    "attn.v.weight": "layer.0.SelfAttention.v.weight",
    "attn.o.weight": "layer.0.SelfAttention.o.weight",
    "pos_embedding.embedding.weight": "layer.0.SelfAttention.relative_attention_bias.weight",
    "norm1.weight": "layer.0.layer_norm.weight",
    "norm2.weight": "layer.1.layer_norm.weight",
    "ffn.gate.0.weight": "layer.1.DenseReluDense.wi_0.weight",
    "ffn.fc1.weight": "layer.1.DenseReluDense.wi_1.weight",
    "ffn.fc2.weight": "layer.1.DenseReluDense.wo.weight",
}

TIED = ("encoder.embed_tokens.weight", "shared.weight")
"""The same tensor under two names; only the second is stored."""


def to_transformers(name: str) -> str:
    """The name of one tensor in `UMT5EncoderModel`; KeyError for one of another model."""
    if name in ENDS:
        return ENDS[name]
    match name.split(".", 2):
        case ["blocks", number, inner]:
            return f"encoder.block.{number}.{INSIDE_A_BLOCK[inner]}"
    raise KeyError(name)


def from_wan(state: Mapping[str, Any]) -> dict[str, Any]:
    """The same tensors under the names of transformers; shapes are already the same."""
    return {to_transformers(name): tensor for name, tensor in state.items()}
