"""Prompts become embeddings: cleaned, padded, remembered."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("torch", reason="the lyra2 engine needs PyTorch")

import torch
import torch.nn.functional as F  # noqa: N812
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import UMT5Config

from lyra_zoom.engines.lyra2.config import PROMPT_TOKENS
from lyra_zoom.engines.lyra2.prompt import (
    PromptEncoder,
    build_text_encoder,
    clean_prompt,
    empty_text_encoder,
    load_negative,
    umt5_xxl,
)
from lyra_zoom.engines.lyra2.text_keys import TIED, from_wan
from lyra_zoom.engines.lyra2.tokenizer import load_tokenizer
from lyra_zoom.errors import EngineNotReady, WeightsUnusable

WORDS = ["<pad>", "</s>", "<unk>", "a", "quiet", "harbour", "at", "dusk", "&"]
CPU = torch.device("cpu")
DIM, HEADS, HEAD_DIM, FFN, BLOCKS = 24, 3, 8, 40, 2

TINY = UMT5Config(
    vocab_size=len(WORDS),
    d_model=DIM,
    d_kv=HEAD_DIM,
    d_ff=FFN,
    num_layers=BLOCKS,
    num_heads=HEADS,
    feed_forward_proj="gated-gelu",
)


def published_state() -> dict[str, torch.Tensor]:
    """Random weights under the names that Wan publishes its encoder with."""
    chance = torch.Generator().manual_seed(3)

    def of(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=chance) / math.sqrt(shape[-1])

    state = {"token_embedding.weight": of(len(WORDS), DIM), "norm.weight": of(DIM)}
    for number in range(BLOCKS):
        block = f"blocks.{number}"
        state |= {f"{block}.attn.{name}.weight": of(HEADS * HEAD_DIM, DIM) for name in "qkv"}
        state |= {
            f"{block}.attn.o.weight": of(DIM, HEADS * HEAD_DIM),
            f"{block}.pos_embedding.embedding.weight": of(32, HEADS),
            f"{block}.norm1.weight": of(DIM),
            f"{block}.norm2.weight": of(DIM),
            f"{block}.ffn.gate.0.weight": of(FFN, DIM),
            f"{block}.ffn.fc1.weight": of(FFN, DIM),
            f"{block}.ffn.fc2.weight": of(DIM, FFN),
        }
    return state


def plain_encoder(state: dict[str, torch.Tensor], ids: list[int]) -> torch.Tensor:
    """The same encoder, written down once more, for tokens without padding."""

    def norm(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6) * weight

    def bucket(distance: int) -> int:
        far = abs(distance)
        if far >= 8:
            far = min(15, 8 + int(math.log(far / 8) / math.log(128 / 8) * 8))
        return far + (16 if distance > 0 else 0)

    x = state["token_embedding.weight"][ids]
    places = range(len(ids))
    buckets = torch.tensor([[bucket(key - query) for key in places] for query in places])
    for number in range(BLOCKS):
        own = {
            name.split(".", 2)[2].removesuffix(".weight"): tensor
            for name, tensor in state.items()
            if name.startswith(f"blocks.{number}.")
        }
        y = norm(x, own["norm1"])
        q, k, v = (
            (y @ own[f"attn.{name}"].T).reshape(len(ids), HEADS, HEAD_DIM).transpose(0, 1)
            for name in "qkv"
        )
        bias = own["pos_embedding.embedding"][buckets].permute(2, 0, 1)
        heard = torch.softmax(q @ k.transpose(1, 2) + bias, dim=-1) @ v
        x = x + heard.transpose(0, 1).reshape(len(ids), -1) @ own["attn.o"].T
        y = norm(x, own["norm2"])
        gate = F.gelu(y @ own["ffn.gate.0"].T, approximate="tanh")
        x = x + (gate * (y @ own["ffn.fc1"].T)) @ own["ffn.fc2"].T
    return norm(x, state["norm.weight"])


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    words = Tokenizer(models.WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    folder = tmp_path_factory.mktemp("tokenizer")
    words.save(str(folder / "tokenizer.json"))
    return load_tokenizer(folder, len(WORDS))


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    file = tmp_path_factory.mktemp("weights") / "model.safetensors"
    save_file(from_wan(published_state()), file)
    return build_text_encoder(load_file(file), TINY)


@pytest.fixture
def prompts(tokenizer, encoder) -> PromptEncoder:
    return PromptEncoder(tokenizer, encoder, CPU, kept_prompts=2)


def test_a_prompt_has_the_embeddings_of_the_published_network(prompts):
    embeds = prompts("a quiet harbour at dusk")
    expected = plain_encoder(published_state(), [3, 4, 5, 6, 7, 1])
    torch.testing.assert_close(embeds[0, :6], expected, rtol=1e-4, atol=1e-5)


def test_embeddings_are_zero_beyond_the_prompt(prompts):
    embeds = prompts("a quiet harbour")
    assert embeds.shape == (1, PROMPT_TOKENS, DIM)
    assert embeds[0, 3].abs().max() > 0
    assert embeds[0, 4:].abs().max() == 0


def test_a_long_prompt_loses_its_end(prompts):
    assert prompts("harbour " * 700)[0, -1].abs().max() > 0


def test_cleaning_mends_what_copying_broke():
    assert clean_prompt("  a\n quiet\t harbour &amp;amp; dusk ") == "a quiet harbour & dusk"
    assert clean_prompt("the harbourâ€™s light") == "the harbour's light"


def test_prompts_that_clean_alike_are_one(prompts, encoder):
    with counted(encoder) as calls:
        first, second = prompts("a  quiet &amp; harbour"), prompts("a quiet & harbour ")
    assert torch.equal(first, second)
    assert len(calls) == 1


def test_the_prompt_not_asked_for_longest_is_forgotten(prompts, encoder):
    with counted(encoder) as calls:
        for prompt in ("a", "dusk", "a", "harbour", "a", "dusk"):
            prompts(prompt)
    assert len(calls) == 4


def test_what_is_remembered_cannot_be_spoilt_by_another_prompt(prompts):
    first = prompts("a quiet harbour").clone()
    prompts("dusk")
    assert torch.equal(prompts("a quiet harbour"), first)


class counted:  # noqa: N801  # a context, used like a function
    """Remembers how often a network is run."""

    def __init__(self, network: torch.nn.Module) -> None:
        self.calls: list[int] = []
        self.hook = network.register_forward_pre_hook(lambda *_: self.calls.append(1))

    def __enter__(self) -> list[int]:
        return self.calls

    def __exit__(self, *_: object) -> None:
        self.hook.remove()


def test_the_words_lie_once_in_memory_wherever_the_encoder_goes():
    encoder = build_text_encoder(from_wan(published_state()), TINY)
    stored = sum(tensor.nbytes for tensor in published_state().values())
    torch.nn.Module.to(encoder, torch.float64)  # moves tensors as another device would
    words, twin = encoder.shared.weight, encoder.encoder.embed_tokens.weight
    assert words.data_ptr() == twin.data_ptr()
    assert sum(parameter.nbytes for parameter in encoder.parameters()) == 2 * stored


@pytest.mark.parametrize("name", [TIED[1], "encoder.final_layer_norm.weight"])
def test_a_text_encoder_that_lacks_a_tensor_is_refused(name):
    state = from_wan(published_state())
    del state[name]
    with pytest.raises(WeightsUnusable, match=rf"{name}.*: missing"):
        build_text_encoder(state, TINY)


def test_every_tensor_of_the_true_encoder_has_a_published_name():
    with torch.device("meta"):
        tiny = empty_text_encoder(TINY).state_dict()
    assert set(from_wan(published_state())) == set(tiny) - {TIED[0]}
    true = empty_text_encoder().state_dict()
    assert len(true) == 2 + 24 * 10 + 1
    assert true["shared.weight"].shape == (256384, 4096)
    assert umt5_xxl().num_heads * umt5_xxl().d_kv == 4096


def test_tensors_of_another_network_are_refused():
    for name in ("blocks.0.attn.o.bias", "head.weight", "blocks.1"):
        with pytest.raises(KeyError):
            from_wan({name: torch.zeros(1)})


@pytest.mark.parametrize("shape", [(1, 512, 8), (512, 8), (1, 126, 8)])
def test_the_negative_prompt_is_padded_like_any_other(tmp_path, shape):
    file = tmp_path / "negative_prompt.safetensors"
    save_file({"t5_text_embeddings": torch.ones(shape)}, file)
    embeds = load_negative(file)
    assert embeds.shape == (1, PROMPT_TOKENS, 8)
    assert float(embeds.sum()) == math.prod(shape)


@pytest.mark.parametrize("tensors", [
    {},
    {"a": torch.ones(1, 4, 8), "b": torch.ones(1, 4, 8)},
    {"a": torch.ones(8)},
    {"a": torch.ones(1, 513, 8)},
    {"a": torch.ones(2, 12, 8)},
])  # fmt: skip
def test_a_file_without_one_negative_prompt_is_named(tmp_path, tensors):
    file = tmp_path / "negative_prompt.safetensors"
    save_file(tensors, file)
    with pytest.raises(EngineNotReady, match=r"negative_prompt\.safetensors"):
        load_negative(file)
