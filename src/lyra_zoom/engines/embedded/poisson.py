"""A map from its slopes: the one that comes closest to them, each link as it weighs."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float64

ROUNDS = 40  # at most, of a map that is to be good
SMALL_ENOUGH = 1e-3  # of the first residual: then the map is as good as exact


@dataclass(frozen=True, slots=True)
class Slopes:
    """One number per link: `across` from a pixel to its right one, `down` to its lower."""

    across: Float64[np.ndarray, "h w1"]
    down: Float64[np.ndarray, "h1 w"]


def slopes_of(values: Float64[np.ndarray, "h w"]) -> Slopes:
    """Differences between neighbours."""
    return Slopes(np.diff(values, axis=1), np.diff(values, axis=0))


def put_together(
    wanted: Slopes,
    weight: Slopes,
    values: Float64[np.ndarray, "h w"],
    pull: Float64[np.ndarray, "h w"],
    start: Float64[np.ndarray, "h w"],
    rounds: int = ROUNDS,
) -> Float64[np.ndarray, "h w"]:
    """The map with the wanted slopes, by least squares, pulled to `values` as much as `pull`.

    Both sides even. At most `rounds` of conjugate gradients from `start`, preconditioned by the
    cosine transform that solves the same with even weights (Bhat, Curless, Cohen and Zitnick,
    2008).
    """
    height, width = values.shape
    wave_x = 2 - 2 * np.cos(np.pi * np.arange(width) / width)
    wave_y = 2 - 2 * np.cos(np.pi * np.arange(height) / height)[:, None]
    mean = float(weight.across.mean() + weight.down.mean()) / 2
    spectrum = (mean * (wave_x + wave_y) + float(pull.mean())).astype(np.float32)

    def evenly(residual: np.ndarray) -> np.ndarray:
        return cv2.idct(cv2.dct(residual.astype(np.float32)) / spectrum).astype(np.float64)

    result = start.copy()
    own = slopes_of(start)
    residual = _gathered(
        Slopes(
            weight.across * (wanted.across - own.across), weight.down * (wanted.down - own.down)
        )
    ) + pull * (values - start)
    way = step = evenly(residual)
    strength = first = float((residual * step).sum())
    for _ in range(rounds):
        if strength <= SMALL_ENOUGH**2 * first:
            break
        bent = slopes_of(way)
        moved = pull * way + _gathered(
            Slopes(weight.across * bent.across, weight.down * bent.down)
        )
        length = strength / float((way * moved).sum())
        result += length * way
        residual = residual - length * moved
        step = evenly(residual)
        before, strength = strength, float((residual * step).sum())
        way = step + strength / before * way
    return result


def _gathered(flow: Slopes) -> np.ndarray:
    """What flows into each pixel less what flows out: the adjoint of `slopes_of`."""
    height, width = flow.across.shape[0], flow.down.shape[1]
    total = np.zeros((height, width))
    total[:, 1:] += flow.across
    total[:, :-1] -= flow.across
    total[1:] += flow.down
    total[:-1] -= flow.down
    return total
