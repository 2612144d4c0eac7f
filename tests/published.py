"""Small checkpoints in the formats and under the names that Lyra 2.0 is published in.

Names and shapes are written out, not taken from the code that reads them. Needs torch.
"""

from __future__ import annotations

import io
import json
import warnings
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from torch import Tensor
from torch.distributed.checkpoint.state_dict_saver import save
from transformers import (
    CLIPVisionConfig,
    DepthAnythingConfig,
    DepthAnythingForDepthEstimation,
    Dinov2Config,
    UMT5Config,
)

from lyra_zoom.bench.lyra2_networks import TINY
from lyra_zoom.engines.lyra2.config import TransformerConfig
from lyra_zoom.engines.lyra2.installed import WeightsFolder
from lyra_zoom.engines.lyra2.sizes import SIZES_FILE, Sizes
from lyra_zoom.weights.whole_files import stored
from tests.fakes_lyra2 import GOLDEN

LORAS = ("realism_boost", "detail_enhancer", "dmd_distillation")
NEGATIVE = "text_encoder/negative_prompt.pt"

WORDS = ("<pad>", "</s>", "<unk>", "a", "harbour", "frozen", "still", "boats")
"""All that the text encoder of a toy's size knows."""

Shapes = dict[str, tuple[int, ...]]


def write_published(folder: Path) -> Path:
    """A folder as `nvidia/Lyra-2.0` has it, with a tokenizer beside; gives the folder."""
    checkpoints = folder / "checkpoints"
    write_shards(checkpoints / "model/model", numbers(transformer_shapes(TINY.transformer)))
    _pickle(
        checkpoints / "vae/vae.pth", load_file(GOLDEN / "vae_tiny_weights_bf16.safetensors")
    )
    _pickle(checkpoints / "text_encoder/encoder.pth", numbers(text_shapes(TINY.text)))
    negative = {"t5_text_embeddings": torch.randn(1, 512, TINY.transformer.text_dim)}
    _pickle(checkpoints / NEGATIVE, negative)
    _pickle(checkpoints / "image_encoder/model.pth", numbers(image_shapes(TINY.image)))
    for name in LORAS:
        write_lora(checkpoints / f"lora/{name}.safetensors", TINY.transformer)
    write_tokenizer(folder / "tokenizer")
    write_sizes(folder, TINY)
    return folder


def write_sizes(folder: Path, sizes: Sizes) -> None:
    """Say in a folder how small its networks are."""
    named = {
        "transformer": asdict(sizes.transformer),
        "text": sizes.text.to_dict(),
        "image": sizes.image.to_dict(),
        "vae_base_dim": sizes.vae_base_dim,
    }
    (folder / SIZES_FILE).write_text(json.dumps(named))


def write_shards(folder: Path, tensors: dict[str, Tensor]) -> None:
    """A checkpoint of torch.distributed, with the things beside weights that trainings save."""
    extra = {
        "net.blocks.0.self_attn.attn_op._extra_state": io.BytesIO(b"state of another library"),
        "net.accum_image_sample_counter": torch.tensor(3.0),
    }
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="torch.distributed is disabled")
        save({**tensors, **extra}, checkpoint_id=folder, no_dist=True)


def write_lora(file: Path, config: TransformerConfig, rank: int = 2) -> None:
    """A LoRA of two layers, in the commonest style: small, as the engine's tests merge it."""
    layers = {"blocks.0.self_attn.q": (config.dim, config.dim),
              "blocks.1.ffn.0": (config.ffn_dim, config.dim)}  # fmt: skip
    tensors = {}
    for layer, (outputs, inputs) in layers.items():
        tensors[f"diffusion_model.{layer}.lora_A.weight"] = 0.1 * torch.randn(rank, inputs)
        tensors[f"diffusion_model.{layer}.lora_B.weight"] = 0.1 * torch.randn(outputs, rank)
    write_tensors(file, tensors)


def write_tensors(file: Path, tensors: dict[str, Tensor]) -> None:
    """A safetensors file, in a folder that may not be there yet."""
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, file)


def write_tokenizer(folder: Path) -> None:
    """One that knows as many words as the text encoder does."""
    tokenizer = Tokenizer(WordLevel({word: n for n, word in enumerate(WORDS)}, "<unk>"))
    tokenizer.pre_tokenizer = Whitespace()
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))


def write_anything_v2(folder: Path) -> None:
    """A depth model of the kind that transformers has, as it saves it."""
    backbone = Dinov2Config.from_dict(
        {
            "hidden_size": 12,
            "num_hidden_layers": 4,
            "num_attention_heads": 2,
            "image_size": 28,
            "patch_size": 14,
            "out_features": ["stage1", "stage2", "stage3", "stage4"],
            "reshape_hidden_states": False,
        }
    )
    config = DepthAnythingConfig(
        backbone_config=backbone,
        patch_size=14,
        reassemble_hidden_size=12,
        neck_hidden_sizes=[4, 4, 4, 4],
        fusion_hidden_size=4,
        head_hidden_size=4,
    )
    DepthAnythingForDepthEstimation(config).save_pretrained(folder)


