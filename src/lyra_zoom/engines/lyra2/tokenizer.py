"""UMT5's tokenizer, from its one file: nothing is fetched or converted, and it is UMT5's."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from lyra_zoom.engines.lyra2.installed import TOKENIZER_FILE
from lyra_zoom.errors import WeightsUnusable

PADDING, END, UNKNOWN = "<pad>", "</s>", "<unk>"
NUMBERS = {PADDING: 0, END: 1, UNKNOWN: 2}
"""Source: the sentencepiece model of umt5, 256000 pieces, of the T5 authors."""

LEAST_SHARE = 0.99
"""Of the encoder's rows that have a word: 256000 pieces, or 300 more, for 256384 rows."""


def load_tokenizer(folder: Path, rows: int) -> PreTrainedTokenizerBase:
    """The tokenizer in a folder, for an encoder that knows so many tokens.

    It puts an end behind each text, as T5 does. Raises `WeightsUnusable` when its file is
    missing or damaged, or is that of another model.
    """
    file = folder / TOKENIZER_FILE
    if not file.is_file():
        raise WeightsUnusable(
            f"the tokenizer is missing: there is no {TOKENIZER_FILE} in its folder"
        )
    try:
        words = Tokenizer.from_file(str(file))
    except Exception as error:  # it has no class of its own for a bad file
        raise WeightsUnusable(
            f"the tokenizer's {TOKENIZER_FILE} cannot be read: {error}"
        ) from error
    _check(words, rows)
    words.post_processor = TemplateProcessing(
        single=f"$A {END}", special_tokens=[(END, NUMBERS[END])]
    )
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]  # it has no types
        tokenizer_object=words, pad_token=PADDING, eos_token=END, unk_token=UNKNOWN
    )


def _check(words: Tokenizer, rows: int) -> None:
    numbers = words.get_vocab()
    if not LEAST_SHARE * rows <= len(numbers) <= rows or max(numbers.values()) >= rows:
        raise WeightsUnusable(
            f"the tokenizer is not UMT5's: it knows {len(numbers)} tokens, and the text "
            f"encoder {rows}"
        )
    for token, number in NUMBERS.items():
        if numbers.get(token) != number:
            raise WeightsUnusable(f"the tokenizer is not UMT5's: {token} is not {number}")
