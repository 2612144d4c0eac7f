"""Train the depth network on the shards of a folder.

    python -m training.train --data SCRATCH --out RUN --encoder tf2_mobilenet_v2_1.0_224_ptq.tflite
    python -m training.train --data SCRATCH --out RUN2 --resume RUN/last.pt --area 55000 --lr 3e-4
"""

from __future__ import annotations

import argparse
import copy
import time
from pathlib import Path

import torch
from torch import Tensor, nn

from training.batches import batches
from training.losses import Weights, depth_loss
from training.network import DepthNet


class Average:
    """An exponential average of the network, which is what gets exported."""

    def __init__(self, net: nn.Module, decay: float) -> None:
        self.net, self.decay, self.steps = copy.deepcopy(net).eval(), decay, 0

    @torch.no_grad()
    def update(self, net: nn.Module) -> None:
        """Move a little towards the network; faster in the beginning."""
        self.steps += 1
        keep = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for mine, theirs in zip(self.net.state_dict().values(), net.state_dict().values(), strict=True):
            if mine.dtype.is_floating_point:
                mine.lerp_(theirs, 1 - keep)
            else:
                mine.copy_(theirs)


def optimiser_for(net: DepthNet, lr: float) -> torch.optim.AdamW:
    """A quarter of the learning rate for the encoder, which knows pictures already."""
    encoder = set(net.encoder.parameters())
    rest = [p for p in net.parameters() if p not in encoder]
    groups = [{"params": list(encoder), "share": 0.25}, {"params": rest, "share": 1.0}]
    return torch.optim.AdamW(groups, lr=lr, weight_decay=1e-2, foreach=True)


def train_step(
    net: DepthNet, optimiser: torch.optim.Optimizer, batch: tuple[Tensor, Tensor],
    weights: Weights, generator: torch.Generator,
) -> dict[str, float]:  # fmt: skip
    """One batch of uint8 images and true disparity; returns the parts of the loss."""
    images, true = batch
    x = (images.float() / 255).contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        pred, sky = net(x)
    loss, parts = depth_loss(pred.float(), sky.float(), true, weights, generator)
    optimiser.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optimiser.step()
    return parts


def main() -> None:
    """Train for a number of steps, saving as it goes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--encoder", type=Path, help="MobileNetV2 weights; random start when absent")
    parser.add_argument("--resume", type=Path, help="a checkpoint to go on from")
    parser.add_argument("--freeze", action="store_true", help="leave the finest encoder stages alone")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--batch", type=int, default=12)
    parser.add_argument("--area", type=int, default=32000, help="pixels per picture")
    parser.add_argument("--lr", type=float, default=8e-4)
    parser.add_argument("--lr-end", type=float, default=0.0)
    parser.add_argument("--outline", type=float, default=1.0)
    parser.add_argument("--decay", type=float, default=0.997, help="of the average")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    generator = torch.Generator().manual_seed(options.seed)
    net = DepthNet()
    if options.encoder:
        from training.encoder_weights import load_encoder

        load_encoder(net.encoder, options.encoder)
    net.encoder.frozen = options.freeze
    net = net.to(memory_format=torch.channels_last)
    optimiser = optimiser_for(net, options.lr)
    average = Average(net, options.decay)
    if options.resume:
        state = torch.load(options.resume, weights_only=True)
        net.load_state_dict(state["net"])
        average.net.load_state_dict(state["average"])
        average.steps = 1000
        optimiser.load_state_dict(state["optimiser"])
    options.out.mkdir(parents=True, exist_ok=True)
    weights = Weights(outline=options.outline)
    source = batches(options.data, options.batch, options.area, options.seed)
    start, sums, pixels = time.perf_counter(), {}, 0
    for step in range(options.steps):
        done = step / options.steps
        warm = 1.0 if options.resume else min(1.0, (step + 1) / 200)
        rate = (options.lr_end + (options.lr - options.lr_end) * 0.5 * (1 + torch.cos(torch.tensor(3.14159 * done)))) * warm
        for group in optimiser.param_groups:
            group["lr"] = float(rate) * group["share"]
        images, true = next(source)
        pixels += images.shape[0] * images.shape[2] * images.shape[3]
        batch = torch.from_numpy(images), torch.from_numpy(true)
        for name, value in train_step(net, optimiser, batch, weights, generator).items():
            sums[name] = sums.get(name, 0.0) + value / 25
        average.update(net)
        if step % 25 == 24:
            pace = options.batch * (step + 1) / (time.perf_counter() - start)
            text = " ".join(f"{name} {value:.3f}" for name, value in sums.items())
            print(f"{time.strftime('%H:%M:%S')} step {step + 1}/{options.steps}: {text} | {pace:.1f} pictures/s", flush=True)
            sums = {}
        if step % 200 == 199 or step == options.steps - 1:
            state = {"net": net.state_dict(), "average": average.net.state_dict(), "optimiser": optimiser.state_dict()}
            torch.save(state, options.out / "unfinished.pt")
            (options.out / "unfinished.pt").rename(options.out / "last.pt")


if __name__ == "__main__":
    main()
