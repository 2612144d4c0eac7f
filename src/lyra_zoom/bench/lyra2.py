"""How fast the lyra2 engine would be here: its true sizes with random weights, stage by stage.

Nothing of the figures depends on what the weights are; what they would draw does. Needs no
weights and no licence. On a CPU only `tiny` sizes make sense: they show that the benchmark
runs, and nothing else.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from lyra_zoom.bench.lyra2_networks import TINY, RandomNetworks, random_networks
from lyra_zoom.engines.engine import Photo, Sampling
from lyra_zoom.engines.lyra2.budget import Mode, Precision, budget_of
from lyra_zoom.engines.lyra2.conditions import Conditions
from lyra_zoom.engines.lyra2.config import (
    CHUNK_FRAMES,
    PIXELS_PER_LATENT,
    PROMPT_TOKENS,
    TransformerConfig,
)
from lyra_zoom.engines.lyra2.correspondence import MEMORY_SLOTS, correspondence
from lyra_zoom.engines.lyra2.denoising import PromptPair
from lyra_zoom.engines.lyra2.depth import believed
from lyra_zoom.engines.lyra2.depth_relative import AlignedDepth
from lyra_zoom.engines.lyra2.flops import flops
from lyra_zoom.engines.lyra2.memory import SpatialMemory
from lyra_zoom.engines.lyra2.modes import MemoryPlan, plan_memory
from lyra_zoom.engines.lyra2.projection import Cameras
from lyra_zoom.engines.lyra2.quantize import eight_bits_for
from lyra_zoom.engines.lyra2.residence import at_work
from lyra_zoom.engines.lyra2.rollout import DEPTH_VIEWS, Networks, Rollout
from lyra_zoom.engines.lyra2.scene import build_scene
from lyra_zoom.engines.lyra2.sizes import Sizes
from lyra_zoom.engines.lyra2.speed import Tuning
from lyra_zoom.engines.lyra2.warp import PosedDepth, warp_in_groups
from lyra_zoom.engines.lyra2.window import NEW_FRAMES, WINDOW_FRAMES, num_tokens
from lyra_zoom.errors import EngineNotReady
from lyra_zoom.geometry.camera import CameraPath, centred_intrinsics, focal_from_fov
from lyra_zoom.geometry.image import Size
from lyra_zoom.geometry.rigid import w2c_from
from lyra_zoom.pipeline.progress import ProgressReport

NO_GPU = "there is no GPU that torch can use; --tiny only shows that the benchmark runs"

ENCODE_FLOP, DECODE_FLOP = 5_004_392, 8_446_418
"""Of the autoencoder, per pixel of a frame; counted by torch on tensors without content."""

DMD_STEPS = 4
TINY_SIZE = Size(32, 32)
DEPTH = 3.0  # scene units, of the flat wall that everything looks at
REACH = 0.5 * DEPTH
FOV_X_RAD = 1.05

PEAK_TFLOPS = {
    "H200": 989.4,
    "H100 PCIe": 756.0,
    "H100": 989.4,
    "H800": 989.4,
    "A100": 312.0,
    "L40S": 362.0,
    "RTX 4090": 165.2,
    "RTX 5090": 209.5,
}
"""Dense bfloat16, from the makers' data sheets; by a part of the device's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to measure, and how the operator wants it to run."""

    size: Size = TINY_SIZE
    steps: int = 28
    tiny: bool = False
    mode: str = "auto"
    precision: str = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One kind of work: seconds each time, the most memory meanwhile, how much work it is."""

    name: str
    seconds: float
    peak_bytes: int | None = None  # of the GPU
    flop: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lyra2Report:
    """All that was measured at one size; totals are for 81 frames from photograph to frames."""

    machine: str
    on_gpu: bool
    size: Size
    tokens: int
    plan: MemoryPlan
    steps: int
    stages: tuple[Stage, ...]
    peak_tflops: float | None

    @property
    def dmd_s(self) -> float:
        """Four steps, measured as a whole, with prompt and depth."""
        return (
            self._seconds("a chunk, 4 steps") + self._seconds("text") + self._seconds("depth")
        )

    @property
    def guided_s(self) -> float:
        """The chosen number of steps, two passes each, from the time of one pass."""
        one = self._seconds("forward")
        return self.dmd_s + self._seconds("text") + (2 * self.steps - DMD_STEPS) * one

    def share_of_peak(self, stage: Stage) -> float | None:
        """How much of the card's bfloat16 peak a stage reached."""
        if self.peak_tflops is None or stage.flop is None:
            return None
        return stage.flop / stage.seconds / (self.peak_tflops * 1e12)

    def _seconds(self, name: str) -> float:
        return next(stage.seconds for stage in self.stages if stage.name == name)


