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
    """Differences of neighbouring pixels at four sizes, in log disparity."""
    total = pred_log.new_zeros(())
    difference = pred_log - true_log
    for _ in range(4):
        across = (difference[..., 1:] - difference[..., :-1]).abs().mean()
        along = (difference[..., 1:, :] - difference[..., :-1, :]).abs().mean()
        total = total + across + along
        difference = functional.avg_pool2d(difference, 2)
    return total


def order_loss(pred_log: Tensor, true_log: Tensor, generator: torch.Generator) -> Tensor:
    """Random pairs whose true distances clearly differ should come in the right order."""
    b, n = pred_log.shape[0], 3000
    p, t = pred_log.flatten(1), true_log.flatten(1)
    i = torch.randint(p.shape[1], (b, n), generator=generator)
    j = torch.randint(p.shape[1], (b, n), generator=generator)
    apart = t.gather(1, i) - t.gather(1, j)
    counts = apart.abs() > 0.08
    step = (p.gather(1, i) - p.gather(1, j)) * apart.sign()
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
