"""What the network is punished for: shape, distance, outlines, order, sky, normals, ground.

Disparities are (B, 1, H, W); the true one has mean 1 over what is not sky, 0 = sky.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from training.network import Answer

SOFT = 0.1
"""Disparities below this share of the mean count as about equally far."""

JUMP, JUMP_SHARE = 0.1, 3.0
"""Neighbours whose log disparities differ by more are an outline; how much more it counts."""

REACHES = (1, 2, 4, 8)
"""Pixels between the neighbours that are compared."""

CLEARLY_APART = 0.08
"""Pairs closer than this in log disparity have no order worth learning."""

PAIRS = 3000


class Truth(NamedTuple):
    """What is true of a batch, as `training.batches.Batch` describes it."""

    disparity: Tensor
    normal: Tensor
    ground: Tensor


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each part counts."""

    affine: float = 1.0
    log: float = 1.0
    outline: float = 0.5
    order: float = 0.5
    across: float = 0.7
    sky: float = 0.2
    normal: float = 0.6
    ground: float = 0.2


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
    """Differences of pixels near each other, in log disparity; true jumps count more.

    Nothing is averaged first: a blurred jump is wrong at every reach.
    """
    total = pred_log.new_zeros(())
    for reach in REACHES:
        for axis in (2, 3):
            n = pred_log.shape[axis] - reach
            step, wanted = (
                x.narrow(axis, reach, n) - x.narrow(axis, 0, n) for x in (pred_log, true_log)
            )
            share = 1 + JUMP_SHARE * (wanted.abs() > JUMP)
            total = total + ((step - wanted).abs() * share).mean()
    return total


def order_loss(pred_log: Tensor, true_log: Tensor, generator: torch.Generator) -> Tensor:
    """Pairs whose true distances clearly differ should come in the right order."""
    b, _, h, w = pred_log.shape
    first, second = torch.randint(h * w, (2, b, PAIRS), generator=generator)
    return _ranked(pred_log, true_log, first, second)


def across_loss(pred_log: Tensor, true_log: Tensor, generator: torch.Generator) -> Tensor:
    """Pairs on both sides of true outlines: their order, and how far they are apart.

    Source of the sampling: Xian et al. 2020, structure-guided ranking.
    """
    b, _, h, w = true_log.shape
    reach = functional.max_pool2d(true_log, 3, 1, 1) + functional.max_pool2d(-true_log, 3, 1, 1)
    chance = (reach > JUMP).float().flatten(1) + 1e-6
    middle = torch.multinomial(chance, PAIRS, replacement=True, generator=generator)
    angle = torch.rand((b, PAIRS), generator=generator) * 2 * torch.pi
    length = 1 + 3 * torch.rand((b, PAIRS), generator=generator)
    dx, dy = (length * torch.cos(angle)).round(), (length * torch.sin(angle)).round()
    ends = [
        (middle // w + side * dy).clamp(0, h - 1).long() * w
        + (middle % w + side * dx).clamp(0, w - 1).long()
        for side in (1, -1)
    ]
    p, t = (
        x.flatten(1).gather(1, ends[0]) - x.flatten(1).gather(1, ends[1])
        for x in (pred_log, true_log)
    )
    return _ranked(pred_log, true_log, *ends) + 0.5 * (p - t).abs().clamp_max(1.5).mean()


def _ranked(pred_log: Tensor, true_log: Tensor, first: Tensor, second: Tensor) -> Tensor:
    p, t = pred_log.flatten(1), true_log.flatten(1)
    apart = t.gather(1, first) - t.gather(1, second)
    counts = apart.abs() > CLEARLY_APART
    step = (p.gather(1, first) - p.gather(1, second)) * apart.sign()
    return (functional.softplus(-step * 6) / 6 * counts).sum() / counts.sum().clamp_min(1)


def normal_loss(pred: Tensor, true: Tensor) -> Tensor:
    """One minus the cosine, and the absolute error, where the normal is known."""
    known = (true.abs().sum(1, keepdim=True) > 0).float()
    cosine = 1 - (pred * true).sum(1, keepdim=True)
    off = cosine + 0.5 * (pred - true).abs().sum(1, keepdim=True)
    return (off * known).sum() / known.sum().clamp_min(1)


def ground_loss(logit: Tensor, true: Tensor) -> Tensor:
    """Cross entropy where it is known what is ground."""
    known = (true >= 0).float()
    each = functional.binary_cross_entropy_with_logits(
        logit, true.clamp_min(0), reduction="none"
    )
    return (each * known).sum() / known.sum().clamp_min(1)


def depth_loss(
    answer: Answer, truth: Truth, weights: Weights, generator: torch.Generator
) -> tuple[Tensor, dict[str, float]]:
    """The weighted sum and its parts."""
    pred, true = answer.disparity, truth.disparity
    pred_log, true_log = torch.log(pred + SOFT), torch.log(true + SOFT)
    parts = {
        "affine": affine_loss(pred, true),
        "log": (pred_log - true_log).abs().mean(),
        "outline": outline_loss(pred_log, true_log),
        "order": order_loss(pred_log, true_log, generator),
        "across": across_loss(pred_log, true_log, generator),
        "sky": functional.binary_cross_entropy_with_logits(answer.sky, (true == 0).float()),
        "normal": normal_loss(answer.normal, truth.normal),
        "ground": ground_loss(answer.ground, truth.ground),
    }
    total = sum(getattr(weights, name) * value for name, value in parts.items())
    return total, {name: float(value.detach()) for name, value in parts.items()}
