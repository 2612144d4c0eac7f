"""The stages of the benchmark of the lyra2 engine: each kind of work by itself, once."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from lyra_zoom.bench.lyra2_depth import depth_anything_3
from lyra_zoom.bench.lyra2_networks import TINY, RandomNetworks
from lyra_zoom.bench.lyra2_paths import DEPTH, straight_path
from lyra_zoom.bench.lyra2_watch import Stage, Watch
from lyra_zoom.engines.lyra2.budget import Phase
from lyra_zoom.engines.lyra2.conditions import Conditions
from lyra_zoom.engines.lyra2.config import (
    CHUNK_FRAMES,
    IMAGE_TOKENS,
    PIXELS_PER_LATENT,
    PROMPT_TOKENS,
)
from lyra_zoom.engines.lyra2.correspondence import MEMORY_SLOTS, correspondence
from lyra_zoom.engines.lyra2.flops import flops
from lyra_zoom.engines.lyra2.memory import SpatialMemory
from lyra_zoom.engines.lyra2.projection import Cameras
from lyra_zoom.engines.lyra2.residence import at_work
from lyra_zoom.engines.lyra2.rollout import DEPTH_VIEWS
from lyra_zoom.engines.lyra2.warp import PosedDepth, warp_in_groups
from lyra_zoom.engines.lyra2.window import NEW_FRAMES, WINDOW_FRAMES
from lyra_zoom.geometry.image import Size

ENCODE_FLOP, DECODE_FLOP = 5_004_392, 8_446_418
"""Of the autoencoder, per pixel of a frame; counted by torch on tensors without content."""


def encoder_stages(networks: RandomNetworks, size: Size, watch: Watch) -> Iterator[Stage]:
    """The prompt and a frame to embeddings."""
    ids = torch.ones(1, PROMPT_TOKENS, dtype=torch.int64, device=networks.device)
    frame = _black(networks, size, 1)[:, 0]

    def read() -> object:
        with at_work(networks.text_encoder, networks.device):
            return networks.text_encoder(input_ids=ids, attention_mask=ids)

    yield watch.time("text", Phase.READING, read)
    yield watch.time("image", Phase.LOOKING_BACK, lambda: networks.image_encoder(frame))


def depth_stages(networks: RandomNetworks, size: Size, watch: Watch) -> Iterator[Stage]:
    """Depth of the photograph, and of the newest frames between two chunks, by two models."""
    views = 2 if networks.sizes is TINY else DEPTH_VIEWS
    frames = _black(networks, size, views).transpose(0, 1)
    small, phase = networks.depth, Phase.SEEING
    yield watch.time("depth", phase, lambda: small(frames[0]))
    yield watch.time("depth of a chunk", phase, lambda: [small(each) for each in frames])
    yield from depth_anything_3(networks, frames, watch)


def picture_stages(networks: RandomNetworks, size: Size, watch: Watch) -> Iterator[Stage]:
    """Warps and the autoencoder, for one chunk."""
    h, w = size.height // PIXELS_PER_LATENT, size.width // PIXELS_PER_LATENT
    video = _black(networks, size, 1 + CHUNK_FRAMES)
    latents = torch.zeros(16, 1 + NEW_FRAMES, h, w, device=networks.device)
    path = straight_path(size, chunks=1)
    targets = Cameras.of(path)[1:]
    seen = PosedDepth(
        depth=torch.full((size.height, size.width), DEPTH, device=networks.device),
        w2c=torch.eye(4),
        K=torch.from_numpy(path.K[0]).float(),
    )
    memory = SpatialMemory()
    for frame in range(MEMORY_SLOTS):
        memory.add(frame, seen)
    remembered, back = list(range(MEMORY_SLOTS)), Phase.LOOKING_BACK
    pixels = 0 if networks.sizes is TINY else video[0].numel()
    yield watch.time(
        "warp ahead", back, lambda: list(warp_in_groups(video[:, 0], seen, targets))
    )
    yield watch.time("warp memory", back, lambda: correspondence(memory, remembered, targets))
    yield watch.time(
        "encode",
        back,
        lambda: networks.autoencoder.encode(video),
        flop=ENCODE_FLOP * pixels or None,
    )
    yield watch.time(
        "decode",
        Phase.DECODING,
        lambda: networks.autoencoder.decode(latents),
        flop=DECODE_FLOP * pixels or None,
    )


def transformer_stages(networks: RandomNetworks, size: Size, watch: Watch) -> Iterator[Stage]:
    """What is prepared for a prompt and a chunk, and one forward pass."""
    device, transformer = networks.device, networks.transformer
    config = networks.sizes.transformer
    embeds = torch.zeros(1, PROMPT_TOKENS, config.text_dim, device=device)
    preparing = Phase.PREPARING
    yield watch.time("prepare prompt", preparing, lambda: transformer.prepare_prompt(embeds))
    yield _preparing(networks, _conditions(networks, size), watch)
    prompt = transformer.prepare_prompt(embeds)
    chunk = transformer.prepare(_conditions(networks, size))
    h, w = size.height // PIXELS_PER_LATENT, size.width // PIXELS_PER_LATENT
    latents = torch.randn(1, 16, NEW_FRAMES, h, w, device=device)
    timestep = torch.tensor([1000.0], device=device)
    yield watch.time(
        "forward",
        Phase.DENOISING,
        lambda: transformer(latents, timestep, prompt, chunk),
        flop=flops(config, size.height, size.width).step,
    )


def _preparing(networks: RandomNetworks, conditions: Conditions, watch: Watch) -> Stage:
    """A function of its own, so that the conditions are gone before the next stage."""
    return watch.time(
        "prepare chunk", Phase.PREPARING, lambda: networks.transformer.prepare(conditions)
    )


def lora_stages(networks: RandomNetworks, watch: Watch) -> Iterator[Stage]:
    """Other LoRAs, as for a request with another `use_dmd`; changes the weights."""
    first, second, third = networks.loras
    always = [(first, 0.4), (second, 0.4)]

    def on_and_off() -> None:
        networks.merger.merge([*always, (third, 1.0)])
        networks.merger.merge(always)

    networks.merger.merge(always)
    yield watch.time("dmd on and off", Phase.MERGING, on_and_off)


def _black(networks: RandomNetworks, size: Size, frames: int) -> torch.Tensor:
    """A video of nothing."""
    return torch.zeros(3, frames, size.height, size.width, device=networks.device)


def _conditions(networks: RandomNetworks, size: Size) -> Conditions:
    config, kind = networks.sizes.transformer, networks.transformer.dtype
    h, w = size.height // PIXELS_PER_LATENT, size.width // PIXELS_PER_LATENT

    def noise(channels: int, frames: int) -> torch.Tensor:
        shape = (1, channels, frames, h, w)
        return torch.rand(shape, dtype=kind, device=networks.device) * 2 - 1

    image = torch.zeros(1, IMAGE_TOKENS, config.image_dim, dtype=kind, device=networks.device)
    return Conditions(
        history_latents=noise(16, WINDOW_FRAMES - NEW_FRAMES),
        warped_latents=noise(16, NEW_FRAMES),
        rays=noise(config.ray_channels, WINDOW_FRAMES),
        correspondence=noise(config.correspondence_channels, WINDOW_FRAMES),
        image_embeds=image,
    )
