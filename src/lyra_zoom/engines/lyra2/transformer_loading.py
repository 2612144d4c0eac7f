"""The transformer from a folder of weights: placed as planned, its LoRAs ready to be merged.

Needs torch and safetensors alone: with several GPUs a video, each of their processes does it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass

import torch

from lyra_zoom.engines.lyra2.attention import AttentionKernel
from lyra_zoom.engines.lyra2.config import TransformerConfig
from lyra_zoom.engines.lyra2.filling import filled
from lyra_zoom.engines.lyra2.installed import WeightsFolder
from lyra_zoom.engines.lyra2.lora import LoraMerger, load_lora
from lyra_zoom.engines.lyra2.modes import MemoryPlan
from lyra_zoom.engines.lyra2.speed import Tuning, make_ready
from lyra_zoom.engines.lyra2.stored import StoredTensors
from lyra_zoom.engines.lyra2.transformer import Lyra2Transformer

ALWAYS = {"realism_boost": 0.4, "detail_enhancer": 0.4}
DISTILLED = {**ALWAYS, "dmd_distillation": 1.0}
"""Strengths of the LoRAs. Source: Lyra 2.0 specification, section 8."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformerPlan:
    """Which transformer is loaded, from where, and how it uses a GPU."""

    folder: WeightsFolder
    config: TransformerConfig
    memory: MemoryPlan
    attention: AttentionKernel = AttentionKernel.AUTO


class LoraSwitch:
    """Merges the LoRAs that a schedule was made for, when they are not merged already."""

    def __init__(self, folder: WeightsFolder, merger: LoraMerger) -> None:
        self._merger = merger
        self._deltas = {name: load_lora(folder.lora(name)) for name in DISTILLED}

    def use(self, *, distilled: bool) -> None:
        """Have the weights of the distilled schedule, or of the full one."""
        strengths = DISTILLED if distilled else ALWAYS
        stack = [(self._deltas[name], strength) for name, strength in strengths.items()]
        absent = self._merger.merge(stack)
        if absent:
            logger.warning("a lora is for layers that are not there layers=%d", len(absent))


def load_transformer(
    plan: TransformerPlan,
    device: torch.device,
    build: Callable[[TransformerConfig], Lyra2Transformer] = Lyra2Transformer,
) -> tuple[Lyra2Transformer, LoraSwitch]:
    """The transformer on a device; which LoRAs are merged is still to be said."""
    same_numbers_every_time(device)
    stored = StoredTensors(plan.folder.transformer)
    with torch.device("meta"):
        transformer = build(plan.config)
    state = {name: _own(tensor, device) for name, tensor in stored.items()}
    filled(transformer, state, "the transformer")
    tuning = Tuning(attention=plan.attention)
    ready = make_ready(transformer, plan.memory, device, stored, tuning)
    return ready.transformer, LoraSwitch(plan.folder, ready.merger)


def _own(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """A tensor that LoRAs may be merged into: what a GPU gets is a copy of the file anyway."""
    return tensor.clone() if device.type == "cpu" else tensor


def same_numbers_every_time(device: torch.device) -> None:
    """Sums in a fixed order: whoever goes on after a death draws what would have been drawn."""
    if device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(mode=True, warn_only=True)
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # documented
