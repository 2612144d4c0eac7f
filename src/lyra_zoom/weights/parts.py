"""What the lyra2 engine is made of: where it is published, and where it lies with us."""

from __future__ import annotations

from dataclasses import dataclass

REPOSITORY = "nvidia/Lyra-2.0"
PUBLISHED_FOLDER = "checkpoints"
TOKENIZER_REPOSITORY = "google/umt5-xxl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A network, or another set of tensors, that is converted."""

    name: str
    source: str  # file or folder of the published checkpoints
    target: str  # folder of ours, or one file
    words: str  # what a person reads while it is converted


TRANSFORMER = Part(
    name="transformer",
    source="model/model",
    target="transformer/",
    words="the transformer",
)
VAE = Part(
    name="vae", source="vae/vae.pth", target="vae/model.safetensors", words="the autoencoder"
)
TEXT_ENCODER = Part(
    name="text_encoder",
    source="text_encoder/encoder.pth",
    target="text_encoder/",
    words="the text encoder",
)
IMAGE_ENCODER = Part(
    name="image_encoder",
    source="image_encoder/model.pth",
    target="image_encoder/model.safetensors",
    words="the image encoder",
)
NEGATIVE_PROMPT = Part(
    name="negative_prompt",
    source="text_encoder/negative_prompt.pt",
    target="negative_prompt.safetensors",
    words="the negative prompt",
)

DEPTH = Part(
    name="depth",
    source="recon/model.pt",
    target="depth/recon.safetensors",  # sorts behind model.safetensors, whose place it takes
    words="the depth model",
)

LORAS = ("realism_boost", "detail_enhancer", "dmd_distillation")

TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "spiece.model",
)

OUR_FOLDERS = (
    "transformer",
    "vae",
    "text_encoder",
    "image_encoder",
    "tokenizer",
    "lora",
    "depth",
)
