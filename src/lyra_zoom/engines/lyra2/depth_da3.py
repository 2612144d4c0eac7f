"""Depth Anything 3, as the reference uses it: one network for one picture and for many.

The network itself is the operator's choice and is not installed with this program: the package
`depth-anything-3` and weights of his. Those the reference was made with, nested-giant-large,
are CC BY-NC 4.0: no commercial use. Several pictures are given with their cameras; the network
answers in units of its own, which the positions it saw the cameras at translate into ours.

The reference runs a fork that reorders the views and their camera tokens together. Attention
treats views as a set, so this equals not reordering at all, which is what is asked for here
("first") and what the package does by itself since 0.1.1 when cameras are given. That was
concluded from the package's code, not measured against the fork.
Source: Lyra 2.0 specification, 1.3 and 5.7.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from lyra_zoom.engines.lyra2.depth import (
    FirstDepth,
    KnownDepth,
    NewFrames,
    believed,
    resized,
)
from lyra_zoom.engines.lyra2.depth_points import NEAREST, seen, settled_points
from lyra_zoom.engines.lyra2.depth_sim3 import Positions, robust_similarity, spread
from lyra_zoom.engines.lyra2.projection import Cameras, c2w_of
from lyra_zoom.engines.lyra2.warp import FARTHEST, sane_depth

PATCH_PX = 14
COLOUR_MEAN = (0.485, 0.456, 0.406)
COLOUR_STD = (0.229, 0.224, 0.225)
"""Of the colours, 0 to 1, of ImageNet."""

COINCIDENT = 1e-10
"""Summed variance of camera positions below which all are one: the network shall not divide."""

APART = 1e-6
"""Scene units by which coincident cameras are moved apart."""

LEAST_SPREAD = 1e-3
"""Share of the depth before the cameras over which they must spread to tell the scale."""

LEAST_MEDIAN_DISTANCE = 0.1
"""The network is given cameras at a median distance of 1, but never enlarged more than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What the network says of pictures: depth and cameras, in units of its own."""

    depth: Float[Tensor, "V h w"]
    w2c: Float[Tensor, "V 4 4"]
    K: Float[Tensor, "V 3 3"]


class PosedNetwork(Protocol):
    """A depth network for any number of pictures, with or without their cameras."""

    def __call__(
        self, pictures: Float[Tensor, "V 3 h w"], cameras: Cameras | None
    ) -> Sighting | None:
        """Depth of pictures with ImageNet's colours and sides that are multiples of 14.

        None where it sees next to nothing but sky: it knows neither depth nor cameras then.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthAnything3:
    """The depth port, on a network of that family."""

    network: PosedNetwork

    def first(self, image: Float[Tensor, "3 H W"]) -> FirstDepth:
        """Depth and camera of the photograph; metres, if the network knows them.

        Where all is sky, nothing of it is believed and the camera is not told.
        """
        height, width = image.shape[1:]
        sighting = self.network(pictures_for_network(image[None]), None)
        if sighting is None:
            return believed(torch.full((height, width), FARTHEST))
        depth = resized(sighting.depth.float(), height, width)[0]
        K = _scaled(sighting.K[0].float(), _shape(sighting.depth), (height, width))
        return believed(depth.cpu(), K.cpu())

    def update(self, new: NewFrames) -> Float[Tensor, "V H W"]:
        """Depth of frames in the units of their cameras, which are taken as they are.

        Where the cameras stand still, the reference's scale is a quotient of rounding errors;
        there the known depth decides instead. Sky alone lies as far away as anything can.
        """
        pictures = pictures_for_network(new.frames)
        cameras = Cameras(w2c=_moved_apart(new.cameras.w2c), K=new.cameras.K)
        sighting = self.network(pictures, _for_network(cameras, new.shape, pictures))
        if sighting is None:
            return torch.full((len(new.frames), *new.shape), FARTHEST)
        depth = resized(sighting.depth.float().cpu(), *new.shape)
        given, found = _positions(cameras.w2c), _positions(sighting.w2c.cpu().float())
        compared = _ratios(sane_depth(depth), cameras, new.known)
        return sane_depth(depth * _units_per_sighted(given, found, compared))


