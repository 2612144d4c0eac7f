"""Whole chunks of the lyra2 engine by the distilled schedule, as the engine draws them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from lyra_zoom.bench.lyra2_networks import RandomNetworks
from lyra_zoom.bench.lyra2_paths import DEPTH, straight_path
from lyra_zoom.bench.lyra2_watch import Stage, Watch
from lyra_zoom.engines.engine import Sampling
from lyra_zoom.engines.lyra2.config import PROMPT_TOKENS
from lyra_zoom.engines.lyra2.denoising import PromptPair
from lyra_zoom.engines.lyra2.depth import believed
from lyra_zoom.engines.lyra2.depth_relative import AlignedDepth
from lyra_zoom.engines.lyra2.rollout import Networks, Rollout
from lyra_zoom.engines.lyra2.scene import build_scene
from lyra_zoom.geometry.image import Size
from lyra_zoom.pipeline.progress import ProgressReport

ONLY_CHUNK = "a chunk, 4 steps"


def leg_stages(networks: RandomNetworks, size: Size, watch: Watch) -> Iterator[Stage]:
    """A leg of one chunk; then the chunks of a leg of two, the second with memory."""
    progress = ProgressReport()
    yield watch.time(
        ONLY_CHUNK, watch.widest, lambda: _leg(networks, size, 1).next_chunk(progress)
    )
    leg = _leg(networks, size, 2)
    yield watch.time_once("first chunk of two", watch.widest, lambda: leg.next_chunk(progress))
    yield watch.time_once("second chunk of two", watch.widest, lambda: leg.next_chunk(progress))


def _leg(networks: RandomNetworks, size: Size, chunks: int) -> Rollout:
    picture = np.zeros((size.height, size.width, 3), np.uint8)
    path = straight_path(size, chunks)
    flat = believed(torch.full((size.height, size.width), DEPTH))
    text_dim = networks.sizes.transformer.text_dim
    prompts = PromptPair(cond=torch.zeros(1, PROMPT_TOKENS, text_dim, device=networks.device))
    engine_networks = Networks(
        transformer=networks.transformer,
        vae=networks.autoencoder,
        image_encoder=networks.image_encoder,
        depth=AlignedDepth(relative=networks.depth),
        device=networks.device,
        streams_rest_on=networks.device if networks.stays else torch.device("cpu"),
    )
    scene = build_scene(picture, flat, path.K[0])
    return Rollout(engine_networks, scene, path, prompts, Sampling(prompt="", seed=0))
