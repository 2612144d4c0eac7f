"""The ground under the photograph, as a plane: found, straightened, and laid flat.

A plane in space is an affine function of the pixel in disparity. A network's ground is bent;
since scale and shift do not bend it, what is bent is the network's answer, and the whole map is
bent back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from lyra_zoom.geometry.image import Mask, Plane

LOWER_PART = 0.55  # ground is looked for below this share of the height
DRAWS = 400
LOOSE, TIGHT = 0.07, 0.03  # disparity, of a range of 1
LEAST_SHARE = 0.3  # of the lower part that must lie on a plane before it is called ground
LEAST_SLOPE = 0.2  # disparity gained from top to bottom of the picture
MOST_ROLL = 0.4  # of the slope downwards: a ground tilted sideways by more is a wall
ROLL_COUNTS = 0.3  # against a plane, per roll: cameras are held level
BELOW_COUNTS = 0.3
LEAST_SAMPLES = 200
STILL_HELD = 0.8  # of what lies on a rolled ground: a level one that holds as much is preferred
KNOTS = 7


@dataclass(frozen=True, slots=True)
class Ground:
    """Disparity of the ground: `a x + b y + c`, x and y in shares of width and height."""

    coefficients: Float64[np.ndarray, 3]

    def disparity(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Disparity at positions 0 to 1 inside the picture; negative above the horizon."""
        a, b, c = self.coefficients
        return a * x + b * y + c


def find_ground(disparity: Plane, solid: Mask, tolerance: float) -> Ground | None:
    """The plane that most of the lower part lies on (RANSAC, fixed draws), or None.

    No surface can be seen below the ground, so what is farther than a plane speaks against it.
    """
    x, y, d = _lower_samples(disparity, solid)
    if len(d) < LEAST_SAMPLES:
        return None
    design = np.stack([x, y, np.ones_like(x)], 1)
    planes = _drawn_planes(design, d)
    if len(planes) == 0:
        return None
    single = np.float32
    residual = d.astype(single)[:, None] - design.astype(single) @ planes.T.astype(single)
    on_plane = (np.abs(residual) < tolerance).mean(0)
    roll = np.abs(planes[:, 0] / planes[:, 1])
    score = on_plane - BELOW_COUNTS * (residual < -2 * tolerance).mean(0) - ROLL_COUNTS * roll
    best = planes[np.argmax(score)]
    if score.max() < LEAST_SHARE:
        return None
    for _ in range(3):
        near = np.abs(d - design @ best) < tolerance
        best = np.linalg.lstsq(design[near], d[near], rcond=None)[0]
    return Ground(best) if best[1] >= LEAST_SLOPE else None


def levelled(ground: Ground, disparity: Plane, solid: Mask) -> Ground:
    """The same ground without roll, where that holds nearly as much of what lies on it.

    Cameras are held level; a network's ground often rises to one side.
    """
    x, y, d = _lower_samples(disparity, solid)
    member = np.abs(d - ground.disparity(x, y)) < LOOSE
    if member.sum() < LEAST_SAMPLES:
        return ground
    design = np.stack([y[member], np.ones(int(member.sum()))], 1)
    slope, offset = np.linalg.lstsq(design, d[member], rcond=None)[0]
    level = Ground(np.array([0.0, slope, offset]))
    held = np.abs(d - level.disparity(x, y)) < LOOSE
    return level if slope >= LEAST_SLOPE and held.sum() > STILL_HELD * member.sum() else ground


def _drawn_planes(design: np.ndarray, d: np.ndarray) -> np.ndarray:
    """Planes through three samples each, `(n, 3)`, those that could be a ground."""
    pick = np.random.default_rng(0).integers(0, len(d), (DRAWS, 3))
    matrices = design[pick]
    apart = np.abs(np.linalg.det(matrices)) > 1e-3
    planes = np.linalg.solve(matrices[apart], d[pick[apart]][..., None])[..., 0]
    return planes[
        (planes[:, 1] > LEAST_SLOPE) & (np.abs(planes[:, 0]) < MOST_ROLL * planes[:, 1])
    ]


def straighten(disparity: Plane, ground: Ground, solid: Mask) -> Plane:
    """The map bent, by one rising curve for all pixels, so that the ground becomes a plane."""
    x, y, d = _lower_samples(disparity, solid)
    plane = ground.disparity(x, y)
    near = np.abs(d - plane) < LOOSE
    low, high = np.quantile(d[near], [0.03, 0.97])
    if high - low < 0.15:
        return disparity
    knots = np.linspace(low, high, KNOTS)
    half = (knots[1] - knots[0]) * 0.75
    values = []
    for knot in knots:
        member = near & (np.abs(d - knot) < half)
        values.append(float(np.median(plane[member] - d[member])) if member.sum() > 30 else 0.0)
    target = np.maximum.accumulate(knots + np.array(values) + 1e-4 * np.arange(KNOTS))
    bent = np.interp(disparity, knots, target)
    below, above = disparity < knots[0], disparity > knots[-1]
    bent[below] = disparity[below] * target[0] / max(knots[0], 1e-3)
    bent[above] = disparity[above] + target[-1] - knots[-1]
    return bent.astype(np.float32)


def lay_flat(disparity: Plane, ground: Ground, solid: Mask) -> Plane:
    """What lies close to the ground is put on it; what stands clear of it stays."""
    height, width = disparity.shape
    x = (np.arange(width) + 0.5) / width
    y = (np.arange(height) + 0.5)[:, None] / height
    plane = ground.disparity(x[None], y).astype(np.float32)
    residual = disparity - plane
    t = np.clip(np.abs(residual) / (2 * TIGHT), 0, 1)
    kept = residual * (t * t * (3 - 2 * t))
    return np.where(solid & (plane > 0), plane + kept, disparity).astype(np.float32)


def _lower_samples(disparity: Plane, solid: Mask) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    height, width = disparity.shape
    step = max(1, height // 90)
    rows = np.arange(int(height * LOWER_PART), height, step)
    columns = np.arange(step // 2, width, step)
    yy, xx = np.meshgrid(rows, columns, indexing="ij")
    keep = solid[yy, xx]
    x, y = (xx[keep] + 0.5) / width, (yy[keep] + 0.5) / height
    return x, y, disparity[yy, xx][keep].astype(np.float64)
