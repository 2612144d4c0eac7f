"""Each network of the engine: which tensors it has, and their names where published."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
from torch import Tensor
from transformers import CLIPVisionModel, UMT5EncoderModel

from lyra_zoom.engines.lyra2 import dit_keys, text_keys, vae_keys, vision_keys
from lyra_zoom.engines.lyra2.filling import ANY, Shapes, shapes_of
from lyra_zoom.engines.lyra2.installed import DepthChoice
from lyra_zoom.engines.lyra2.sizes import Sizes
from lyra_zoom.engines.lyra2.transformer import Lyra2Transformer
from lyra_zoom.weights.depth_models import SPLATS
from lyra_zoom.weights.parts import (
    DEPTH,
    IMAGE_ENCODER,
    NEGATIVE_PROMPT,
    TEXT_ENCODER,
    TRANSFORMER,
    VAE,
    Part,
)
from lyra_zoom.weights.plan import Rename
from lyra_zoom.weights.shards import ShardedTensors
from lyra_zoom.weights.sources import PickledTensors, TensorSource

PUBLISHED_NEGATIVE, OUR_NEGATIVE = "t5_text_embeddings", "prompt_embeds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A part, how it is read, and what it must hold; `leave_out`: patterns of what it may, too.

    `expected` gives the shape of every tensor, unless nobody here knows them. `dtype` is None
    where numbers stay as published.
    """

    part: Part
    open: Callable[[Path], TensorSource]
    rename: Rename
    expected: Callable[[Sizes], Shapes] | None = None
    dtype: torch.dtype | None = None
    leave_out: tuple[str, ...] = ()


def transformer_shapes(sizes: Sizes) -> Shapes:
    """The shape of every tensor of the transformer, under our names."""
    with torch.device("meta"):
        return shapes_of(Lyra2Transformer(sizes.transformer).state_dict())


def _vae_shapes(sizes: Sizes) -> Shapes:
    with torch.device("meta"):
        return shapes_of(AutoencoderKLWan(base_dim=sizes.vae_base_dim).state_dict())


def _text_shapes(sizes: Sizes) -> Shapes:
    with torch.device("meta"):
        state = UMT5EncoderModel(sizes.text).state_dict()
    twin, _ = text_keys.TIED
    return shapes_of({name: tensor for name, tensor in state.items() if name != twin})


def _image_shapes(sizes: Sizes) -> Shapes:
    with torch.device("meta"):
        return shapes_of(CLIPVisionModel(sizes.image).state_dict())


def _negative_shapes(sizes: Sizes) -> Shapes:
    return {OUR_NEGATIVE: (1, ANY, sizes.transformer.text_dim)}


def _renamed_negative(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The negative prompt's embeddings, with a batch axis whether they came with one or not.

    A mask beside them, or the like, raises KeyError: nothing needs it.
    """
    embeds = state[PUBLISHED_NEGATIVE]
    return {OUR_NEGATIVE: embeds if embeds.ndim == 3 else embeds[None]}


def _renamed_depth(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Depth Anything 3 as it was trained further for Lyra 2.0, named as its own files are.

    What makes splats raises KeyError: nothing needs it.
    """
    if any(fnmatch(name, pattern) for name in state for pattern in SPLATS):
        raise KeyError(*state)
    return {f"model.{name.removeprefix('model.')}": tensor for name, tensor in state.items()}


# The small ones first: what is wrong with the folder shows before the long work begins.
NETWORKS = (
    Network(
        part=NEGATIVE_PROMPT,
        open=PickledTensors,
        rename=_renamed_negative,
        expected=_negative_shapes,
        leave_out=("*",),
    ),
    Network(part=VAE, open=PickledTensors, rename=vae_keys.from_wan, expected=_vae_shapes),
    Network(
        part=IMAGE_ENCODER,
        open=PickledTensors,
        rename=vision_keys.from_wan,
        expected=_image_shapes,
        leave_out=vision_keys.LEFT_OUT,
    ),
    Network(
        part=TEXT_ENCODER,
        open=PickledTensors,
        rename=text_keys.from_wan,
        expected=_text_shapes,
    ),
    Network(
        part=TRANSFORMER,
        open=ShardedTensors,
        rename=dit_keys.from_lyra,
        expected=transformer_shapes,
        dtype=torch.bfloat16,  # what the reference computes with
    ),
)

DEPTH_ANYTHING_3 = Network(
    part=DEPTH, open=PickledTensors, rename=_renamed_depth, leave_out=SPLATS
)
"""What it must hold, its published model says; see `depth_models`."""


def networks_with(depth: DepthChoice) -> tuple[Network, ...]:
    """What is converted when this depth model is chosen."""
    return (DEPTH_ANYTHING_3, *NETWORKS) if depth == "da3" else NETWORKS
