"""The depth network: a MobileNetV2 encoder and a light additive decoder, about 2.5 M numbers.

It answers planes at the size of its input: disparity (0 = infinitely far, mean about 1 over
what is not sky), the logits of sky and of ground, and surface normals. Inputs are RGB, 0 to 1;
sides are multiples of 32. The decoder also sees the features of a small frozen depth network.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.tcmonodepth import WIDTHS as GUIDE_WIDTHS
from training.tcmonodepth import TCMonoDepth

STAGES = [
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
]
"""Expansion, channels, repeats and first stride of each stage. Source: MobileNetV2, table 2."""

TAPS = (0, 1, 2, 4, 6)
"""Stages whose outputs the decoder reads: 1/2, 1/4, 1/8, 1/16 and 1/32 of the size."""

FROZEN = 2
"""How many stages may be left as they are: the finest, which cost most and change least."""


HEAD, PLANES = 40, 6
"""Channels at half size before the answer, and planes of the answer."""


class Conv(nn.Module):
    """A convolution with bias, padded as TensorFlow's SAME does for even sizes."""

    def __init__(
        self, c_in: int, c_out: int, size: int, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        self.stride = stride
        padding = 0 if stride == 2 else size // 2
        self.conv = nn.Conv2d(c_in, c_out, size, stride, padding, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve; a stride of 2 pads only to the right and below."""
        return self.conv(functional.pad(x, (0, 1, 0, 1)) if self.stride == 2 else x)


class Inverted(nn.Module):
    """MobileNetV2's block: widen, filter each channel, narrow."""

    def __init__(self, c_in: int, c_out: int, expansion: int, stride: int) -> None:
        super().__init__()
        wide = c_in * expansion
        self.expand = Conv(c_in, wide, 1) if expansion > 1 else None
        self.depthwise = Conv(wide, wide, 3, stride, wide)
        self.project = Conv(wide, c_out, 1)
        self.adds = stride == 1 and c_in == c_out

    def forward(self, x: Tensor) -> Tensor:
        """The block's output, added to its input where the shapes agree."""
        y = x if self.expand is None else functional.relu6(self.expand(x))
        y = self.project(functional.relu6(self.depthwise(y)))
        return x + y if self.adds else y


class Encoder(nn.Module):
    """MobileNetV2 1.0 up to 320 channels, batch normalisation folded into the weights."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Conv(3, 32, 3, 2)
        channels, stages = 32, []
        for expansion, out, repeats, stride in STAGES:
            blocks = []
            for k in range(repeats):
                blocks.append(Inverted(channels, out, expansion, stride if k == 0 else 1))
                channels = out
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)
        self.frozen = False

    def forward(self, image: Tensor) -> list[Tensor]:
        """Features at 1/2 to 1/32, finest first."""
        taps = []
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            x = functional.relu6(self.stem(image))
            for stage in self.stages[:FROZEN]:
                x = stage(x)
                taps.append(x)
        for k, stage in enumerate(self.stages[FROZEN:], FROZEN):
            x = stage(x)
            if k in TAPS:
                taps.append(x)
        return taps

    def convolutions(self) -> list[nn.Conv2d]:
        """Every convolution, in the order in which it is applied."""
        return [m for m in self.modules() if isinstance(m, nn.Conv2d)]


class Mix(nn.Module):
    """Two depthwise-separable convolutions with a shortcut."""

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, size, 1, size // 2, groups=channels, bias=False),
            nn.BatchNorm2d(channels, momentum=0.03),
            nn.Conv2d(channels, channels, 1, bias=False),
            nn.BatchNorm2d(channels, momentum=0.03),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, 1, 1, groups=channels, bias=False),
            nn.BatchNorm2d(channels, momentum=0.03),
            nn.Conv2d(channels, channels, 1, bias=False),
            nn.BatchNorm2d(channels, momentum=0.03),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Mix neighbours and channels."""
        return functional.relu(x + self.body(x))


def places(like: Tensor) -> Tensor:
    """Row and column of every pixel, -1 to 1, written so that any size can be exported."""
    ones = torch.ones_like(like[:, :1]).float()
    counts = [torch.cumsum(ones, axis) - 1 for axis in (2, 3)]
    last = [(ones.sum(axis, keepdim=True) - 1).clamp_min(1) for axis in (2, 3)]
    return torch.cat([2 * c / n - 1 for c, n in zip(counts, last, strict=True)], 1)


class Answer(NamedTuple):
    """What the network says, all at the size of its input.

    `disparity` (B, 1, H, W), at least 0; `sky` and `ground` are logits (B, 1, H, W); `normal`
    (B, 3, H, W) has length 1, in camera axes (x right, y down, z forward), towards the camera.
    """

    disparity: Tensor
    sky: Tensor
    normal: Tensor
    ground: Tensor


class DepthNet(nn.Module):
    """Encoder, whole-picture context, decoder, and one head that answers in fours of pixels."""

    def __init__(self, widths: tuple[int, ...] = (32, 48, 96, 128, 192)) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.guide = TCMonoDepth()
        taps = (16, 24, 32, 96, 320)
        self.skips = nn.ModuleList(
            nn.Conv2d(t, w, 1) for t, w in zip(taps, widths, strict=True)
        )
        self.hints = nn.ModuleList(
            nn.Conv2d(t, w, 1, bias=False) for t, w in zip(GUIDE_WIDTHS, widths, strict=False)
        )
        self.place = nn.Conv2d(2, widths[-1], 1)
        self.context = nn.Sequential(
            nn.Conv2d(320, 128, 1), nn.ReLU(), nn.Conv2d(128, widths[-1], 1)
        )
        self.deepest = nn.Sequential(Mix(widths[-1], 5), Mix(widths[-1], 5))
        self.mixes = nn.ModuleList(
            Mix(w, 3 if k == 0 else 5) for k, w in enumerate(widths[:-1])
        )
        self.narrow = nn.ModuleList(
            nn.Conv2d(widths[k + 1], widths[k], 1) for k in range(len(widths) - 1)
        )
        self.pixels = nn.Conv2d(3, HEAD, 4, 2, 1)
        self.to_head = nn.Conv2d(widths[0] + 1, HEAD, 1)
        self.sharpen = Mix(HEAD, 3)
        self.answer = nn.Conv2d(HEAD, 4 * PLANES, 3, 1, 1)

    def forward(self, image: Tensor) -> Answer:
        """Everything about the picture (B, 3, H, W)."""
        return self.answered(image, *self.hinted(image))

    def answered(self, image: Tensor, near: Tensor, hints: list[Tensor]) -> Answer:
        """Everything about the picture, with what the frozen network says of it."""
        x = image * 2 - 1
        y = self.decoded(x, hints)
        y = self.to_head(torch.cat([y, near], 1)) + self.pixels(x)
        y = self.answer(self.sharpen(functional.relu(y)))
        return answer_of(functional.pixel_shuffle(y, 2).float())

    def decoded(self, x: Tensor, hints: list[Tensor]) -> Tensor:
        """Features at half the size of the picture, which is -1 to 1 here."""
        taps = self.encoder(x)
        deep = taps[-1]
        y = (
            self.skips[-1](deep)
            + self.place(places(deep))
            + self.context(deep.mean((2, 3), keepdim=True))
        )
        y = self.deepest(y)
        for k in range(len(self.mixes) - 1, -1, -1):
            y = functional.interpolate(
                self.narrow[k](y), scale_factor=2.0, mode="bilinear", align_corners=False
            )
            y = y + self.skips[k](taps[k])
            if k < len(hints):
                y = y + self.hints[k](hints[k])
            y = self.mixes[k](functional.relu(y))
        return y

    def hinted(self, image: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The frozen network's disparity, mean 1, and its features, finest first."""
        with torch.no_grad():
            disparity, features = self.guide(image)
            mean = disparity.mean((1, 2, 3), keepdim=True).clamp_min(1e-3)
            return disparity / mean, features


def answer_of(planes: Tensor) -> Answer:
    """Six raw planes as what they mean."""
    normal = planes[:, 3:]
    length = (normal * normal).sum(1, keepdim=True).clamp_min(1e-6).sqrt()
    disparity = functional.softplus(planes[:, :1])
    return Answer(disparity, planes[:, 1:2], normal / length, planes[:, 2:3])
