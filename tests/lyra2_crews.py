"""Small crews for tests: a transformer of a toy's size, shared by processes on the CPU."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from lyra_zoom.engines.engine import Progress, Sampling
from lyra_zoom.engines.lyra2.budget import Mode, Precision, budget_of
from lyra_zoom.engines.lyra2.conditions import Conditions
from lyra_zoom.engines.lyra2.crew import Crew
from lyra_zoom.engines.lyra2.crew_orders import Team
from lyra_zoom.engines.lyra2.denoising import Denoiser, PromptPair
from lyra_zoom.engines.lyra2.engine import Loras
from lyra_zoom.engines.lyra2.installed import WeightsFolder
from lyra_zoom.engines.lyra2.lead import LeadTransformer, load_with_crew
from lyra_zoom.engines.lyra2.modes import MemoryPlan
from lyra_zoom.engines.lyra2.transformer import Lyra2Transformer
from lyra_zoom.engines.lyra2.transformer_loading import TransformerPlan, load_transformer
from lyra_zoom.geometry.image import Size
from tests.golden.lyra2_recipes import rnd
from tests.lyra2_weights import TRANSFORMER, write_toy_weights

H, W = 4, 4  # of the latents; the window's tokens cannot be divided by two

DISTILLED = Sampling(prompt="-", seed=3)
FULL = Sampling(prompt="-", seed=3, use_dmd=False, num_inference_steps=3)


@dataclass(frozen=True)
class Drawing:
    """A transformer, and what is needed to draw a chunk with it."""

    transformer: Lyra2Transformer
    loras: Loras

    def draw(self, sampling: Sampling, progress: Progress) -> Tensor:
        """The latents of a chunk, everything prepared anew."""
        self.loras.use(distilled=sampling.use_dmd)
        text = (1, 512, TRANSFORMER.text_dim)
        prompts = PromptPair(cond=rnd(1, text), uncond=rnd(2, text))
        denoiser = Denoiser(self.transformer, prompts, sampling)
        return denoiser.draw(denoiser.prepare(conditions()), 0, progress)


def conditions() -> Conditions:
    """Numbers in the shapes of a chunk's conditions."""
    return Conditions(
        history_latents=rnd(3, (1, 16, 25, H, W)),
        warped_latents=rnd(4, (1, 16, 20, H, W)),
        rays=rnd(5, (1, TRANSFORMER.ray_channels, 45, H, W)),
        correspondence=rnd(6, (1, TRANSFORMER.correspondence_channels, 45, H, W)).clamp(-1, 1),
        image_embeds=rnd(7, (1, 257, TRANSFORMER.image_dim)),
    )


def write_float32_weights(data: Path) -> TransformerPlan:
    """The toy's weights in float32, where rounding hides no difference."""
    folder = write_toy_weights(data)
    for file in folder.transformer.glob("*.safetensors"):
        save_file({name: tensor.float() for name, tensor in load_file(file).items()}, file)
    return plan_for(folder)


def plan_for(folder: WeightsFolder) -> TransformerPlan:
    """Everything stays on the device."""
    budget = budget_of(Size(832, 480), Mode.FULL, config=TRANSFORMER)
    memory = MemoryPlan(
        mode=Mode.FULL, precision=Precision.BF16, keeps_bias=False, budget=budget
    )
    return TransformerPlan(folder=folder, config=TRANSFORMER, memory=memory)


def alone(plan: TransformerPlan) -> Drawing:
    """One process has the transformer."""
    return Drawing(*load_transformer(plan, torch.device("cpu")))


@contextmanager
def together(plan: TransformerPlan, timeout_s: float = 60.0) -> Iterator[Drawing]:
    """Two processes share it inside the block."""
    team = Team(plan=plan, processes=2, device_type="cpu", timeout_s=timeout_s)
    with ExitStack() as undo:
        yield Drawing(*load_with_crew(team, undo))


def crew_of(transformer: Lyra2Transformer) -> Crew:
    """The processes that share this transformer's work."""
    assert isinstance(transformer, LeadTransformer)
    return transformer._crew


def lead_until_killed(plan: TransformerPlan, file: Path) -> None:
    """Be a lead with a member; write the member's process id into the file, and wait."""
    with together(plan):
        (member,) = members()
        file.with_suffix(".part").write_text(str(member.pid))
        file.with_suffix(".part").rename(file)
        time.sleep(600)


def members() -> list[psutil.Process]:
    """The members that this process has started and that have not ended."""
    name = "lyra_zoom.engines.lyra2.crew_member"
    return [child for child in psutil.Process().children() if name in child.cmdline()]
