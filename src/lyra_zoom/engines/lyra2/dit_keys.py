"""Names of the network's weights: in the public checkpoint and LoRA files, and here."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

PREFIX = "net."
NOT_WEIGHTS = re.compile(r"_extra_state$|^accum_")

# Each pattern stands at the start of a name and ends at a dot or at its end.
RENAMES = {
    r"patch_embedding": "new_patches",
    r"clean_patch_embeddings\.(\d+)": r"history_patches.\1",
    r"text_embedding\.0": "prompt_embedding.up",
    r"text_embedding\.2": "prompt_embedding.down",
    r"time_embedding\.0": "noise_embedding.up",
    r"time_embedding\.2": "noise_embedding.down",
    r"time_projection\.1": "noise_embedding.modulation",
    r"img_emb\.proj\.0": "image_embedding.norm_in",
    r"img_emb\.proj\.1": "image_embedding.up",
    r"img_emb\.proj\.3": "image_embedding.down",
    r"img_emb\.proj\.4": "image_embedding.norm_out",
    r"head\.modulation": "head.modulation",
    r"head\.head": "head.projection",
    r"blocks\.(\d+)\.modulation": r"blocks.\1.modulation",
    r"blocks\.(\d+)\.self_attn\.([qkv])": r"blocks.\1.self_attention.to_\2",
    r"blocks\.(\d+)\.self_attn\.o": r"blocks.\1.self_attention.to_out",
    r"blocks\.(\d+)\.self_attn\.norm_([qk])": r"blocks.\1.self_attention.norm_\2",
    r"blocks\.(\d+)\.norm3": r"blocks.\1.cross_norm",
    r"blocks\.(\d+)\.cross_attn\.q": r"blocks.\1.cross_attention.to_q",
    r"blocks\.(\d+)\.cross_attn\.o": r"blocks.\1.cross_attention.to_out",
    r"blocks\.(\d+)\.cross_attn\.norm_q": r"blocks.\1.cross_attention.norm_q",
    r"blocks\.(\d+)\.cross_attn\.([kv])": r"contexts.\1.text.to_\2",
    r"blocks\.(\d+)\.cross_attn\.norm_k": r"contexts.\1.text.norm_k",
    r"blocks\.(\d+)\.cross_attn\.([kv])_img": r"contexts.\1.image.to_\2",
    r"blocks\.(\d+)\.cross_attn\.norm_k_img": r"contexts.\1.image.norm_k",
    r"blocks\.(\d+)\.ffn\.0": r"blocks.\1.feed_forward.up",
    r"blocks\.(\d+)\.ffn\.2": r"blocks.\1.feed_forward.down",
    r"blocks\.(\d+)\.cam_encoder": r"blocks.\1.bias.camera",
    r"blocks\.(\d+)\.buffer_encoder\.0": r"correspondence.\1",
    r"blocks\.(\d+)\.buffer_encoder\.1": r"blocks.\1.bias.correspondence",
}
PATTERNS = [(re.compile(rf"{old}(?=\.|$)"), new) for old, new in RENAMES.items()]
UNDERSCORED = [(re.compile(old.replace(r"\.", "_")), new) for old, new in RENAMES.items()]


def to_ours(name: str) -> str:
    """Our name of a weight or module of the public checkpoint; raises `KeyError` if unknown."""
    for pattern, new in PATTERNS:
        match = pattern.match(name)
        if match:
            return match.expand(new) + name[match.end() :]
    raise KeyError(name)


def from_lyra(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of a public checkpoint under our names; what is no weight is left out.

    Raises `KeyError` for a name that this network has nothing for.
    """
    names = {name: name.removeprefix(PREFIX) for name in state}
    return {
        to_ours(short): state[name]
        for name, short in names.items()
        if not NOT_WEIGHTS.search(short)
    }


def kohya_to_ours(name: str) -> str:
    """Our name of a module whose name there is written with underscores for dots."""
    for pattern, new in UNDERSCORED:
        match = pattern.fullmatch(name)
        if match:
            return match.expand(new)
    raise KeyError(name)
