"""TCMonoDepth small, the MIT network whose features the decoder looks at; not trained here.

Written from the layers of its checkpoint (yu-li/TCMonoDepth, `weights/_ckpt_small.pt.tar`, MIT,
Copyright (c) 2021 Yu Li); batch normalisation is folded into the convolutions when loaded.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

STAGES = ((1, 24, 4), (2, 48, 8), (3, 96, 4))
"""Number, half the channels and blocks of each stage of the encoder."""

WIDTHS = (24, 48, 96)
"""Channels of the features at 1/2, 1/4 and 1/8."""


def _conv(c_in: int, c_out: int, size: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(c_in, c_out, size, stride, size // 2, groups=groups)


class Branch(nn.ModuleList):
    """Convolutions in a row; a depthwise one has no threshold after it."""

    def forward(self, x: Tensor) -> Tensor:
        """Apply them."""
        for conv in self:
            assert isinstance(conv, nn.Conv2d)
            x = conv(x) if conv.groups > 1 else functional.relu(conv(x))
        return x


class Shuffled(nn.Module):
    """ShuffleNet V2's block: half the channels pass, half are filtered; a stride takes all."""

    def __init__(self, c: int, stride: int, c_in: int) -> None:
        super().__init__()
        self.main = Branch([_conv(c_in, c, 1), _conv(c, c, 3, stride, c), _conv(c, c, 1)])
        if stride == 2:
            self.proj = Branch([_conv(c_in, c_in, 3, 2, c_in), _conv(c_in, c, 1)])
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Twice the block's channels."""
        if self.stride == 2:
            return torch.cat([self.proj(x), self.main(x)], 1)
        return torch.cat([x[:, 0::2], self.main(x[:, 1::2])], 1)


class Rise(nn.Module):
    """One step of the decoder: enlarge, add a skip, filter."""

    def __init__(self, c_deep: int, c_skip: int, c_out: int) -> None:
        super().__init__()
        half, both = c_out // 2, c_deep + c_out // 2
        self.skip = _conv(c_skip, half, 1)
        self.filter, self.narrow = _conv(both, both, 3, 1, both), _conv(both, c_out, 1)

    def forward(self, deep: Tensor, skip: Tensor) -> Tensor:
        """Features at the size of the skip."""
        up = functional.interpolate(
            deep, scale_factor=2.0, mode="bilinear", align_corners=False
        )
        x = torch.cat([up, functional.relu(self.skip(skip))], 1)
        return functional.relu(self.narrow(functional.relu(self.filter(x))))


class TCMonoDepth(nn.Module):
    """Pictures in 0 to 1 to its relative disparity at 1/2 and the decoder's features."""

    def __init__(self) -> None:
        super().__init__()
        self.first = _conv(3, 24, 3, 2)
        self.stages = nn.ModuleList()
        c_in = 24
        for _, c, blocks in STAGES:
            self.stages.append(
                nn.Sequential(
                    Shuffled(c, 2, c_in), *(Shuffled(c, 1, c) for _ in range(blocks - 1))
                )
            )
            c_in = 2 * c
        self.rises = nn.ModuleList([Rise(192, 96, 96), Rise(96, 48, 48), Rise(48, 24, 24)])
        self.final = _conv(24, 1, 3)
        self.requires_grad_(requires_grad=False)

    def forward(self, image: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Disparity (B, 1, H/2, W/2), and features at 1/2, 1/4 and 1/8."""
        taps = [functional.relu(self.first(image))]
        for stage in self.stages:
            taps.append(stage(taps[-1]))
        x = taps.pop()
        features: list[Tensor] = []
        for rise in self.rises:
            x = rise(x, taps.pop())
            features.insert(0, x)
        return functional.relu(self.final(x)), features


def load_tcmonodepth(net: TCMonoDepth, path: Path) -> None:
    """Fill the network from the published checkpoint."""
    state = torch.load(path, weights_only=True, map_location="cpu")
    state = state.get("state_dict", state)
    _fill(net.first, state, "encoder.first_conv.0", "encoder.first_conv.1")
    block = 0
    for (number, _, _), stage in zip(STAGES, net.stages, strict=True):
        assert isinstance(stage, nn.Sequential)
        for shuffled in stage:
            assert isinstance(shuffled, Shuffled)
            place = f"encoder.stage{number}.{block}"
            for k, conv in zip((0, 3, 5), shuffled.main, strict=True):
                _fill(conv, state, f"{place}.branch_main.{k}", f"{place}.branch_main.{k + 1}")
            for k, conv in zip((0, 2), getattr(shuffled, "proj", ()), strict=False):
                _fill(conv, state, f"{place}.branch_proj.{k}", f"{place}.branch_proj.{k + 1}")
            block += 1
    for number, rise in zip((3, 2, 1), net.rises, strict=True):
        assert isinstance(rise, Rise)
        place = f"decoder.decoder{number}"
        last = f"{place}.last_conv"
        _fill(rise.skip, state, f"{place}.skip_conv.0", f"{place}.skip_conv.1")
        _fill(rise.filter, state, f"{last}.0.conv.0", f"{last}.0.conv.1")
        _fill(rise.narrow, state, f"{last}.0.conv.3", f"{last}.1")
    names = ("weight", "bias")
    net.final.load_state_dict({name: state[f"decoder.final.{name}"] for name in names})


def _fill(conv: nn.Module, state: dict[str, Tensor], name: str, norm: str) -> None:
    mean, var = state[f"{norm}.running_mean"], state[f"{norm}.running_var"]
    gain = state[f"{norm}.weight"] / torch.sqrt(var + 1e-5)
    weight = state[f"{name}.weight"] * gain[:, None, None, None]
    conv.load_state_dict({"weight": weight, "bias": state[f"{norm}.bias"] - mean * gain})
