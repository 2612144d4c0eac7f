"""What the embedded engine knows of a photograph: depth, camera, sky and ground."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lyra_zoom.engines.embedded.depth import RelativeDepth
from lyra_zoom.engines.embedded.ground import (
    LOOSE,
    TIGHT,
    Ground,
    find_ground,
    lay_flat,
    levelled,
    straighten,
)
from lyra_zoom.engines.embedded.horizon import OPEN_AIR_FLOOR, zero_shift
from lyra_zoom.engines.embedded.refine import photo_sized
from lyra_zoom.engines.embedded.standing import Standing, tell_standing
from lyra_zoom.engines.embedded.structure import Seen, with_structure
from lyra_zoom.engines.engine import Photo
from lyra_zoom.geometry.camera import Intrinsics, centred_intrinsics, focal_from_fov
from lyra_zoom.geometry.depth import subject_depth
from lyra_zoom.geometry.image import Mask, Plane, RgbImage, Size, resize

DEFAULT_FOV_X_RAD = math.radians(60)
SKY_DISPARITY = 0.002  # D / depth given to sky: it stands still, and the kernels see no inf
ESTIMATED_OUTLINE = 1 / 240  # of the height: how far off an estimated outline may lie
TRUE_OUTLINE_PX = 1.0  # as far as pixels mix two surfaces; what is known as well is exact


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedScene:
    """A photograph with its geometry.

    `disparity` is D / depth per pixel of `size`, sky at `SKY_DISPARITY`; `subject_depth` is D,
    so `depth = subject_depth / disparity`. `outline_px` is how far off an outline may be.
    `picture` is the photograph at `size`.
    """

    photo: Photo
    picture: RgbImage
    K: Intrinsics
    disparity: Plane
    sky: Mask
    ground: Ground | None
    subject_depth: float
    outline_px: float

    @property
    def size(self) -> Size:
        """Size of the video."""
        return self.photo.size

    @property
    def is_exact(self) -> bool:
        """Whether depth beside an outline can be taken at its word; an estimate's is noise."""
        return self.outline_px <= TRUE_OUTLINE_PX

    @property
    def depth(self) -> Plane:
        """Depth per pixel, `inf` for sky."""
        depth = self.subject_depth / self.disparity
        return np.where(self.sky, np.inf, depth).astype(np.float32)


def intrinsics_of(photo: Photo) -> Intrinsics:
    """K of the photograph: its own focal length, or a field of view of 60 degrees."""
    focal_px = photo.focal_px or focal_from_fov(DEFAULT_FOV_X_RAD, photo.size)
    return centred_intrinsics(focal_px, photo.size)


def scene_from_relative(photo: Photo, estimate: RelativeDepth) -> EmbeddedScene:
    """The scene behind a relative disparity: in a plausible range, structured, sharpened."""
    picture = resize(photo.texture, photo.size)
    K = intrinsics_of(photo)
    standing = None
    if estimate.ground is not None:
        solid = estimate.sky < 0.5
        standing = tell_standing(estimate.ground, estimate.normal, solid, picture)
    focal_px = float(K[0, 0]) * estimate.disparity.shape[1] / photo.size.width
    seen, farthest = _in_range(estimate, standing, focal_px)
    disparity, sky = photo_sized(with_structure(seen), estimate.sky, picture)
    if seen.ground is not None:
        lies = ~sky
        if standing is not None:
            lies &= resize(standing.level, photo.size) > 0.5
        disparity = lay_flat(disparity, seen.ground, lies)
    disparity = np.where(sky, 0, np.maximum(disparity, farthest / 2)).astype(np.float32)
    outline_px = max(2.0, ESTIMATED_OUTLINE * photo.size.height)
    return _normalised(photo, K, disparity, sky, seen.ground, outline_px)


def _in_range(
    estimate: RelativeDepth, standing: Standing | None, focal_px: float
) -> tuple[Seen, float]:
    """Disparity with a plausible zero over a ground that is a plane, and the least of it."""
    coarse, solid = estimate.disparity, estimate.sky < 0.5
    ground = find_ground(coarse, solid, LOOSE)
    if ground is not None:
        coarse = straighten(coarse, ground, solid)
        ground = levelled(find_ground(coarse, solid, TIGHT) or ground, coarse, solid)
    lies = None if standing is None else standing.ground
    shift = zero_shift(ground, coarse, solid, lies)
    farthest = max(shift, OPEN_AIR_FLOOR)
    shifted = np.where(solid, np.maximum(shift + (1 - shift) * coarse, farthest), coarse)
    seen = Seen(
        disparity=shifted.astype(np.float32),
        solid=solid,
        ground=None if ground is None else _shifted(ground, shift),
        focal_px=focal_px,
        normal=estimate.normal,
        standing=standing,
    )
    return seen, farthest


def scene_from_depth(photo: Photo, depth: Plane, K: Intrinsics) -> EmbeddedScene:
    """The scene for a depth that is known: `(H, W)` at the photo's size, `inf` for sky."""
    sky = ~np.isfinite(depth)
    disparity = np.where(sky, 0, 1 / np.where(sky, 1, depth)).astype(np.float32)
    scale = float(disparity.max())
    ground = find_ground(disparity / scale, ~sky, TIGHT)
    if ground is not None:
        ground = Ground(ground.coefficients * scale)
    return _normalised(photo, K, disparity, sky, ground, TRUE_OUTLINE_PX)


def _normalised(
    photo: Photo,
    K: Intrinsics,
    disparity: Plane,
    sky: Mask,
    ground: Ground | None,
    outline_px: float,
) -> EmbeddedScene:
    """The scene with disparity in units of D / depth, D at the 0.25 quantile of depth."""
    solid = ~sky if not sky.all() else np.ones_like(sky)
    depth = 1 / np.maximum(disparity, 1e-9)
    D = subject_depth(depth.astype(np.float32), solid)
    disparity = np.where(sky, SKY_DISPARITY, np.maximum(disparity * D, SKY_DISPARITY))
    return EmbeddedScene(
        photo=photo,
        picture=resize(photo.texture, photo.size),
        K=K,
        disparity=disparity.astype(np.float32),
        sky=sky,
        ground=None if ground is None else Ground(ground.coefficients * D),
        subject_depth=D,
        outline_px=outline_px,
    )


def _shifted(ground: Ground, shift: float) -> Ground:
    coefficients = ground.coefficients * (1 - shift)
    coefficients[2] += shift
    return Ground(coefficients)
