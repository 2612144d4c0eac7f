"""From a folder of weights to an engine that can work: reads, places, and merges.

Which memory mode is taken is decided here, once, by what the GPU has free; see `modes.py`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from lyra_zoom.engines.lyra2.budget import Mode, Precision, budget_of
from lyra_zoom.engines.lyra2.depth import DepthEstimator
from lyra_zoom.engines.lyra2.depth_loading import EmbeddedDepth, load_depth
from lyra_zoom.engines.lyra2.engine import Lyra2Engine, Lyra2Model
from lyra_zoom.engines.lyra2.faults import named_faults
from lyra_zoom.engines.lyra2.installed import WeightsFolder
from lyra_zoom.engines.lyra2.latents import Autoencoder, build_vae
from lyra_zoom.engines.lyra2.lora import LoraMerger, load_lora
from lyra_zoom.engines.lyra2.modes import MemoryPlan, plan_memory
from lyra_zoom.engines.lyra2.prompt import (
    PromptEncoder,
    build_text_encoder,
    load_negative,
    load_tokenizer,
)
from lyra_zoom.engines.lyra2.quantize import eight_bits_for
from lyra_zoom.engines.lyra2.rollout import Networks
from lyra_zoom.engines.lyra2.sizes import Sizes, sizes_in
from lyra_zoom.engines.lyra2.speed import ReadyTransformer, make_ready
from lyra_zoom.engines.lyra2.stored import StoredTensors
from lyra_zoom.engines.lyra2.transformer import Lyra2Transformer
from lyra_zoom.engines.lyra2.vision import ImageEncoder, build_image_encoder
from lyra_zoom.errors import EngineNotReady, WeightsBroken, WeightsUnusable
from lyra_zoom.geometry.image import Size
from lyra_zoom.settings import Settings

SMALL, LARGE = Size(832, 480), Size(1280, 720)
"""The sizes of videos that memory is planned for; what is larger than these is not made."""

ALWAYS = {"realism_boost": 0.4, "detail_enhancer": 0.4}
DISTILLED = {**ALWAYS, "dmd_distillation": 1.0}
"""Strengths of the LoRAs. Source: Lyra 2.0 specification, section 8."""

logger = logging.getLogger(__name__)


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


def load_engine(
    settings: Settings, embedded_depth: EmbeddedDepth, say: Callable[[str], None]
) -> Lyra2Engine:
    """The engine with all weights where they will be used; takes a minute or so.

    Raises:
        WeightsUnusable: a file is damaged or is not what it should be.
        EngineNotReady: the GPU has too little memory.
        EngineFaulted: the GPU failed.
    """
    device = torch.device(settings.lyra2_device)
    folder = WeightsFolder(settings.lyra2_folder)
    with _told_of_weights():
        sizes = sizes_in(folder.path)
        plan, largest = _plan(settings, device, sizes)
        say(f"loading lyra2: {plan}")
        _same_numbers_every_time(device)
        ready = _transformer(folder, sizes, plan, device)
        loras = LoraSwitch(folder, ready.merger)
        loras.use(distilled=True)
        at_home = device if plan.mode is Mode.FULL else torch.device("cpu")
        model = Lyra2Model(
            networks=Networks(
                transformer=ready.transformer,
                vae=_autoencoder(folder, sizes, device),
                image_encoder=_image_encoder(folder, sizes, device, at_home),
                depth=_depth(folder, device, at_home, embedded_depth),
                device=device,
            ),
            read_prompt=_prompt_encoder(folder, sizes, device, at_home),
            unwanted=load_negative(folder.negative_prompt).to(device),
            loras=loras,
            largest=largest,
        )
    return Lyra2Engine(model)


def _plan(settings: Settings, device: torch.device, sizes: Sizes) -> tuple[MemoryPlan, Size]:
    """The memory plan for the largest videos there is room for, and their size."""
    if device.type == "cpu":
        budget = budget_of(LARGE, Mode.FULL, config=sizes.transformer)
        return MemoryPlan(
            mode=Mode.FULL, precision=Precision.BF16, keeps_bias=False, budget=budget
        ), LARGE
    free_bytes, _ = torch.cuda.mem_get_info(device)
    eight_bits = Precision(eight_bits_for(device).value)
    try:
        plan = plan_memory(free_bytes, LARGE, mode=settings.lyra2_memory, eight_bits=eight_bits)
    except EngineNotReady:
        plan = plan_memory(free_bytes, SMALL, mode=settings.lyra2_memory, eight_bits=eight_bits)
        return plan, SMALL
    return plan, LARGE


def _same_numbers_every_time(device: torch.device) -> None:
    """Sums in a fixed order: whoever goes on after a death draws what would have been drawn."""
    if device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(mode=True, warn_only=True)
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # documented


def _transformer(
    folder: WeightsFolder, sizes: Sizes, plan: MemoryPlan, device: torch.device
) -> ReadyTransformer:
    stored = StoredTensors(folder.transformer)
    with torch.device("meta"):
        transformer = Lyra2Transformer(sizes.transformer)
    transformer.load_state_dict(dict(stored), strict=True, assign=True)
    transformer.eval().requires_grad_(False)
    return make_ready(transformer, plan, device, stored)


def _autoencoder(folder: WeightsFolder, sizes: Sizes, device: torch.device) -> Autoencoder:
    state = _for(device, load_file(folder.vae))
    autoencoder = Autoencoder(build_vae(state, base_dim=sizes.vae_base_dim))
    autoencoder.to(device)
    return autoencoder


def _image_encoder(
    folder: WeightsFolder, sizes: Sizes, device: torch.device, at_home: torch.device
) -> ImageEncoder:
    tower = build_image_encoder(_for(device, load_file(folder.image_encoder)), sizes.image)
    nn.Module.to(tower, at_home)
    return ImageEncoder(tower, device)


def _prompt_encoder(
    folder: WeightsFolder, sizes: Sizes, device: torch.device, at_home: torch.device
) -> PromptEncoder:
    state = _for(device, dict(StoredTensors(folder.text_encoder)))
    encoder = build_text_encoder(state, sizes.text)
    tokenizer = load_tokenizer(folder.tokenizer)
    nn.Module.to(encoder, at_home)
    return PromptEncoder(tokenizer, encoder, device)


def _depth(
    folder: WeightsFolder,
    device: torch.device,
    at_home: torch.device,
    embedded_depth: EmbeddedDepth,
) -> DepthEstimator:
    manifest = folder.manifest()
    choice = "embedded" if manifest is None else manifest.depth
    return load_depth(choice, folder.depth, (device, at_home), embedded_depth)


def _for(device: torch.device, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights as they are computed with: sixteen bits on a GPU, as stored elsewhere."""
    if device.type == "cpu":
        return dict(state)
    return {
        name: tensor.to(torch.bfloat16) if tensor.is_floating_point() else tensor
        for name, tensor in state.items()
    }


@contextmanager
def _told_of_weights() -> Iterator[None]:
    """Files that cannot be read, or hold something else, are told as such."""
    try:
        with named_faults():
            yield
    except WeightsBroken as error:
        raise WeightsUnusable(f"the weights cannot be loaded: {error}") from error
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise WeightsUnusable(f"the weights cannot be loaded: {_in_one_line(error)}") from error
    except RuntimeError as error:  # what torch says of tensors that do not fit
        raise WeightsUnusable(f"the weights do not fit: {_in_one_line(error)}") from error


def _in_one_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
