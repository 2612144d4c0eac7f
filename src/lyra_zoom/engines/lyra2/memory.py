"""The spatial memory: depth of earlier frames, and which of them show what a camera will see.

Source: Lyra 2.0 specification, 5.4. Frames are chosen greedily: each next one is that which
covers most of the picture that is not covered yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from lyra_zoom.engines.lyra2.projection import Cameras, project, unproject
from lyra_zoom.engines.lyra2.warp import PosedDepth

COARSER = 4  # points are kept for every fourth pixel of every fourth row
DEPTH_SLACK = 0.1  # scene units behind the nearest point that still count as seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """One earlier frame: its depth and camera, and some of its pixels as points."""

    frame: int
    posed: PosedDepth
    points_world: Float[Tensor, "h w 3"]


class SpatialMemory:
    """Earlier frames in the order in which they were added."""

    def __init__(self) -> None:
        self._entries: dict[int, Remembered] = {}

    def __contains__(self, frame: int) -> bool:
        return frame in self._entries

    @property
    def frames(self) -> tuple[int, ...]:
        """Places on the path of what is remembered."""
        return tuple(self._entries)

    def add(self, frame: int, posed: PosedDepth) -> None:
        """Remember a frame; pixels without depth become points at the world's origin."""
        depth = posed.depth[::COARSER, ::COARSER]
        points = unproject(depth, posed.w2c, _coarse(posed.K))
        self._entries[frame] = Remembered(frame=frame, posed=posed, points_world=points)

    def posed(self, frame: int) -> PosedDepth:
        """Depth and camera of a remembered frame."""
        return self._entries[frame].posed

    def points_world(self, frame: int) -> Float[Tensor, "h w 3"]:
        """The kept points of a remembered frame."""
        return self._entries[frame].points_world

    def retrieve(self, targets: Cameras, most: int) -> list[int]:
        """Up to `most` frames that together show most of what the targets see, the best last.

        The newest frame is left out, and what it shows counts as covered, once there is another
        than the photograph: it is given to the network anyway.
        """
        entries = list(self._entries.values())
        covers = self._covers(entries, targets)
        newest = max(range(len(entries)), key=lambda place: entries[place].frame)
        covered = torch.zeros_like(covers[0])
        if entries[newest].frame > 0:
            covered = covers[newest]
        chosen = [entries[place].frame for place in _greedy(covers, covered, most)]
        return chosen[::-1]

    @staticmethod
    def _covers(entries: Sequence[Remembered], targets: Cameras) -> Bool[Tensor, "N P"]:
        """Which pixels of all targets each entry shows, hidden behind no other entry."""
        nearest = torch.stack([_nearest(entry, targets) for entry in entries])
        return nearest.isfinite() & (nearest <= nearest.amin(dim=0) + DEPTH_SLACK)


def _coarse(K: Float[Tensor, "*V 3 3"]) -> Float[Tensor, "*V 3 3"]:
    """K of the thinned grid; exact, because these pixel centres sit at integers."""
    scale = K.new_tensor([1 / COARSER, 1 / COARSER, 1.0])
    return K * scale[:, None]


def _nearest(entry: Remembered, targets: Cameras) -> Float[Tensor, " P"]:
    """Depth of the entry's nearest point in each pixel of all targets, `inf` where none.

    Stray points at the world's origin count like any other.
    """
    height, width = entry.points_world.shape[:2]
    homogeneous = project(entry.points_world, targets.w2c, _coarse(targets.K))
    z = homogeneous[..., 2]
    in_front = z > 0
    safe = torch.where(in_front, z, 1.0)
    x = (homogeneous[..., 0] / safe).round()
    y = (homogeneous[..., 1] / safe).round()
    seen = in_front & (x >= 0) & (x < width) & (y >= 0) & (y < height)
    view = torch.arange(len(targets), device=z.device)[:, None, None]
    pixel = (view * height + y.clamp(0, height - 1).long()) * width
    pixel = pixel + x.clamp(0, width - 1).long()
    nearest = z.new_full((len(targets) * height * width,), torch.inf)
    return nearest.scatter_reduce_(
        0, pixel.flatten(), torch.where(seen, z, torch.inf).flatten(), "amin"
    )


def _greedy(covers: Bool[Tensor, "N P"], covered: Bool[Tensor, " P"], most: int) -> list[int]:
    """Places of the entries that add most, best first, until none adds anything."""
    best, gains = [], []
    for _ in range(min(most, len(covers))):
        gain = (covers & ~covered).sum(dim=1)
        place = gain.argmax()
        best.append(place)
        gains.append(gain[place])
        covered = covered | covers[place]
    chosen = zip(torch.stack(best).tolist(), torch.stack(gains).tolist(), strict=True)
    return [place for place, gained in chosen if gained > 0]
