"""What the lyra2 engine is made of: where it is published, and where it lies with us."""

from __future__ import annotations

from dataclasses import dataclass

from lyra_zoom.engines.lyra2.installed import TOKENIZER_FILE, DepthChoice

PUBLISHED_FOLDER = "checkpoints"


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository of the Hugging Face Hub; `revision` is what is fetched unless a person says.

    Revisions are names, so that what the authors mend is fetched; the commit that a name stood
    for is written into the list of the weights.
    """

    name: str
    revision: str = "main"

    def __str__(self) -> str:
        return self.name


WEIGHTS_REPOSITORY = Repository("nvidia/Lyra-2.0")
"""Source: the README of the reference implementation."""

TOKENIZER_REPOSITORY = Repository("google/umt5-xxl")
"""Source: the reference implementation asks for it by this name."""

DEPTH_REPOSITORIES: dict[DepthChoice, Repository] = {
    "da3": Repository("depth-anything/DA3NESTED-GIANT-LARGE-1.1"),
    "dav2-small": Repository("depth-anything/Depth-Anything-V2-Small-hf"),
}
"""Source: the reference's fallback for what `recon/model.pt` lacks; transformers' own copy."""

DEPTH_FILES: dict[DepthChoice, tuple[str, ...]] = {
    "da3": ("model.safetensors",),
    "dav2-small": ("config.json", "model.safetensors"),
    "embedded": (),
}

TOKENIZER_FILES = (TOKENIZER_FILE,)


@dataclass(frozen=True, slots=True)
class Part:
    """A network, or another set of tensors, that is converted."""

    source: str  # file or folder of the published checkpoints
    target: str  # folder of ours, or one file
    words: str  # what a person reads while it is converted


TRANSFORMER = Part("model/model", "transformer/", "the transformer")
VAE = Part("vae/vae.pth", "vae/model.safetensors", "the autoencoder")
TEXT_ENCODER = Part("text_encoder/encoder.pth", "text_encoder/", "the text encoder")
IMAGE_ENCODER = Part(
    "image_encoder/model.pth", "image_encoder/model.safetensors", "the image encoder"
)
NEGATIVE_PROMPT = Part(
    "text_encoder/negative_prompt.pt", "negative_prompt.safetensors", "the negative prompt"
)
# Its name sorts behind model.safetensors, whose tensors it takes the place of.
DEPTH = Part("recon/model.pt", "depth/recon.safetensors", "the depth model that Lyra trained")

DISTILLATION = "dmd_distillation"
LORAS = ("realism_boost", "detail_enhancer", DISTILLATION)

OUR_FOLDERS = (
    "transformer",
    "vae",
    "text_encoder",
    "image_encoder",
    "tokenizer",
    "lora",
    "depth",
)