@torch.no_grad()
def measure_lyra2(
    wish: Wish, say: Callable[[str], None], tuning: Tuning | None = None
) -> Lyra2Report:
    """Make the networks, run every stage once to warm up and then again with a watch."""
    if not wish.tiny and not torch.cuda.is_available():
        raise EngineNotReady(NO_GPU)
    device = torch.device("cpu" if wish.tiny else "cuda")
    sizes = TINY if wish.tiny else Sizes()
    plan = _plan(wish, device)
    say(f"making random weights: {plan}")
    networks = random_networks(sizes, plan, device, tuning or Tuning())
    watch = _Watch(device, say)
    stages = (
        *_encoder_stages(networks, sizes, wish.size, watch),
        *_picture_stages(networks, sizes, wish.size, watch),
        *_transformer_stages(networks, sizes.transformer, wish.size, watch),
        _chunk(networks, sizes, wish.size, watch),
    )
    return Lyra2Report(
        machine=_machine(device),
        on_gpu=device.type == "cuda",
        size=wish.size,
        tokens=num_tokens(wish.size.height, wish.size.width),
        plan=plan,
        steps=wish.steps,
        stages=stages,
        peak_tflops=_peak_tflops(device),
    )


class _Watch:
    """Times work on a device, and the most memory that it took."""

    def __init__(self, device: torch.device, say: Callable[[str], None]) -> None:
        self._cuda = device if device.type == "cuda" else None
        self._say = say

    def time(self, name: str, work: Callable[[], object], *, flop: int | None = None) -> Stage:
        """Do the work with the watch; on a GPU after doing it once to warm up."""
        self._say(f"measuring {name}")
        if self._cuda is not None:
            work()
            torch.cuda.reset_peak_memory_stats(self._cuda)
        self._wait()
        started = time.perf_counter()
        work()
        self._wait()
        seconds = time.perf_counter() - started
        return Stage(name=name, seconds=seconds, peak_bytes=self._peak(), flop=flop)

    def _wait(self) -> None:
        if self._cuda is not None:
            torch.cuda.synchronize(self._cuda)

    def _peak(self) -> int | None:
        return None if self._cuda is None else torch.cuda.max_memory_allocated(self._cuda)


def _encoder_stages(
    networks: RandomNetworks, sizes: Sizes, size: Size, watch: _Watch
) -> tuple[Stage, ...]:
    """Prompt and pictures to embeddings and depth."""
    device = networks.device
    ids = torch.ones(1, PROMPT_TOKENS, dtype=torch.int64, device=device)
    frame = torch.zeros(3, size.height, size.width, device=device)

    def read() -> object:
        with at_work(networks.text_encoder, device):
            return networks.text_encoder(input_ids=ids, attention_mask=ids)

    views = 2 if sizes is TINY else DEPTH_VIEWS
    return (
        watch.time("text", read),
        watch.time("image", lambda: networks.image_encoder(frame)),
        watch.time("depth", lambda: networks.depth(frame)),
        watch.time("depth of a chunk", lambda: [networks.depth(frame) for _ in range(views)]),
    )


def _picture_stages(
    networks: RandomNetworks, sizes: Sizes, size: Size, watch: _Watch
) -> tuple[Stage, ...]:
    """Warps and the autoencoder, for one chunk."""
    device = networks.device
    h, w = size.height // PIXELS_PER_LATENT, size.width // PIXELS_PER_LATENT
    video = torch.zeros(3, 1 + CHUNK_FRAMES, size.height, size.width, device=device)
    latents = torch.zeros(16, 1 + NEW_FRAMES, h, w, device=device)
    path = _path(size)
    targets = Cameras.of(path)[1:]
    seen = PosedDepth(
        depth=torch.full((size.height, size.width), DEPTH, device=device),
        w2c=torch.eye(4),
        K=torch.from_numpy(path.K[0]).float(),
    )
    memory = SpatialMemory()
    for frame in range(MEMORY_SLOTS):
        memory.add(frame, seen)
    remembered = list(range(MEMORY_SLOTS))
    pixels = 0 if sizes is TINY else video[0].numel()
    return (
        watch.time("warp ahead", lambda: list(warp_in_groups(video[:, 0], seen, targets))),
        watch.time("warp memory", lambda: correspondence(memory, remembered, targets)),
        watch.time(
            "encode",
            lambda: networks.autoencoder.encode(video),
            flop=ENCODE_FLOP * pixels or None,
        ),
        watch.time(
            "decode",
            lambda: networks.autoencoder.decode(latents),
            flop=DECODE_FLOP * pixels or None,
        ),
    )


