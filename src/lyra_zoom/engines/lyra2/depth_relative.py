"""Depth from a network that only knows what is nearer than what, brought into scene units.

What this changes against the reference: there one network sees all frames with their cameras
and answers for all of them together. Here each frame is seen alone; its disparity is shifted
and scaled until it agrees with the points that earlier frames have left, and what is still off
is made good place by place (in generated scenes, a third of the error is left after that). So
neighbours may disagree where nothing is known yet, and the photograph's unit and focal length
are guesses: `MetricallyScaled` mends the unit, what the camera noted in the file the other.
Nothing else of the engine is different.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F  # noqa: N812  # its name everywhere
from jaxtyping import Float
from torch import Tensor

from lyra_zoom.engines.lyra2.depth import FirstDepth, NewFrames, believed
from lyra_zoom.engines.lyra2.depth_points import (
    APART_PX,
    NEAREST,
    SeenPoints,
    seen,
    settled_points,
)
from lyra_zoom.engines.lyra2.warp import FARTHEST

NEAREST_QUANTILE = 0.999
DEPTH_RANGE = 30.0
"""How many times farther than the nearest thing of a photograph its farthest lies, at most."""

SUBJECT_QUANTILE = 0.25
SUBJECT_DEPTH = 3.0
"""Scene units at which the subject of a photograph is put: about metres, as in training."""

FEWEST_POINTS = 64
MOST_POINTS = 2000
PAIRS = 256
REFITS = 3
OUTLIER = 2.5
"""Times the usual error, beyond which a point does not count."""

USUAL_PER_MEDIAN = 1.4826
"""Standard deviation over median absolute deviation, for errors of a normal distribution."""

CELLS_ACROSS = 26
SAME_THING = 0.7
"""Natural logarithm of how far off a point may be: a factor of two."""

DOUBT = 0.05
"""Weight of the network's own word; that of points in all nine cells around is 1."""


class RelativeDepth(Protocol):
    """A network that sees one picture at a time."""

    def __call__(self, frame: Float[Tensor, "3 H W"]) -> Float[Tensor, "H W"]:
        """Disparity of a frame within [-1, 1]: any scale and shift, larger is nearer."""