def pictures_for_network(frames: Float[Tensor, "V 3 H W"]) -> Float[Tensor, "V 3 h w"]:
    """Frames within [-1, 1] as the network was trained to see them, sides multiples of 14."""
    pictures = np.stack([_fitted(frame) for frame in eight_bits(frames)])
    colours = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
    mean, std = (colours.new_tensor(v)[:, None, None] for v in (COLOUR_MEAN, COLOUR_STD))
    return (colours - mean) / std


def eight_bits(frames: Float[Tensor, "V 3 H W"]) -> UInt8[np.ndarray, "V H W 3"]:
    """Frames within [-1, 1] as bytes, halves rounded up; what lies outside is clamped."""
    levels = (frames.clamp(-1, 1).float() + 1) * 127.5 + 0.5
    return levels.to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()


def _fitted(picture: UInt8[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "h w 3"]:
    """The picture with each side stretched to the nearest multiple of the patch."""
    height, width = picture.shape[:2]
    size = _whole_patches(width), _whole_patches(height)
    grows = size[0] > width or size[1] > height
    return cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC if grows else cv2.INTER_AREA)


def _whole_patches(length_px: int) -> int:
    """The nearest multiple of the patch, the larger one of two."""
    return max(1, (length_px + PATCH_PX // 2) // PATCH_PX) * PATCH_PX


def _shape(planes: Tensor) -> tuple[int, int]:
    """Height and width."""
    return planes.shape[-2], planes.shape[-1]


def _scaled(K: Tensor, old: tuple[int, int], new: tuple[int, int]) -> Tensor:
    """K of pictures after a resize from and to (height, width)."""
    factors = K.new_tensor([new[1] / old[1], new[0] / old[0], 1.0])
    return K * factors[:, None]


def _for_network(cameras: Cameras, shape: tuple[int, int], pictures: Tensor) -> Cameras:
    """The cameras as seen from the first one, about a unit apart, for the smaller pictures."""
    w2c = cameras.w2c @ c2w_of(cameras.w2c[:1])
    distance = c2w_of(w2c)[:, :3, 3].norm(dim=-1).median().clamp(min=LEAST_MEDIAN_DISTANCE)
    w2c[:, :3, 3] /= distance
    return Cameras(w2c=w2c, K=_scaled(cameras.K, shape, _shape(pictures)))


def _moved_apart(w2c: Tensor) -> Tensor:
    """The cameras, a millionth apart where all stand in one place."""
    if float(c2w_of(w2c)[:, :3, 3].var(dim=0, correction=0).sum()) >= COINCIDENT:
        return w2c
    turn = torch.arange(len(w2c), dtype=w2c.dtype)
    moved = w2c.clone()
    moved[:, :3, 3] += APART * torch.stack([turn.sin(), turn.cos(), (2 * turn).sin()], dim=-1)
    return moved


def _positions(w2c: Tensor) -> Positions:
    return c2w_of(w2c)[:, :3, 3].double().numpy()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compared:
    """Depth that is known, in our units, against what the network said of the same points."""

    before: float  # median known depth; 0 where nothing known is in view
    factor: float  # median of known depth over sighted depth


def _ratios(depth: Tensor, cameras: Cameras, known: KnownDepth) -> _Compared:
    settled = settled_points(known)
    ours, theirs = [], []
    for plane, w2c, K in zip(depth, cameras.w2c, cameras.K, strict=True):
        points = seen(settled, w2c, K, _shape(plane))
        ours.append(points.depth)
        theirs.append(points.of(plane).clamp(min=NEAREST))
    before, sighted = torch.cat(ours), torch.cat(theirs)
    if not len(before):
        return _Compared(before=0.0, factor=1.0)
    return _Compared(before=float(before.median()), factor=float((before / sighted).median()))


def _units_per_sighted(given: Positions, found: Positions, compared: _Compared) -> float:
    """What one unit of the network's is in ours."""
    if spread(given) < LEAST_SPREAD * compared.before or spread(given) < 2 * APART:
        return compared.factor
    scale = robust_similarity(given, found).scale
    return 1.0 / scale if np.isfinite(scale) and scale > 0 else compared.factor
