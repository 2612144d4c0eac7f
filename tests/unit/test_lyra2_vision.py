"""What a frame shows, as CLIP tells it."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("torch", reason="the lyra2 engine needs PyTorch")

import torch
import torch.nn.functional as F  # noqa: N812
from safetensors.torch import load_file, save_file
from transformers import CLIPVisionConfig

from lyra_zoom.engines.lyra2.vision import (
    SIXTEEN_BITS,
    ImageEncoder,
    build_image_encoder,
    empty_image_encoder,
)
from lyra_zoom.engines.lyra2.vision_keys import LEFT_OUT, from_wan

CPU = torch.device("cpu")
DIM, HEADS, BLOCKS, PATCH, SIDE = 32, 4, 3, 14, 56
TOKENS = (SIDE // PATCH) ** 2 + 1

TINY = CLIPVisionConfig(
    hidden_size=DIM,
    intermediate_size=4 * DIM,
    num_hidden_layers=BLOCKS,
    num_attention_heads=HEADS,
    patch_size=PATCH,
    image_size=SIDE,
    hidden_act="gelu",
)


def published_state() -> dict[str, torch.Tensor]:
    """Random weights under the names that Wan publishes its tower with."""
    chance = torch.Generator().manual_seed(5)

    def of(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=chance) / math.sqrt(shape[-1])

    state = {
        "cls_embedding": of(1, 1, DIM),
        "pos_embedding": of(1, TOKENS, DIM),
        "patch_embedding.weight": of(DIM, 3, PATCH, PATCH),
    }
    sizes = {"attn.to_qkv": (3 * DIM, DIM), "attn.proj": (DIM, DIM)}
    sizes |= {"mlp.0": (4 * DIM, DIM), "mlp.2": (DIM, 4 * DIM)}
    norms = ["pre_norm", "post_norm"]
    for number in range(BLOCKS):
        block = f"transformer.{number}"
        norms += [f"{block}.norm1", f"{block}.norm2"]
        for name, shape in sizes.items():
            state |= {
                f"{block}.{name}.weight": of(*shape),
                f"{block}.{name}.bias": of(shape[0]),
            }
    for norm in norms:
        state |= {f"{norm}.weight": 1 + of(DIM), f"{norm}.bias": of(DIM)}
    return {f"visual.{name}": tensor for name, tensor in state.items()}


def plain_tower(state: dict[str, torch.Tensor], pixels: torch.Tensor) -> torch.Tensor:
    """The same tower, written down once more, without its last block."""

    def own(name: str) -> tuple[torch.Tensor, torch.Tensor]:
        return state[f"visual.{name}.weight"], state[f"visual.{name}.bias"]

    def norm(x: torch.Tensor, name: str) -> torch.Tensor:
        return F.layer_norm(x, (DIM,), *own(name))

    patches = F.conv2d(pixels, state["visual.patch_embedding.weight"], stride=PATCH)
    x = torch.cat([state["visual.cls_embedding"], patches.flatten(2).transpose(1, 2)], dim=1)
    x = norm(x + state["visual.pos_embedding"], "pre_norm")
    for number in range(BLOCKS - 1):
        block = f"transformer.{number}"
        qkv = F.linear(norm(x, f"{block}.norm1"), *own(f"{block}.attn.to_qkv"))
        q, k, v = qkv.reshape(1, TOKENS, 3, HEADS, DIM // HEADS).permute(2, 0, 3, 1, 4)
        told = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(DIM // HEADS), dim=-1) @ v
        told = told.transpose(1, 2).reshape(1, TOKENS, DIM)
        x = x + F.linear(told, *own(f"{block}.attn.proj"))
        inner = F.gelu(F.linear(norm(x, f"{block}.norm2"), *own(f"{block}.mlp.0")))
        x = x + F.linear(inner, *own(f"{block}.mlp.2"))
    return x


@pytest.fixture(scope="module")
def tower(tmp_path_factory):
    file = tmp_path_factory.mktemp("weights") / "model.safetensors"
    save_file({k: t.contiguous() for k, t in from_wan(published_state()).items()}, file)
    return build_image_encoder(load_file(file), TINY)


@pytest.fixture(scope="module")
def frame() -> torch.Tensor:
    return torch.rand(3, 40, 72, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_a_frame_has_the_embeddings_of_the_published_network(tower, frame):
    squeezed = F.interpolate(frame[None], (SIDE, SIDE), mode="bicubic")
    mean = torch.tensor([0.48145466, 0.4578275, 0.40821073])[:, None, None]
    std = torch.tensor([0.26862954, 0.26130258, 0.27577711])[:, None, None]
    expected = plain_tower(published_state(), ((squeezed + 1) / 2 - mean) / std)
    embeds = ImageEncoder(tower, CPU)(frame)
    assert embeds.shape == (1, TOKENS, DIM)
    torch.testing.assert_close(embeds, expected, rtol=1e-4, atol=1e-4)


def test_half_precision_tells_the_same(frame):
    whole = build_image_encoder(from_wan(published_state()), TINY)
    half = build_image_encoder(
        {name: tensor.to(SIXTEEN_BITS) for name, tensor in from_wan(published_state()).items()},
        TINY,
    )
    embeds = ImageEncoder(half, CPU)(frame)
    assert embeds.dtype == SIXTEEN_BITS
    alike = F.cosine_similarity(embeds.float(), ImageEncoder(whole, CPU)(frame), dim=-1)
    assert alike.min() > 0.99


def test_every_tensor_of_the_true_tower_has_a_published_name():
    assert set(from_wan(published_state())) == set(empty_image_encoder(TINY).state_dict())
    true = empty_image_encoder().state_dict()
    assert true["embeddings.position_embedding.weight"].shape == (257, 1280)
    assert len(true) == 3 + 4 + 32 * 16


def test_the_text_tower_and_the_projection_are_left_out_by_name():
    assert LEFT_OUT == ("textual.*", "log_scale", "visual.head")
    for name in ("textual.blocks.0.norm1.weight", "log_scale", "visual.head", "visual.x.0.y"):
        with pytest.raises(KeyError):
            from_wan({name: torch.zeros(1)})