@dataclass(frozen=True, slots=True)
class Line:
    """disparity in scene units = slope * relative disparity + offset."""

    slope: float
    offset: float

    def of(self, relative: Tensor) -> Tensor:
        """Disparity in scene units, never negative, so that depth has no pole."""
        return (self.slope * relative + self.offset).clamp(min=1.0 / FARTHEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignedDepth:
    """The depth port, on any relative network."""

    relative: RelativeDepth

    def first(self, image: Float[Tensor, "3 H W"]) -> FirstDepth:
        """Depth of the photograph with its subject at a usual distance; no guess of K."""
        relative = self.relative(image).float().cpu()
        nearest = float(_quantile(relative, NEAREST_QUANTILE))
        disparity = (relative / max(nearest, 1e-6)).clamp(min=1 / DEPTH_RANGE)
        subject = float(_quantile(1 / disparity, SUBJECT_QUANTILE))
        return believed(SUBJECT_DEPTH / subject / disparity)

    def update(self, new: NewFrames) -> Float[Tensor, "V H W"]:
        """Depth of frames, each made to agree with what is known and in its view.

        A frame that shows next to nothing known is treated as the nearest one that does.
        """
        settled = settled_points(new.known)
        facts = [
            seen(settled, w2c, K, new.shape)
            for w2c, K in zip(new.cameras.w2c, new.cameras.K, strict=True)
        ]
        seen_by = [self.relative(frame).float().cpu() for frame in new.frames]
        lines = [fitted_line(*both) for both in zip(seen_by, facts, strict=True)]
        planes = []
        for place, (relative, points) in enumerate(zip(seen_by, facts, strict=True)):
            line = _nearest(lines, place) or _guess(relative)
            planes.append(bent(1.0 / line.of(relative), points))
        return torch.stack(planes)


def _nearest(lines: Sequence[Line | None], place: int) -> Line | None:
    """The line at this place, else that of the nearest place that has one."""
    found = [other for other, line in enumerate(lines) if line is not None]
    return lines[min(found, key=lambda other: abs(other - place))] if found else None


def fitted_line(relative: Float[Tensor, "H W"], points: SeenPoints) -> Line | None:
    """The line from relative disparity to that of the points, or None when they are too few.

    Up to half of the points may be wrong: hidden by something new, or put there by a wrong
    depth. A line that would turn near into far is none; then only the scale is fitted.
    """
    if len(points.depth) < FEWEST_POINTS:
        return None
    chance = torch.Generator().manual_seed(0)
    chosen = torch.randperm(len(points.depth), generator=chance)[:MOST_POINTS]
    x, y = points.of(relative)[chosen].double(), 1.0 / points.depth[chosen].double()
    slope, offset = _least_median_line(x, y, chance)
    for _ in range(REFITS):
        error = (slope * x + offset - y).abs()
        near = error <= OUTLIER * USUAL_PER_MEDIAN * error.median().clamp(min=1e-9)
        slope, offset = _least_squares_line(x[near], y[near])
    if slope > 0:
        return Line(slope, offset)
    return Line(float((y / x.clamp(min=1e-6)).median()), 0.0)


def _least_median_line(x: Tensor, y: Tensor, chance: torch.Generator) -> tuple[float, float]:
    """Of lines through two points each, that of the least median error (Rousseeuw, 1984)."""
    one, other = torch.randint(len(x), (2, PAIRS), generator=chance)
    run = x[other] - x[one]
    slopes = torch.where(run.abs() > 1e-9, (y[other] - y[one]) / run, 0.0)
    offsets = y[one] - slopes * x[one]
    errors = (slopes[:, None] * x + offsets[:, None] - y).abs().median(dim=1).values
    best = int(errors.argmin())
    return float(slopes[best]), float(offsets[best])


def _least_squares_line(x: Tensor, y: Tensor) -> tuple[float, float]:
    x_mean, y_mean = x.mean(), y.mean()
    variance = ((x - x_mean) ** 2).sum().clamp(min=1e-12)
    slope = ((x - x_mean) * (y - y_mean)).sum() / variance
    return float(slope), float(y_mean - slope * x_mean)


def bent(depth: Float[Tensor, "H W"], points: SeenPoints) -> Float[Tensor, "H W"]:
    """The depth drawn towards the points around each place; unchanged where there are none.

    Points that are off by more than a factor of two lie on something else and are left out.
    """
    height, width = depth.shape
    cell_px = max(APART_PX, -(-width // CELLS_ACROSS))
    rows, columns = -(-height // cell_px), -(-width // cell_px)
    off = (points.depth / points.of(depth).clamp(min=NEAREST)).log()
    same = off.abs() < SAME_THING
    cell = (points.row // cell_px * columns + points.column // cell_px)[same]
    count = torch.zeros(rows * columns).scatter_add(0, cell, torch.ones_like(off[same]))
    mean = torch.zeros(rows * columns).scatter_add(0, cell, off[same]) / count.clamp(min=1)
    told = torch.stack([mean, (count > 0).float()]).reshape(2, 1, rows, columns)
    around = F.avg_pool2d(F.pad(told, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    smooth = around[:1] / (around[1:] + DOUBT)
    whole = (rows * cell_px, columns * cell_px)
    field = F.interpolate(smooth, whole, mode="bilinear", align_corners=False)
    return depth * field[0, 0, :height, :width].exp()


def _guess(relative: Tensor) -> Line:
    """Where nothing is known at all: the middle of the picture's things at a usual distance."""
    return Line(1.0 / (SUBJECT_DEPTH * max(float(relative.median()), 1e-6)), 0.0)


def _quantile(values: Tensor, share: float) -> Tensor:
    """A quantile of any number of values; torch's own stops at 16 million."""
    ordered = values.flatten().sort().values
    return ordered[round(share * (len(ordered) - 1))]
