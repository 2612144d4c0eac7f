"""What the processes that make one video together tell each other, and how they meet.

The lead, rank 0, is the engine's process. It tells each member what to compute by pickles on
the member's standard input, and shows all of them the tensors through the group. Members answer
on standard output that they are loaded, or what made them end.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, TypeAlias

import torch
import torch.distributed as dist
from torch import Tensor

from lyra_zoom.engines.lyra2.transformer import KeptBias
from lyra_zoom.engines.lyra2.transformer_loading import TransformerPlan

COLLECTIVE_S = 100.0
"""How long one process waits for the others; less than an engine may be silent."""

LOADED: Final = "loaded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """Who makes a video together: so many processes, each with the same transformer."""

    plan: TransformerPlan
    processes: int
    device_type: str  # "cuda": each has a GPU of its own, "cpu": they share it
    timeout_s: float = COLLECTIVE_S

    def device(self, rank: int) -> torch.device:
        """Where the process of this rank computes."""
        if self.device_type == "cuda":
            return torch.device("cuda", rank)
        return torch.device(self.device_type)


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """The first thing a process is told; all meet in the folder `meeting`."""

    team: Team
    rank: int
    meeting: Path


@dataclass(frozen=True, slots=True)
class UseLoras:
    """Merge the LoRAs of the distilled schedule, or of the full one."""

    distilled: bool


@dataclass(frozen=True, slots=True)
class PreparePrompt:
    """Prepare the prompt that is shown, and keep it under a number."""

    number: int


@dataclass(frozen=True, slots=True)
class PrepareChunk:
    """Prepare the chunk whose conditions are shown, and keep it under a number."""

    number: int
    keep: KeptBias | None


@dataclass(frozen=True, slots=True)
class PredictVelocity:
    """Take part in a forward pass over the latents and the timestep that are shown."""

    prompt: int
    chunk: int


Task: TypeAlias = UseLoras | PreparePrompt | PrepareChunk | PredictVelocity


@dataclass(frozen=True, slots=True, kw_only=True)
class CrewOrder:
    """A task, what tensors are shown for it, and the numbers of what is needed no longer."""

    task: Task
    shown: tuple[tuple[torch.Size, torch.dtype], ...]
    forget: tuple[int, ...]


def join_group(duty: Duty) -> dist.ProcessGroup:
    """Meet the other processes; all of them have to be on their way."""
    _speak_on_this_machine_alone()
    device = duty.team.device(duty.rank)
    on_gpus = device.type == "cuda"
    if on_gpus:
        torch.cuda.set_device(device)
    dist.init_process_group(
        "nccl" if on_gpus else "gloo",
        init_method=f"file://{duty.meeting}/store",
        rank=duty.rank,
        world_size=duty.team.processes,
        timeout=timedelta(seconds=duty.team.timeout_s),
        device_id=device if on_gpus else None,
    )
    assert dist.group.WORLD is not None
    return dist.group.WORLD


def show(tensors: Iterable[Tensor], device: torch.device) -> None:
    """Let the members have what the lead has."""
    for tensor in tensors:
        dist.broadcast(tensor.to(device).contiguous(), src=0)


def see(shown: Sequence[tuple[torch.Size, torch.dtype]], device: torch.device) -> list[Tensor]:
    """What the lead shows."""
    tensors = [torch.empty(shape, dtype=dtype, device=device) for shape, dtype in shown]
    for tensor in tensors:
        dist.broadcast(tensor, src=0)
    return tensors


def _speak_on_this_machine_alone() -> None:
    """Both libraries listen wherever the machine's name points to, unless they are told."""
    if sys.platform == "linux":
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
        os.environ.setdefault("NCCL_SOCKET_IFNAME", "lo")
