"""Names of Wan's published CLIP picture tower, as transformers' `CLIPVisionModel` spells them.

The checkpoint holds a text tower, too, and a projection into the space both share; neither is
used.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

LEFT_OUT = ("textual.*", "log_scale", "visual.head")
"""Patterns of tensors in the checkpoint that nothing here needs."""

ENDS = {
    "visual.patch_embedding.weight": "embeddings.patch_embedding.weight",
    "visual.pre_norm.weight": "pre_layrnorm.weight",
    "visual.pre_norm.bias": "pre_layrnorm.bias",
    "visual.post_norm.weight": "post_layernorm.weight",
    "visual.post_norm.bias": "post_layernorm.bias",
}

INSIDE_A_BLOCK = {
    "norm1": "layer_norm1",
    "norm2": "layer_norm2",
    "attn.proj": "self_attn.out_proj",
    "mlp.0": "mlp.fc1",
    "mlp.2": "mlp.fc2",
}

THIRDS = ("q_proj", "k_proj", "v_proj")


def from_wan(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same numbers under the names and in the shapes of transformers.

    A tensor of another model, or one of `LEFT_OUT`, raises KeyError.
    """
    renamed: dict[str, Tensor] = {}
    for name, tensor in state.items():
        renamed.update(_renamed(name, tensor))
    return renamed


def _renamed(name: str, tensor: Tensor) -> dict[str, Tensor]:
    if name in ENDS:
        return {ENDS[name]: tensor}
    if name == "visual.cls_embedding":
        return {"embeddings.class_embedding": tensor.reshape(-1)}
    if name == "visual.pos_embedding":
        return {"embeddings.position_embedding.weight": tensor[0]}
    match name.split(".", 3):
        case ["visual", "transformer", number, inner]:
            return _block(f"encoder.layers.{number}", inner, tensor)
    raise KeyError(name)


def _block(place: str, inner: str, tensor: Tensor) -> dict[str, Tensor]:
    part, _, leaf = inner.rpartition(".")
    if part == "attn.to_qkv":
        thirds = zip(THIRDS, tensor.chunk(3), strict=True)
        return {f"{place}.self_attn.{third}.{leaf}": rows for third, rows in thirds}
    return {f"{place}.{INSIDE_A_BLOCK[part]}.{leaf}": tensor}
