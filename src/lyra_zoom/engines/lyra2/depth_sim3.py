"""Rotation, shift and scale between two sets of camera positions (Umeyama, 1991, eq. 40-43).

Used for the scale between cameras as a depth network saw them and as they were given to it. It
was compared once with that of the package `depth-anything-3` 0.1.1: the same to 15 digits; only
that the package gives up on cameras on a perfect line, such as those of a plain zoom.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Float64

Positions: TypeAlias = Float64[np.ndarray, "V 3"]

SEVERAL_VIEWS = 10
"""From so many views on, some may be wrong without spoiling the result."""

ROUNDS = 10
SEED = 42


@dataclass(frozen=True, slots=True, kw_only=True)
class Similarity:
    """target = scale * rotation @ source + shift."""

    rotation: Float64[np.ndarray, "3 3"]
    shift: Float64[np.ndarray, 3]
    scale: float

    def of(self, positions: Positions) -> Positions:
        """The positions moved, turned and scaled."""
        return self.scale * positions @ self.rotation.T + self.shift


def spread(positions: Positions) -> float:
    """Root of the summed variance of positions: 0 where all coincide."""
    return float(np.sqrt(positions.var(axis=0).sum()))


def similarity(source: Positions, target: Positions) -> Similarity:
    """The similarity that brings `source` nearest to `target`, in the least-squares sense.

    Positions on one line leave the turn about it open; the scale is sound even then. The
    scale is 0 where all of `target` coincides, and infinite where all of `source` does.
    """
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    covariance = (target - target_mean).T @ (source - source_mean) / len(source)
    U, values, Vt = np.linalg.svd(covariance)
    signs = np.array([1.0, 1.0, 1.0 if np.linalg.det(U) * np.linalg.det(Vt) > 0 else -1.0])
    variance = float(source.var(axis=0).sum())
    scale = float(values @ signs) / variance if variance > 0 else np.inf
    rotation = (U * signs) @ Vt
    with np.errstate(invalid="ignore"):
        shift = target_mean - scale * rotation @ source_mean
    return Similarity(rotation=rotation, shift=shift, scale=scale)


def robust_similarity(source: Positions, target: Positions) -> Similarity:
    """`similarity`, of the views that agree with each other where there are several.

    Draws half of the views ten times, keeps the draw that most views agree with, and fits all
    of those. A view agrees when it is no farther off than the median distance, after a first
    fit of all, to the nearest target. Same views, same result.
    """
    everything = similarity(source, target)
    if len(source) < SEVERAL_VIEWS:
        return everything
    gaps = np.linalg.norm(everything.of(source)[:, None] - target[None], axis=-1)
    tolerance = float(np.median(gaps.min(axis=1)))
    generator = np.random.default_rng(SEED)
    best = (0, -np.inf, np.zeros(len(source), bool))
    for _ in range(ROUNDS):
        drawn = generator.choice(len(source), size=(len(source) + 1) // 2, replace=False)
        errors = np.linalg.norm(
            similarity(source[drawn], target[drawn]).of(source) - target, axis=1
        )
        agree = errors <= tolerance
        if agree.any():
            best = max(
                best, (int(agree.sum()), -float(errors[agree].mean()), agree), key=_score
            )
    agree = best[2]
    return similarity(source[agree], target[agree]) if agree.sum() >= 3 else everything


def _score(candidate: tuple[int, float, np.ndarray]) -> tuple[int, float]:
    return candidate[:2]
