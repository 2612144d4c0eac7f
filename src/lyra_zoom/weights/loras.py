"""Whether a LoRA file belongs to the transformer: which of its layers it changes, and how."""

from __future__ import annotations

from pathlib import Path

from lyra_zoom.engines.lyra2.lora import LowRank, load_lora
from lyra_zoom.errors import WeightsUnusable
from lyra_zoom.weights.plan import Shapes


def unused_layers(file: Path, transformer: Shapes) -> tuple[str, ...]:
    """What of a LoRA the transformer has no place for.

    Raises `WeightsUnusable` for a file that cannot be read, that changes nothing, or that has
    additions of another shape than the layers they are for.
    """
    deltas = load_lora(file)
    fitting = {
        layer: low_rank
        for layer, low_rank in deltas.layers.items()
        if f"{layer}.weight" in transformer
    }
    if not fitting:
        raise WeightsUnusable(f"the LoRA {file.name} changes no layer of the transformer")
    for layer, low_rank in fitting.items():
        if _shape(low_rank) != transformer[f"{layer}.weight"]:
            raise WeightsUnusable(f"the LoRA {file.name} has another shape than {layer}")
    return (*deltas.skipped, *(layer for layer in deltas.layers if layer not in fitting))


def _shape(low_rank: LowRank) -> tuple[int, ...]:
    return (low_rank.up.shape[0], low_rank.down.shape[1])
