"""What cameras really see of a photographed place: other views, what they share, true flow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from lyra_zoom.engines.engine import Photo
from lyra_zoom.geometry.camera import Intrinsics, Pixels, pixel_centres, project, unproject
from lyra_zoom.geometry.image import Mask, Plane, RgbImage, Size
from lyra_zoom.geometry.rigid import Points, Rigid, invert_rigid

FAR = 1e5  # scene units: where sky is put, so that it can be projected
SKY_SHARE = 0.1  # of FAR: beyond it is sky, whichever way a camera is turned
SAME_DEPTH = 0.02  # relative: a point this near to the depth seen there is the point seen


@dataclass(frozen=True, slots=True)
class Sight:
    """What a camera really sees: colours, and depth with `inf` for sky."""

    rgb: RgbImage
    depth: Plane


class Truth(Protocol):
    """Somebody who knows a place; the world frame is its photograph's camera."""

    def sight(self, w2c: Rigid, K: Intrinsics) -> Sight | None:
        """What that camera sees; None where this is not known."""
        ...

    def way_is_free(self, w2c: Rigid) -> bool:
        """Whether nothing stands between the photograph's camera and this one."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A photographed place: everything a method is given, and the truth behind it.

    The world frame is the photograph's camera. `depth` is at `photo.size`, `K` is for it, and
    `picture` is the photograph at that size. `family` says what kind of place it is.
    """

    seed: int
    family: str
    truth: Truth
    photo: Photo
    picture: RgbImage
    depth: Plane
    K: Intrinsics
    subject_depth: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueView:
    """What a camera really sees, and where each pixel's world point is in the photograph.

    `seen` is visible there, `hidden` behind something, `outside` beyond its borders.
    """

    w2c: Rigid
    K: Intrinsics
    rgb: RgbImage
    depth: Plane
    seen: Mask
    hidden: Mask
    outside: Mask


def true_view(subject: Subject, w2c: Rigid, K: Intrinsics) -> TrueView | None:
    """The place from another camera; None where nobody knows."""
    sight = subject.truth.sight(w2c, K)
    if sight is None:
        return None
    there = project(world_points(sight.depth, w2c, K), np.eye(4), subject.K)
    inside = _inside(there, subject.photo.size)
    seen = inside & _is_seen(there, subject.depth)
    return TrueView(
        w2c=w2c,
        K=K,
        rgb=sight.rgb,
        depth=sight.depth,
        seen=seen,
        hidden=inside & ~seen,
        outside=~inside,
    )


def world_points(depth: Plane, w2c: Rigid, K: Intrinsics) -> Points:
    """The world point under each pixel's centre; sky lies at `FAR`."""
    finite = np.where(np.isfinite(depth), depth, FAR).astype(np.float64)
    points_cam = unproject(pixel_centres(Size.of(depth)), finite, K)
    c2w = invert_rigid(w2c)
    return points_cam @ c2w[:3, :3].T + c2w[:3, 3]


def flow_between(view: TrueView, other: TrueView) -> tuple[Pixels, Mask]:
    """Where each pixel of `view` lies in `other`, and which of them are seen there."""
    there = project(world_points(view.depth, view.w2c, view.K), other.w2c, other.K)
    inside = _inside(there, Size.of(view.depth))
    return there[..., :2], inside & _is_seen(there, other.depth)


def _inside(there: Points, size: Size) -> Mask:
    x, y, z = there[..., 0], there[..., 1], there[..., 2]
    return (z > 0) & (x >= 0) & (x < size.width) & (y >= 0) & (y < size.height)


def _is_seen(there: Points, depth: Plane) -> Mask:
    """Whether projected points lie within the range of depth around the pixel they fall on."""
    solid = np.where(np.isfinite(depth), depth, FAR).astype(np.float32)
    square = np.ones((3, 3), np.uint8)
    low, high = cv2.erode(solid, square), cv2.dilate(solid, square)
    height, width = depth.shape
    column = np.clip(np.nan_to_num(there[..., 0]), 0, width - 1).astype(int)
    row = np.clip(np.nan_to_num(there[..., 1]), 0, height - 1).astype(int)
    z = np.where(there[..., 2] > SKY_SHARE * FAR, FAR, there[..., 2])
    return (z > low[row, column] * (1 - SAME_DEPTH)) & (
        z < high[row, column] * (1 + SAME_DEPTH)
    )