def _transformer_stages(
    networks: RandomNetworks, config: TransformerConfig, size: Size, watch: _Watch
) -> tuple[Stage, ...]:
    """What is prepared for a prompt and a chunk, and one forward pass."""
    device, transformer = networks.device, networks.transformer
    embeds = torch.zeros(1, PROMPT_TOKENS, config.text_dim, device=device)
    h, w = size.height // PIXELS_PER_LATENT, size.width // PIXELS_PER_LATENT
    latents = torch.randn(1, 16, NEW_FRAMES, h, w, device=device)
    timestep = torch.tensor([1000.0], device=device)
    work = flops(config, size.height, size.width)
    prompt_stage = watch.time("prepare prompt", lambda: transformer.prepare_prompt(embeds))
    chunk_stage = _preparing(networks, _conditions(config, size, device), watch)
    prompt = transformer.prepare_prompt(embeds)
    chunk = transformer.prepare(_conditions(config, size, device))
    forward = watch.time(
        "forward", lambda: transformer(latents, timestep, prompt, chunk), flop=work.step
    )
    return prompt_stage, chunk_stage, forward


def _preparing(networks: RandomNetworks, conditions: Conditions, watch: _Watch) -> Stage:
    return watch.time("prepare chunk", lambda: networks.transformer.prepare(conditions))


def _chunk(networks: RandomNetworks, sizes: Sizes, size: Size, watch: _Watch) -> Stage:
    """The first 80 frames of a leg by the distilled schedule, as the engine makes them."""
    photo = Photo(texture=np.zeros((size.height, size.width, 3), np.uint8), size=size)
    path = _path(size)
    flat = believed(torch.full((size.height, size.width), DEPTH))
    prompts = PromptPair(
        cond=torch.zeros(1, PROMPT_TOKENS, sizes.transformer.text_dim, device=networks.device)
    )
    all_networks = Networks(
        transformer=networks.transformer,
        vae=networks.autoencoder,
        image_encoder=networks.image_encoder,
        depth=AlignedDepth(relative=networks.depth),
        device=networks.device,
        streams_rest_on=networks.device if networks.stays else torch.device("cpu"),
    )
    scene = build_scene(photo, flat, path.K[0])
    sampling = Sampling(prompt="", seed=0)

    def draw() -> object:
        leg = Rollout(all_networks, scene, path, prompts, sampling)
        return leg.next_chunk(ProgressReport())

    return watch.time("a chunk, 4 steps", draw)


def _conditions(config: TransformerConfig, size: Size, device: torch.device) -> Conditions:
    h, w = size.height // PIXELS_PER_LATENT, size.width // PIXELS_PER_LATENT

    def noise(channels: int, frames: int) -> torch.Tensor:
        return torch.rand(1, channels, frames, h, w, device=device) * 2 - 1

    return Conditions(
        history_latents=noise(16, WINDOW_FRAMES - NEW_FRAMES),
        warped_latents=noise(16, NEW_FRAMES),
        rays=noise(config.ray_channels, WINDOW_FRAMES),
        correspondence=noise(config.correspondence_channels, WINDOW_FRAMES),
        image_embeds=torch.zeros(1, 257, config.image_dim, device=device),
    )


def _path(size: Size) -> CameraPath:
    """Straight ahead, 81 cameras."""
    steps = np.linspace(0.0, REACH, 1 + CHUNK_FRAMES)
    w2c = np.stack([w2c_from(np.eye(3), np.array([0.0, 0.0, z])) for z in steps])
    K = centred_intrinsics(focal_from_fov(FOV_X_RAD, size), size)
    return CameraPath(w2c, np.stack([K] * len(w2c)), size)


def _plan(wish: Wish, device: torch.device) -> MemoryPlan:
    if device.type == "cuda":
        free_bytes, _ = torch.cuda.mem_get_info(device)
        eight_bits = Precision(eight_bits_for(device).value)
        return plan_memory(
            free_bytes,
            wish.size,
            mode=wish.mode,
            precision=wish.precision,
            eight_bits=eight_bits,
        )
    mode = Mode.FULL if wish.mode == "auto" else Mode(wish.mode)
    precision = Precision.BF16 if wish.precision == "auto" else Precision(wish.precision)
    config = TINY.transformer if wish.tiny else Sizes().transformer
    budget = budget_of(wish.size, mode, precision, config=config)
    return MemoryPlan(mode=mode, precision=precision, keeps_bias=False, budget=budget)


def _machine(device: torch.device) -> str:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    return f"{name}, torch {torch.__version__}"


def _peak_tflops(device: torch.device) -> float | None:
    if device.type != "cuda":
        return None
    name = torch.cuda.get_device_name(device)
    return next((peak for part, peak in PEAK_TFLOPS.items() if part in name), None)
