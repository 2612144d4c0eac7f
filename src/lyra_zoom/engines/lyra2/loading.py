"""From a folder of weights to an engine that can work: reads, places, and merges.

Which memory mode is taken is decided here, once, by what the GPU has free; see `modes.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import torch
from torch import nn

from lyra_zoom.engines.lyra2.attention import AttentionKernel
from lyra_zoom.engines.lyra2.budget import Mode, Precision, budget_of
from lyra_zoom.engines.lyra2.crew_orders import Team
from lyra_zoom.engines.lyra2.depth_loading import EmbeddedDepth, load_depth
from lyra_zoom.engines.lyra2.engine import Loras, Lyra2Engine, Lyra2Model
from lyra_zoom.engines.lyra2.faults import named_faults
from lyra_zoom.engines.lyra2.installed import WeightsFolder
from lyra_zoom.engines.lyra2.latents import Autoencoder, build_vae
from lyra_zoom.engines.lyra2.lead import load_with_crew
from lyra_zoom.engines.lyra2.modes import AUTO, MemoryPlan, plan_memory
from lyra_zoom.engines.lyra2.prompt import (
    PromptEncoder,
    build_text_encoder,
    load_negative,
)
from lyra_zoom.engines.lyra2.quantize import eight_bits_for
from lyra_zoom.engines.lyra2.residence import as_computed_with, device_of
from lyra_zoom.engines.lyra2.rollout import Networks
from lyra_zoom.engines.lyra2.sizes import Sizes, sizes_in
from lyra_zoom.engines.lyra2.stored import StoredTensors, read_tensors
from lyra_zoom.engines.lyra2.tokenizer import load_tokenizer
from lyra_zoom.engines.lyra2.transformer import Lyra2Transformer
from lyra_zoom.engines.lyra2.transformer_loading import (
    TransformerPlan,
    load_transformer,
    same_numbers_every_time,
)
from lyra_zoom.engines.lyra2.vision import SIXTEEN_BITS, ImageEncoder, build_image_encoder
from lyra_zoom.errors import EngineNotReady, WeightsBroken, WeightsUnusable
from lyra_zoom.geometry.image import Size
from lyra_zoom.settings import Settings

SMALL, LARGE = Size(832, 480), Size(1280, 720)
"""The sizes of videos that memory is planned for; what is larger than these is not made."""


def load_engine(
    settings: Settings, embedded_depth: EmbeddedDepth, say: Callable[[str], None]
) -> Lyra2Engine:
    """The engine with all weights where they will be used; takes a minute or so.

    Raises:
        WeightsUnusable: a file is damaged or is not what it should be.
        EngineNotReady: the GPU has too little memory.
        EngineFaulted: the GPU failed.
    """
    device = device_of(settings.lyra2_device)
    same_numbers_every_time(device)  # before anything is computed there, if only to try it
    folder = WeightsFolder(settings.lyra2_folder)
    with _told_of_weights(), ExitStack() as undo:
        sizes = sizes_in(folder.path)
        memory, largest = _plan(settings, device, sizes)
        say(f"loading lyra2: {memory}")
        plan = TransformerPlan(
            folder=folder,
            config=sizes.transformer,
            memory=memory,
            attention=AttentionKernel(settings.lyra2_attention),
        )
        transformer, loras = _transformer(settings, plan, undo)
        loras.use(distilled=True)
        at_home = device if memory.mode is Mode.FULL else torch.device("cpu")
        model = Lyra2Model(
            networks=Networks(
                transformer=transformer,
                vae=_autoencoder(folder, sizes, device),
                image_encoder=_image_encoder(folder, sizes, device, at_home),
                depth=load_depth(folder, (device, at_home), embedded_depth, say),
                device=device,
                streams_rest_on=at_home,
            ),
            read_prompt=_prompt_encoder(folder, sizes, device, at_home),
            unwanted=load_negative(folder.negative_prompt).to(device),
            loras=loras,
            largest=largest,
        )
        undo.pop_all()
    return Lyra2Engine(model)


def _plan(settings: Settings, device: torch.device, sizes: Sizes) -> tuple[MemoryPlan, Size]:
    """The memory plan for the largest videos there is room for, and their size."""
    if device.type == "cpu":
        mode = Mode.FULL if settings.lyra2_memory == AUTO else Mode(settings.lyra2_memory)
        wish = settings.lyra2_precision
        precision = Precision.BF16 if wish == AUTO else Precision(wish)
        budget = budget_of(LARGE, mode, precision, config=sizes.transformer)
        plan = MemoryPlan(mode=mode, precision=precision, keeps_bias=False, budget=budget)
        return plan, LARGE
    fitting = partial(
        plan_memory,
        torch.cuda.mem_get_info(device)[0],
        mode=settings.lyra2_memory,
        precision=settings.lyra2_precision,
        eight_bits=eight_bits_for(device),
    )
    try:
        return fitting(LARGE), LARGE
    except EngineNotReady:
        return fitting(SMALL), SMALL


def _transformer(
    settings: Settings, plan: TransformerPlan, undo: ExitStack
) -> tuple[Lyra2Transformer, Loras]:
    """The transformer, alone or shared by several GPUs; `undo` takes back what was started."""
    if settings.lyra2_gpus_per_video == 1:
        return load_transformer(plan, device_of(settings.lyra2_device))
    team = Team(
        plan=plan,
        processes=settings.lyra2_gpus_per_video,
        device_type=settings.lyra2_device,
    )
    return load_with_crew(team, undo)


def _autoencoder(folder: WeightsFolder, sizes: Sizes, device: torch.device) -> Autoencoder:
    state = as_computed_with(read_tensors(folder.vae), device, torch.bfloat16)
    autoencoder = Autoencoder(build_vae(state, base_dim=sizes.vae_base_dim))
    autoencoder.to(device)
    return autoencoder


def _image_encoder(
    folder: WeightsFolder, sizes: Sizes, device: torch.device, at_home: torch.device
) -> ImageEncoder:
    state = as_computed_with(read_tensors(folder.image_encoder), device, SIXTEEN_BITS)
    tower = build_image_encoder(state, sizes.image)
    nn.Module.to(tower, at_home)
    return ImageEncoder(tower, device)


def _prompt_encoder(
    folder: WeightsFolder, sizes: Sizes, device: torch.device, at_home: torch.device
) -> PromptEncoder:
    state = as_computed_with(StoredTensors(folder.text_encoder), device, torch.bfloat16)
    encoder = build_text_encoder(state, sizes.text)
    tokenizer = load_tokenizer(folder.tokenizer, sizes.text.vocab_size)
    nn.Module.to(encoder, at_home)
    return PromptEncoder(tokenizer, encoder, device)


@contextmanager
def _told_of_weights() -> Iterator[None]:
    """Damage that shows while a file is read is told as such; all else keeps its own name."""
    try:
        with named_faults():
            yield
    except WeightsBroken as error:
        raise WeightsUnusable(f"the weights cannot be loaded: {error}") from error
