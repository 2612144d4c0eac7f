"""What the network is punished for: shape, distance, outlines, order, sky.

`pred` and `true` are disparities (B, 1, H, W); `true` has mean 1 over what is not sky, 0 = sky.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

SOFT = 0.1
"""Disparities below this share of the mean count as about equally far."""

JUMP, JUMP_SHARE = 0.1, 3.0
"""Neighbours whose log disparities differ by more are an outline; how much more it counts."""

CLEARLY_APART = 0.08
"""Pairs closer than this in log disparity have no order worth learning."""


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each part counts."""

    affine: float = 1.0
    log: float = 1.0
    outline: float = 1.0
    order: float = 0.5
    sky: float = 0.2


def standardised(plane: Tensor) -> Tensor:
    """Each picture minus its median, over its mean absolute deviation."""
    flat = plane.flatten(1)
    middle = flat.median(1, keepdim=True).values
    spread = (flat - middle).abs().mean(1, keepdim=True).clamp_min(1e-3)
    return ((flat - middle) / spread).view_as(plane)


def affine_loss(pred: Tensor, true: Tensor) -> Tensor:
    """Scale-and-shift-invariant absolute error."""
    return (standardised(pred) - standardised(true)).abs().clamp_max(4).mean()


def outline_loss(pred_log: Tensor, true_log: Tensor) -> Tensor:
    """Differences of neighbours at four sizes, in log disparity; true jumps count more."""
    total = pred_log.new_zeros(())
    for _ in range(4):
        for axis in (2, 3):
            step, wanted = torch.diff(pred_log, dim=axis), torch.diff(true_log, dim=axis)
            share = 1 + JUMP_SHARE * (wanted.abs() > JUMP)
            total = total + ((step - wanted).abs() * share).mean()
        pred_log, true_log = (functional.avg_pool2d(x, 2) for x in (pred_log, true_log))
    return total


def order_loss(pred_log: Tensor, true_log: Tensor, generator: torch.Generator) -> Tensor:
    """Pairs whose true distances clearly differ should come in the right order.

    Half of the pairs are anywhere, half a few pixels apart, where only outlines matter.
    """
    b, _, h, w = pred_log.shape
    n = 3000
    row, column = (torch.randint(k, (2, b, n), generator=generator) for k in (h, w))
    beside = torch.randint(-4, 5, (2, b, n), generator=generator)
    first = torch.cat([row[0] * w + column[0], row[1] * w + column[1]], 1)
    near = (row[1] + beside[0]).clamp(0, h - 1) * w + (column[1] + beside[1]).clamp(0, w - 1)
    second = torch.cat([row[1] * w + column[1], near], 1)
    p, t = pred_log.flatten(1), true_log.flatten(1)
    apart = t.gather(1, first) - t.gather(1, second)
    counts = apart.abs() > CLEARLY_APART
    step = (p.gather(1, first) - p.gather(1, second)) * apart.sign()
    return (functional.softplus(-step * 6) / 6 * counts).sum() / counts.sum().clamp_min(1)


def depth_loss(
    pred: Tensor, sky_logit: Tensor, true: Tensor, weights: Weights, generator: torch.Generator
) -> tuple[Tensor, dict[str, float]]:
    """The weighted sum and its parts."""
    pred_log, true_log = torch.log(pred + SOFT), torch.log(true + SOFT)
    parts = {
        "affine": affine_loss(pred, true),
        "log": (pred_log - true_log).abs().mean(),
        "outline": outline_loss(pred_log, true_log),
        "order": order_loss(pred_log, true_log, generator),
        "sky": functional.binary_cross_entropy_with_logits(sky_logit, (true == 0).float()),
    }
    total = sum(getattr(weights, name) * value for name, value in parts.items())
    return total, {name: float(value.detach()) for name, value in parts.items()}
