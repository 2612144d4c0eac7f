"""Train the depth network on the shards of a folder.

python -m training.train --data SHARDS --blender BLENDER --out RUN --encoder FILE --guide FILE
python -m training.train --data SHARDS --blender BLENDER --out RUN2 --resume RUN/last.pt
"""

from __future__ import annotations

import argparse
import copy
import itertools
import math
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from training.batches import Batch, Mixture, batches
from training.losses import Truth, Weights, depth_loss
from training.network import Answer, DepthNet
from training.tcmonodepth import load_tcmonodepth

REPORT = 25
"""Steps between two lines of progress."""


class Average:
    """An exponential average of the network, which is what gets exported."""

    def __init__(self, net: nn.Module, decay: float) -> None:
        self.net, self.decay, self.steps = copy.deepcopy(net).eval(), decay, 0

    @torch.no_grad()
    def update(self, net: nn.Module) -> None:
        """Move a little towards the network; faster in the beginning."""
        self.steps += 1
        keep = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for mine, theirs in zip(
            self.net.state_dict().values(), net.state_dict().values(), strict=True
        ):
            if mine.dtype.is_floating_point:
                mine.lerp_(theirs, 1 - keep)
            else:
                mine.copy_(theirs)


def optimiser_for(net: DepthNet, lr: float) -> torch.optim.AdamW:
    """A quarter of the learning rate for the encoder, which knows pictures already."""
    encoder = list(net.encoder.parameters())
    rest = [
        p for name, p in net.named_parameters() if not name.startswith(("encoder.", "guide."))
    ]
    groups = [{"params": encoder, "share": 0.25}, {"params": rest, "share": 1.0}]
    return torch.optim.AdamW(groups, lr=lr, weight_decay=1e-2, foreach=True)


def train_step(
    net: DepthNet, optimiser: torch.optim.Optimizer, batch: Batch,
    weights: Weights, generator: torch.Generator,
) -> dict[str, float]:  # fmt: skip
    """One batch; returns the parts of the loss."""
    images, *known = (torch.from_numpy(plane) for plane in batch)
    x = (images.float() / 255).contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        answer = net(x)
    answer = Answer(*(plane.float().contiguous() for plane in answer))
    loss, parts = depth_loss(answer, Truth(*known), weights, generator)
    optimiser.zero_grad()
    torch.autograd.backward(loss)
    nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optimiser.step()
    return parts


@dataclass
class Run:
    """Everything that a checkpoint holds."""

    net: DepthNet
    average: Average
    optimiser: torch.optim.Optimizer

    def save(self, folder: Path) -> None:
        """Write `last.pt`; never half of it."""
        state = {
            "net": self.net.state_dict(),
            "average": self.average.net.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }
        torch.save(state, folder / "unfinished.pt")
        (folder / "unfinished.pt").rename(folder / "last.pt")

    def load(self, checkpoint: Path) -> None:
        """Go on from a checkpoint."""
        state = torch.load(checkpoint, weights_only=True)
        self.net.load_state_dict(state["net"])
        self.average.net.load_state_dict(state["average"])
        self.average.steps = 1000
        if "optimiser" in state:
            self.optimiser.load_state_dict(state["optimiser"])


def start_run(options: argparse.Namespace) -> Run:
    """A new network, or the one of a checkpoint."""
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    net = DepthNet()
    if options.encoder:
        from training.encoder_weights import load_encoder

        load_encoder(net.encoder, options.encoder)
    if options.guide:
        load_tcmonodepth(net.guide, options.guide)
    net.encoder.frozen = options.freeze
    for weight in net.parameters():
        if weight.dim() == 4:
            weight.data = weight.data.contiguous(memory_format=torch.channels_last)
    run = Run(net, Average(net, options.decay), optimiser_for(net, options.lr))
    if options.resume:
        run.load(options.resume)
    return run


def rate_at(done: float, step: int, options: argparse.Namespace) -> float:
    """The learning rate: a short rise, then half a cosine down to `lr_end`."""
    warm = min(1.0, (step + 1) / 100)
    falling = 0.5 * (1 + math.cos(math.pi * done))
    return warm * (options.lr_end + (options.lr - options.lr_end) * falling)


def train(run: Run, options: argparse.Namespace) -> None:
    """Take steps until they or the minutes are used up; saves every hundred steps."""
    generator = torch.Generator().manual_seed(options.seed)
    weights = Weights(outline=options.outline)
    mixture = Mixture(
        ray_cast=options.data, blender=options.blender, blender_share=options.blender_share,
        count=options.batch, area=options.area,
    )  # fmt: skip
    source = batches(mixture, options.seed)
    start, sums = time.perf_counter(), Counter[str]()
    for step in itertools.count():
        seconds = time.perf_counter() - start
        done = seconds / 60 / options.minutes if options.minutes else step / options.steps
        if done >= 1:
            break
        for group in run.optimiser.param_groups:
            group["lr"] = rate_at(done, step, options) * group["share"]
        batch = next(source)
        sums.update(train_step(run.net, run.optimiser, batch, weights, generator))
        run.average.update(run.net)
        if step % REPORT == REPORT - 1:
            pace = options.batch * (step + 1) / seconds
            parts = " ".join(f"{name} {value / REPORT:.3f}" for name, value in sums.items())
            print(f"step {step + 1} ({done:.0%}): {parts} | {pace:.1f} pictures/s", flush=True)
            sums.clear()
        if step % 100 == 99:
            run.save(options.out)
    run.save(options.out)


def main() -> None:
    """Read the options and train."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="shards of training.data")
    parser.add_argument("--blender", type=Path, help="shards of training.blender.render")
    parser.add_argument("--blender-share", type=float, default=0.5, help="of the batches")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--guide", type=Path, help="TCMonoDepth small; chance when absent")
    parser.add_argument("--encoder", type=Path, help="MobileNetV2; random start when absent")
    parser.add_argument("--resume", type=Path, help="a checkpoint to go on from")
    parser.add_argument("--freeze", action="store_true", help="keep the finest encoder stages")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--minutes", type=float, help="stop by the clock instead of by steps")
    parser.add_argument("--batch", type=int, default=12)
    parser.add_argument("--area", type=int, default=32000, help="pixels per picture")
    parser.add_argument("--lr", type=float, default=8e-4)
    parser.add_argument("--lr-end", type=float, default=0.0)
    parser.add_argument("--outline", type=float, default=0.5, help="weight of that loss")
    parser.add_argument("--decay", type=float, default=0.997, help="of the average")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    train(start_run(options), options)


if __name__ == "__main__":
    main()