def rewritten(folder: WeightsFolder, file: Path, content: dict[str, Tensor] | str) -> None:
    """Put something else in a file, and its new hash in the list: only the content is wrong."""
    if isinstance(content, str):
        file.write_text(content)
    else:
        save_file(content, file)
    manifest = folder.manifest()
    assert manifest is not None
    name = str(file.relative_to(folder.path))
    text = folder.manifest_file.read_text()
    old, new = manifest.files[name], stored(file)
    text = text.replace(old.sha256, new.sha256).replace(
        f'"bytes": {old.bytes},', f'"bytes": {new.bytes},'
    )
    folder.manifest_file.write_text(text)


def numbers(shapes: Shapes, dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
    """Random tensors of these shapes, the same every time."""
    generator = torch.Generator().manual_seed(7)
    return {
        name: torch.randn(shape, generator=generator).to(dtype)
        for name, shape in shapes.items()
    }


def transformer_shapes(config: TransformerConfig) -> Shapes:
    """Every weight of the transformer under its published name."""
    dim = config.dim
    shapes = {
        **_linear("patch_embedding", dim, 144),
        **_linear("text_embedding.0", dim, config.text_dim),
        **_linear("text_embedding.2", dim, dim),
        **_linear("time_embedding.0", dim, config.freq_dim),
        **_linear("time_embedding.2", dim, dim),
        **_linear("time_projection.1", 6 * dim, dim),
        **_norm("img_emb.proj.0", config.image_dim),
        **_linear("img_emb.proj.1", config.image_dim, config.image_dim),
        **_linear("img_emb.proj.3", dim, config.image_dim),
        **_norm("img_emb.proj.4", dim),
        "head.modulation": (1, 2, dim),
        **_linear("head.head", 64, dim),
    }
    for number, inputs in enumerate((144, 576, 144, 9216, 1152, 144)):
        shapes |= _linear(f"clean_patch_embeddings.{number}", dim, inputs)
    for number in range(config.num_layers):
        shapes |= _transformer_block(f"blocks.{number}", config)
    return {f"net.{name}": shape for name, shape in shapes.items()}


def _transformer_block(block: str, config: TransformerConfig) -> Shapes:
    dim = config.dim
    shapes: Shapes = {
        f"{block}.modulation": (1, 6, dim),
        **_norm(f"{block}.norm3", dim),
        **_linear(f"{block}.ffn.0", config.ffn_dim, dim),
        **_linear(f"{block}.ffn.2", dim, config.ffn_dim),
        f"{block}.cam_encoder.weight": (dim, 1536),
        f"{block}.buffer_encoder.0.weight": (config.correspondence_rank, 20480),
        f"{block}.buffer_encoder.1.weight": (dim, config.correspondence_rank),
    }
    for attention, layers, norms in (
        ("self_attn", "q k v o", "norm_q norm_k"),
        ("cross_attn", "q k v o k_img v_img", "norm_q norm_k norm_k_img"),
    ):
        for layer in layers.split():
            shapes |= _linear(f"{block}.{attention}.{layer}", dim, dim)
        for norm in norms.split():
            shapes[f"{block}.{attention}.{norm}.weight"] = (dim,)
    return shapes


def text_shapes(config: UMT5Config) -> Shapes:
    """Every weight of Wan's UMT5 encoder under its published name."""
    width, heads = config.d_model, config.num_heads * config.d_kv
    shapes: Shapes = {
        "token_embedding.weight": (config.vocab_size, width),
        "norm.weight": (width,),
    }
    for number in range(config.num_layers):
        block = f"blocks.{number}"
        shapes |= {f"{block}.attn.{name}.weight": (heads, width) for name in "qkv"}
        shapes |= {
            f"{block}.attn.o.weight": (width, heads),
            f"{block}.norm1.weight": (width,),
            f"{block}.norm2.weight": (width,),
            f"{block}.ffn.gate.0.weight": (config.d_ff, width),
            f"{block}.ffn.fc1.weight": (config.d_ff, width),
            f"{block}.ffn.fc2.weight": (width, config.d_ff),
            f"{block}.pos_embedding.embedding.weight": (
                config.relative_attention_num_buckets,
                config.num_heads,
            ),
        }
    return shapes


def image_shapes(config: CLIPVisionConfig) -> Shapes:
    """Every weight of Wan's CLIP under its published name, and some of its text tower."""
    width, patch = config.hidden_size, 14
    patches = (int(str(config.image_size)) // patch) ** 2
    shapes: Shapes = {
        "log_scale": (),
        "textual.token_embedding.weight": (30, 12),
        "visual.cls_embedding": (1, 1, width),
        "visual.pos_embedding": (1, patches + 1, width),
        "visual.patch_embedding.weight": (width, 3, patch, patch),
        "visual.head": (width, 16),
        **_norm("visual.pre_norm", width),
        **_norm("visual.post_norm", width),
    }
    for number in range(config.num_hidden_layers):
        block = f"visual.transformer.{number}"
        shapes |= _norm(f"{block}.norm1", width) | _norm(f"{block}.norm2", width)
        shapes |= _linear(f"{block}.attn.to_qkv", 3 * width, width)
        shapes |= _linear(f"{block}.attn.proj", width, width)
        shapes |= _linear(f"{block}.mlp.0", config.intermediate_size, width)
        shapes |= _linear(f"{block}.mlp.2", width, config.intermediate_size)
    return shapes


def _linear(name: str, outputs: int, inputs: int) -> Shapes:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _norm(name: str, width: int) -> Shapes:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def _pickle(file: Path, content: object) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.save(content, file)
