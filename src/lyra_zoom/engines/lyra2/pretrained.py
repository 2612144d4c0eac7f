"""Networks of transformers from the files that they are published as."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from safetensors import SafetensorError
from transformers import PreTrainedModel

from lyra_zoom.engines.lyra2.faults import in_one_line
from lyra_zoom.engines.lyra2.filling import refuse, some_of
from lyra_zoom.errors import WeightsUnusable

Network = TypeVar("Network", bound=PreTrainedModel)


def pretrained(kind: type[Network], folder: Path, words: str) -> Network:
    """The network whose published files lie in a folder; nothing is fetched.

    transformers knows other names for published tensors, and gives chance to missing ones:
    here they raise `WeightsUnusable`, as any that does not fit. `words` is what a person calls
    the network.
    """
    try:
        both: Any = kind.from_pretrained(
            folder,
            local_files_only=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are told instead of raised
        )
    except (OSError, ValueError, SafetensorError) as error:
        raise WeightsUnusable(f"{words} cannot be read: {in_one_line(error)}") from error
    network: Network
    network, told = both  # a pair, as asked for
    refuse(
        (
            some_of(sorted(told["missing_keys"]), "missing"),
            some_of(sorted(told["unexpected_keys"]), "not part of this network"),
            some_of(sorted(name for name, *_ in told["mismatched_keys"]), "of another shape"),
        ),
        words,
    )
    network.train(False)
    network.requires_grad_(False)
    return network
