"""Known points as a new camera sees them: what a depth map of it must agree with."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from lyra_zoom.engines.lyra2.depth import KNOWN_BELOW, KnownDepth
from lyra_zoom.engines.lyra2.projection import project, unproject

APART_PX = 8
CELL_PX = 8
BEHIND = 1.05
"""A point counts as hidden when another in its cell is nearer by more than this factor."""

NEAREST = 1e-3
"""Scene units; nothing nearer is compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenPoints:
    """Points in front of one camera and inside its picture, the hidden ones left out."""

    row: Int64[Tensor, " N"]
    column: Int64[Tensor, " N"]
    depth: Float[Tensor, " N"]

    def of(self, plane: Float[Tensor, "H W"]) -> Float[Tensor, " N"]:
        """The values of a picture under the points."""
        return plane[self.row, self.column]


def settled_points(known: KnownDepth) -> Float[Tensor, "N 3"]:
    """World points of what is known, on the CPU: every eighth pixel of every eighth row."""
    if not known:
        return torch.zeros(0, 3)
    depths = torch.stack([frame.depth[::APART_PX, ::APART_PX] for frame in known]).cpu()
    thinner = torch.tensor([APART_PX, APART_PX, 1.0])[:, None]
    points = []
    for depth, frame in zip(depths, known, strict=True):
        believed = (depth > 0) & (depth < KNOWN_BELOW)
        points.append(unproject(depth, frame.w2c.cpu(), frame.K.cpu() / thinner)[believed])
    return torch.cat(points)


def seen(
    points_world: Float[Tensor, "N 3"],
    w2c: Float[Tensor, "4 4"],
    K: Float[Tensor, "3 3"],
    shape: tuple[int, int],
) -> SeenPoints:
    """What one camera with a picture of `shape` (height, width) sees of points."""
    height, width = shape
    pixels = project(points_world[None], w2c[None], K[None])[0, 0]
    depth = pixels[:, 2]
    safe = depth.clamp(min=NEAREST)
    column, row = (pixels[:, axis].div(safe).round().long() for axis in (0, 1))
    inside = (depth > NEAREST) & (row >= 0) & (row < height) & (column >= 0) & (column < width)
    row, column, depth = row[inside], column[inside], depth[inside]
    cells_across = -(-width // CELL_PX)
    cell = row // CELL_PX * cells_across + column // CELL_PX
    nearest = depth.new_full((-(-height // CELL_PX) * cells_across,), torch.inf)
    nearest = nearest.scatter_reduce(0, cell, depth, "amin")
    front = depth <= BEHIND * nearest[cell]
    return SeenPoints(row=row[front], column=column[front], depth=depth[front])
