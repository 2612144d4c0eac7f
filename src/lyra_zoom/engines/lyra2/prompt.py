"""A prompt as the transformer reads it: the last states of a UMT5 encoder, padded with zeros.

The encoder is as large as a small language model and needed for a moment only, so it may lie
in main memory meanwhile; what it said about a prompt is kept.
Source: Lyra 2.0 specification, section 9.
"""

from __future__ import annotations

import html
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path

import ftfy
import torch
from jaxtyping import Float
from torch import Tensor
from transformers import PreTrainedTokenizerBase, UMT5Config, UMT5EncoderModel

from lyra_zoom.engines.lyra2.config import PROMPT_TOKENS
from lyra_zoom.engines.lyra2.filling import filled
from lyra_zoom.engines.lyra2.residence import at_work
from lyra_zoom.engines.lyra2.stored import read_tensors
from lyra_zoom.engines.lyra2.text_keys import TIED
from lyra_zoom.errors import EngineNotReady

KEPT_PROMPTS = 32
"""4 MiB each at full size."""


def umt5_xxl() -> UMT5Config:
    """The sizes of the encoder that Lyra 2.0 was trained with."""
    return UMT5Config(
        vocab_size=256384,
        d_model=4096,
        d_kv=64,
        d_ff=10240,
        num_layers=24,
        num_heads=64,
        feed_forward_proj="gated-gelu",
    )


def clean_prompt(prompt: str) -> str:
    """The prompt with broken encodings mended, HTML entities resolved, blanks made single."""
    text = html.unescape(html.unescape(ftfy.fix_text(prompt)))
    return " ".join(text.split())


class PromptEncoder:
    """Prompts to embeddings; each prompt is encoded once as long as it is remembered.

    Works on `device` and leaves the encoder where it was given.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        encoder: UMT5EncoderModel,
        device: torch.device,
        kept_prompts: int = KEPT_PROMPTS,
    ) -> None:
        self._tokenizer = tokenizer
        self._encoder = encoder
        self._device = device
        self._kept_prompts = kept_prompts
        self._known: OrderedDict[str, Tensor] = OrderedDict()

    def __call__(self, prompt: str) -> Float[Tensor, "1 T D"]:
        """The prompt's embeddings, zero beyond its last token, on the working device."""
        text = clean_prompt(prompt)
        if text not in self._known:
            self._known[text] = self._encode(text)
        self._known.move_to_end(text)
        if len(self._known) > self._kept_prompts:
            self._known.popitem(last=False)
        return self._known[text].to(self._device)

    @torch.no_grad()
    def _encode(self, text: str) -> Tensor:
        tokens = self._tokenizer(
            text,
            padding="max_length",
            truncation=True,
            max_length=PROMPT_TOKENS,
            return_tensors="pt",
        )
        ids = tokens["input_ids"].to(self._device)
        mask = tokens["attention_mask"].to(self._device)
        with at_work(self._encoder, self._device):
            states = self._encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        return (states * mask[..., None].to(states.dtype)).cpu()


def empty_text_encoder(config: UMT5Config | None = None) -> UMT5EncoderModel:
    """The encoder with names and shapes but without numbers."""
    with torch.device("meta"):
        return UMT5EncoderModel(config or umt5_xxl())


def build_text_encoder(
    state: Mapping[str, Tensor], config: UMT5Config | None = None
) -> UMT5EncoderModel:
    """The encoder with these tensors, named as in transformers (`text_keys` renames Wan's)."""
    twin, stored = TIED
    tied = {twin: state[stored]} if stored in state else {}
    encoder = filled(empty_text_encoder(config), {**state, **tied}, "the text encoder")
    encoder.encoder.embed_tokens.weight = encoder.shared.weight  # one, wherever they are moved
    return encoder


def load_negative(file: Path) -> Float[Tensor, "1 T D"]:
    """The negative prompt's embeddings, which are published instead of its text.

    Raises:
        EngineNotReady: the file does not hold exactly one tensor, of that shape.
    """
    refusal = f"{file.name} does not hold the embeddings of one negative prompt"
    tensors = list(read_tensors(file).values())
    if len(tensors) != 1:
        raise EngineNotReady(refusal)
    embeds = tensors[0][None] if tensors[0].ndim == 2 else tensors[0]
    if embeds.ndim != 3 or len(embeds) != 1 or embeds.shape[1] > PROMPT_TOKENS:
        raise EngineNotReady(refusal)
    return torch.nn.functional.pad(embeds, (0, 0, 0, PROMPT_TOKENS - embeds.shape[1]))
