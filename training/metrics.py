"""How good a relative depth is, against true disparity: the four numbers we judge by.

A prediction is first fitted to the truth by the best scale and shift of disparity (larger =
nearer); depths are capped at the farthest true depth. Source: docs/decisions/0011.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

PAIRS = 20_000
CLEARLY_APART = 1.1
OUTLINE_LONG_SIDE, OUTLINE_RATIO = 480, 1.15


@dataclass(frozen=True, slots=True)
class Score:
    """Numbers of one picture; the outline ones are nan where the truth is not dense.

    `absrel`: mean relative error of depth. `delta1`: share within 25 %. `ordinal`: share of
    random pairs in the wrong order. `edge_p`, `edge_r`: precision and recall of depth jumps.
    """

    absrel: float
    delta1: float
    ordinal: float
    edge_p: float
    edge_r: float


def fitted(predicted: np.ndarray, true: np.ndarray) -> tuple[float, float]:
    """Scale and shift of the prediction by least squares; a wrong sign earns no credit."""
    spread = predicted - predicted.mean()
    variance = float((spread**2).mean())
    if variance < 1e-18:
        return 0.0, float(true.mean())
    scale = float((spread * (true - true.mean())).mean()) / variance
    if scale <= 0:
        return 0.0, float(true.mean())
    return scale, float(true.mean() - scale * predicted.mean())


def wrong_order(predicted: np.ndarray, true: np.ndarray, rng: np.random.Generator) -> float:
    """Share of random pairs, clearly apart in truth, that the prediction has the other way."""
    first, second = rng.integers(0, len(true), PAIRS), rng.integers(0, len(true), PAIRS)
    ratio = true[first] / true[second]
    apart = np.maximum(ratio, 1 / ratio) > CLEARLY_APART
    difference = (predicted[first] - predicted[second])[apart]
    wrong = np.where(
        np.abs(difference) < 1e-6, 0.5, np.sign(difference) != np.sign(ratio[apart] - 1)
    )
    return float(wrong.mean()) if wrong.size else float("nan")


def jumps(disparity: np.ndarray, window: int) -> np.ndarray:
    """Known pixels in whose window disparities differ by more than `OUTLINE_RATIO`."""
    kernel = np.ones((window, window), np.uint8)
    highest = cv2.dilate(disparity, kernel)
    lowest = cv2.erode(np.where(disparity > 0, disparity, 1e9).astype(np.float32), kernel)
    return (highest > OUTLINE_RATIO * np.maximum(lowest, 1e-9)) & (disparity > 0)


def outlines(predicted: np.ndarray, true: np.ndarray) -> tuple[float, float]:
    """Precision and recall of depth jumps, two pixels of tolerance at 480 pixels."""
    height, width = true.shape
    scale = OUTLINE_LONG_SIDE / max(height, width)
    size = (round(width * scale), round(height * scale))
    truth = cv2.resize(true, size, interpolation=cv2.INTER_NEAREST)
    guess = cv2.resize(predicted, size, interpolation=cv2.INTER_LINEAR) * (truth > 0)
    kernel = np.ones((5, 5), np.uint8)
    known = cv2.dilate((truth <= 0).astype(np.uint8), kernel) == 0
    true_jumps, guessed_jumps = jumps(truth, 3), jumps(guess.astype(np.float32), 5)
    near_true = cv2.dilate(true_jumps.astype(np.uint8), kernel) > 0
    near_guess = cv2.dilate(guessed_jumps.astype(np.uint8), kernel) > 0
    true_jumps, guessed_jumps = true_jumps & known, guessed_jumps & known
    if true_jumps.sum() <= 50:
        return float("nan"), float("nan")
    found = float((true_jumps & near_guess).sum() / true_jumps.sum())
    right = float((guessed_jumps & near_true).sum() / max(1, guessed_jumps.sum()))
    return right, found


def score(predicted: np.ndarray, true: np.ndarray, dense: bool) -> Score:
    """Judge one prediction; pixels of unknown truth are 0 in `true` and do not count."""
    known = true > 0
    p, t = predicted[known].astype(np.float64), true[known].astype(np.float64)
    scale, shift = fitted(p, t)
    farthest = np.percentile(t, 0.5)
    guess, truth = np.maximum(scale * p + shift, farthest), np.maximum(t, farthest)
    ordinal = wrong_order(p, t, np.random.default_rng(7))
    edge_p = edge_r = float("nan")
    if dense:
        aligned = np.maximum(scale * predicted + shift, farthest).astype(np.float32)
        edge_p, edge_r = outlines(aligned, true)
    return Score(
        absrel=float(np.abs(truth / guess - 1).mean()),
        delta1=float((np.maximum(guess / truth, truth / guess) < 1.25).mean()),
        ordinal=ordinal, edge_p=edge_p, edge_r=edge_r,
    )  # fmt: skip
