"""How fast the lyra2 engine would be here: its true sizes with random weights, stage by stage.

Nothing of the figures depends on what the weights are; what they would draw does. Needs no
weights and no licence. On a CPU only `tiny` sizes make sense: they show that the benchmark
runs, and nothing else.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import dataclass

import torch

from lyra_zoom.bench.lyra2_legs import ONLY_CHUNK, leg_stages
from lyra_zoom.bench.lyra2_networks import TINY, random_networks
from lyra_zoom.bench.lyra2_stages import (
    depth_stages,
    encoder_stages,
    lora_stages,
    picture_stages,
    transformer_stages,
)
from lyra_zoom.bench.lyra2_watch import Stage, Watch
from lyra_zoom.engines.lyra2.budget import Mode, Precision, budget_of
from lyra_zoom.engines.lyra2.modes import MemoryPlan, plan_memory
from lyra_zoom.engines.lyra2.quantize import eight_bits_for
from lyra_zoom.engines.lyra2.residence import device_of
from lyra_zoom.engines.lyra2.sizes import Sizes
from lyra_zoom.engines.lyra2.speed import Tuning
from lyra_zoom.engines.lyra2.transformer_loading import same_numbers_every_time
from lyra_zoom.engines.lyra2.window import num_tokens
from lyra_zoom.errors import EngineNotReady
from lyra_zoom.geometry.image import Size

NO_GPU = "there is no GPU that torch can use; --tiny only shows that the benchmark runs"

DMD_STEPS = 4
TINY_SIZE = Size(32, 32)

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
        return self._seconds(ONLY_CHUNK) + self._seconds("text") + self._seconds("depth")

    @property
    def guided_s(self) -> float:
        """The chosen number of steps, two passes each, from the time of one pass."""
        one = self._seconds("forward")
        return self.dmd_s + self._seconds("text") + (2 * self.steps - DMD_STEPS) * one

    def share_of_peak(self, stage: Stage) -> float | None:
        """How much of the card's bfloat16 peak a stage reached."""
        if self.peak_tflops is None or stage.flop is None or not stage.seconds:
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
    device = device_of("cpu" if wish.tiny else "cuda")
    same_numbers_every_time(device)
    plan = _plan(wish, device)
    say(f"making random weights: {plan}")
    sizes = TINY if wish.tiny else Sizes()
    networks = random_networks(sizes, plan, device, tuning or Tuning())
    watch = Watch(device, plan.budget, say)
    stages = (
        *encoder_stages(networks, wish.size, watch),
        *depth_stages(networks, wish.size, watch),
        *picture_stages(networks, wish.size, watch),
        *transformer_stages(networks, wish.size, watch),
        *leg_stages(networks, wish.size, watch),
        *lora_stages(networks, watch),
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


def _plan(wish: Wish, device: torch.device) -> MemoryPlan:
    if device.type == "cuda":
        free_bytes, _ = torch.cuda.mem_get_info(device)
        return plan_memory(
            free_bytes,
            wish.size,
            mode=wish.mode,
            precision=wish.precision,
            eight_bits=eight_bits_for(device),
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
