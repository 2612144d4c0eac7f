"""A picture with depth as other cameras see it: every pixel is splatted where it is seen.

Nearer pixels outweigh farther ones; nothing is decided by a z-buffer. The weights depend on the
farthest point of all views warped together, so a chunk is warped in groups of `GROUP_FRAMES`,
as the network was trained. Source: Lyra 2.0 specification, 5.5.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import avg_pool2d, max_pool2d

from lyra_zoom.engines.lyra2.projection import Cameras, project, unproject

GROUP_FRAMES = 16
FARTHEST = 1e4  # scene units: nothing is farther, and what has no depth lies there
CONTINUITY = 0.05  # how much depth may vary around a pixel, relative to its mean
WINDOW_PX = 5
SHARPNESS = 50.0  # exponent by which the farthest point weighs less than the camera's own
HOLE = -1.0
SPARE_CELLS = 1 << 16  # where what leaves the picture is summed, spread to keep sums short


def sane_depth(depth: Float[Tensor, "*V H W"]) -> Float[Tensor, "*V H W"]:
    """Depth within 0 and `FARTHEST`; what is no number lies farthest."""
    return depth.float().nan_to_num(nan=FARTHEST).clamp(0.0, FARTHEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class PosedDepth:
    """Depth of a picture in scene units, made sane, and the camera that took it."""

    depth: Float[Tensor, "H W"]
    w2c: Float[Tensor, "4 4"]
    K: Float[Tensor, "3 3"]

    def __post_init__(self) -> None:
        object.__setattr__(self, "depth", sane_depth(self.depth))


@dataclass(frozen=True, slots=True, kw_only=True)
class Warped:
    """What other cameras see of a picture."""

    planes: Float[Tensor, "V C H W"]  # within [-1, 1]; holes are -1
    depth: Float[Tensor, "V H W"]  # as the new camera measures it; holes are 0
    seen: Bool[Tensor, "V H W"]


def reliable_mask(
    depth: Float[Tensor, "H W"], threshold: float = CONTINUITY
) -> Bool[Tensor, "H W"]:
    """Pixels with depth that is continuous around them, and so no blur between two surfaces."""
    planes = depth[None, None]
    pad = WINDOW_PX // 2
    highest = max_pool2d(planes, WINDOW_PX, stride=1, padding=pad)
    lowest = -max_pool2d(-planes, WINDOW_PX, stride=1, padding=pad)
    mean = avg_pool2d(planes, WINDOW_PX, stride=1, padding=pad)
    return ((highest - lowest) / (mean + 1e-6) < threshold)[0, 0] & (depth > 0)


def forward_warp(
    planes: Float[Tensor, "C H W"], source: PosedDepth, targets: Cameras, *, clean: bool = True
) -> Warped:
    """The planes as all targets see them, weighed together; `clean` leaves out torn edges."""
    depth = source.depth
    valid = reliable_mask(depth) if clean else depth > 0
    points_world = unproject(depth * valid, source.w2c, source.K)
    homogeneous = project(points_world, targets.w2c, targets.K)
    z = homogeneous[..., 2]
    pixels = homogeneous[..., :2] / (z[..., None] + 1e-7)
    weight = _nearness(z) * (valid & (z > 0))
    sums = _splat(planes, z, pixels, weight)
    total = sums[..., -1]
    seen = total > 0
    mean = sums[..., :-1] / torch.where(seen, total, 1.0)[..., None]
    colour = torch.where(seen[..., None], mean[..., :-1].clamp(-1.0, 1.0), HOLE)
    return Warped(
        planes=colour.permute(0, 3, 1, 2),
        depth=torch.where(seen, mean[..., -1], 0.0),
        seen=seen,
    )


def warp_in_groups(
    planes: Float[Tensor, "C H W"], source: PosedDepth, targets: Cameras
) -> Iterator[Warped]:
    """`forward_warp` to the targets in groups of consecutive frames, group by group."""
    targets = targets.on(source.depth.device)  # once: each small copy makes the device wait
    for first in range(0, len(targets), GROUP_FRAMES):
        yield forward_warp(planes, source, targets[first : first + GROUP_FRAMES])


def _nearness(z: Float[Tensor, "V H W"]) -> Float[Tensor, "V H W"]:
    """Weight of a point by its depth, relative to the farthest of all views."""
    log_depth = torch.log1p(z.clamp(min=0.0))
    return 1.0 / (torch.exp(SHARPNESS * log_depth / (log_depth.max() + 1e-7)) + 1e-7)


def _splat(
    planes: Float[Tensor, "C H W"],
    z: Float[Tensor, "V H W"],
    pixels: Float[Tensor, "V H W 2"],
    weight: Float[Tensor, "V H W"],
) -> Float[Tensor, "V H W D"]:
    """Weighted sums of the planes, of z, and of the weight, over the four nearest pixels.

    A coordinate that is an integer is its own floor and ceiling and counts twice. Columns and
    rows are counted from 1, because that is where the reference rounds.
    """
    views, height, width = z.shape
    x = (pixels[..., 0] + 1.0).clamp(-1.0, width + 2.0)
    y = (pixels[..., 1] + 1.0).clamp(-1.0, height + 2.0)
    values = torch.cat(
        [
            planes.permute(1, 2, 0).expand(views, height, width, -1),
            z[..., None],
            torch.ones_like(z)[..., None],
        ],
        dim=-1,
    )
    view = torch.arange(views, device=z.device)[:, None, None]
    spare = torch.arange(z.numel(), device=z.device).view_as(z) % SPARE_CELLS
    cells = views * height * width
    sums = values.new_zeros(cells + SPARE_CELLS, values.shape[-1])
    for row in (y.floor(), y.ceil()):
        for column in (x.floor(), x.ceil()):
            inside = (column > 0) & (column <= width) & (row > 0) & (row <= height)
            share = weight * (1 - (x - column).abs()) * (1 - (y - row).abs()) * inside
            cell = (view * height + row.long() - 1) * width + column.long() - 1
            cell = torch.where(inside, cell, cells + spare)
            _add(sums, cell.flatten(), (values * share[..., None]).flatten(0, -2))
    return sums[:cells].view(views, height, width, -1)


def _add(sums: Float[Tensor, "N D"], cell: Tensor, values: Float[Tensor, "M D"]) -> None:
    """Add every row of values to its cell, always in the same order, so that bits repeat.

    On CUDA `index_put_` sorts and `scatter_add_` races; on the CPU it is the other way round.
    """
    if sums.is_cuda:
        sums.index_put_((cell,), values, accumulate=True)
    else:
        sums.scatter_add_(0, cell[:, None].expand_as(values), values)
