"""Which remembered pixel every pixel shows: coordinates and depth of up to five earlier frames.

Two orders are easily confused: remembered frames stand in the window with the best one last,
and in these channels with the best one first. Source: Lyra 2.0 specification, 5.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from lyra_zoom.engines.lyra2.config import FRAMES_PER_LATENT
from lyra_zoom.engines.lyra2.memory import SpatialMemory
from lyra_zoom.engines.lyra2.projection import Cameras
from lyra_zoom.engines.lyra2.rays import canonical_coords, space_to_depth
from lyra_zoom.engines.lyra2.warp import warp_in_groups
from lyra_zoom.engines.lyra2.window import HISTORY, NEW, WINDOW_FRAMES

MEMORY_SLOTS = 5
SLOT_CHANNELS = 256  # of one remembered frame: x, y, slot and depth, 8 by 8 pixels of each
REMEMBERED = slice(HISTORY[1].start, HISTORY[2].positions.stop)
"""Where remembered frames stand in the window."""


def correspondence(
    memory: SpatialMemory,
    retrieved: Sequence[int],
    targets: Cameras,
    dtype: torch.dtype = torch.float32,
) -> Float[Tensor, "D 45 h w"]:
    """For every position of the window; zeros for history in time, where nobody asks.

    `retrieved` are up to five remembered frames, the best last. Rounded to `dtype`.
    """
    depth = memory.posed(0).depth
    coords = canonical_coords(MEMORY_SLOTS, depth.shape[0], depth.shape[1], depth.device)
    slots = _slots_ahead(memory, retrieved, targets, coords)
    h, w = slots[0].shape[-2:]
    channels = MEMORY_SLOTS * SLOT_CHANNELS
    maps = torch.zeros(channels, WINDOW_FRAMES, h, w, dtype=dtype, device=depth.device)
    maps[:, REMEMBERED] = _slots_remembered(coords).to(dtype)
    for place, slot in enumerate(slots):
        first = place * SLOT_CHANNELS
        maps[first : first + SLOT_CHANNELS, NEW.positions] = slot
    return maps


def _slots_ahead(
    memory: SpatialMemory, retrieved: Sequence[int], targets: Cameras, coords: Tensor
) -> list[Float[Tensor, "256 20 h w"]]:
    """What the new frames show of each remembered one, the best first."""
    best_first = list(reversed(retrieved))
    seen = [
        _seen_of(memory, frame, coords[MEMORY_SLOTS - 1 - place], targets)
        for place, frame in enumerate(best_first)
    ]
    empty = _slot(torch.full_like(coords[0], -1.0), 1.0)[:, None]
    h, w = empty.shape[-2:]
    missing = [empty.expand(SLOT_CHANNELS, NEW.frames, h, w)] * (MEMORY_SLOTS - len(seen))
    return [*_packed(seen), *missing]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What the new cameras see of one remembered frame, at the last frame of each latent."""

    coords: Float[Tensor, "20 3 H W"]
    depth: Float[Tensor, "20 H W"]
    nearest: Float[Tensor, ""]  # over all 80 frames
    farthest: Float[Tensor, ""]


def _seen_of(memory: SpatialMemory, frame: int, coords: Tensor, targets: Cameras) -> _Seen:
    last_of_latent = slice(FRAMES_PER_LATENT - 1, None, FRAMES_PER_LATENT)
    planes, depth, nearest, farthest = [], [], [], []
    for warped in warp_in_groups(coords, memory.posed(frame), targets):
        planes.append(warped.planes[last_of_latent])
        depth.append(warped.depth[last_of_latent])
        nearest.append(warped.depth.amin())
        farthest.append(warped.depth.amax())
    return _Seen(
        coords=torch.cat(planes),
        depth=torch.cat(depth),
        nearest=torch.stack(nearest).amin(),
        farthest=torch.stack(farthest).amax(),
    )


def _packed(seen: Sequence[_Seen]) -> list[Float[Tensor, "256 20 h w"]]:
    """Coordinates and depth as channels; depth from -1 to 1 over all of them, holes as 0."""
    if not seen:
        return []
    nearest = torch.stack([each.nearest for each in seen]).amin()
    farthest = torch.stack([each.farthest for each in seen]).amax()
    spread = (farthest - nearest).clamp(min=1e-6)
    packed = []
    for each in seen:
        depth = 2 * (each.depth - nearest) / spread - 1
        planes = torch.cat([each.coords, depth[:, None]], dim=1)
        packed.append(space_to_depth(planes).transpose(0, 1))
    return packed


def _slots_remembered(coords: Float[Tensor, "5 3 H W"]) -> Float[Tensor, "D 5 h w"]:
    """What the remembered frames are told of themselves: their own name in every slot."""
    frames = [
        torch.cat([_slot(own, -1.0), *[_slot(own, 1.0)] * (MEMORY_SLOTS - 1)]) for own in coords
    ]
    return torch.stack(frames, dim=1)


def _slot(coords: Float[Tensor, "3 H W"], depth: float) -> Float[Tensor, "256 h w"]:
    plane = torch.full_like(coords[:1], depth)
    return space_to_depth(torch.cat([coords, plane])[None])[0]
