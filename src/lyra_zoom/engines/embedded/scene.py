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
from lyra_zoom.engines.embedded.refine import photo_sized
from lyra_zoom.engines.embedded.structure import Seen, with_structure
from lyra_zoom.engines.engine import Photo
from lyra_zoom.geometry.camera import Intrinsics, centred_intrinsics, focal_from_fov
from lyra_zoom.geometry.depth import subject_depth
from lyra_zoom.geometry.image import Mask, Plane, RgbImage, Size, resize

DEFAULT_FOV_X_RAD = math.radians(60)
SKY_DISPARITY = 0.002  # D / depth given to sky: it stands still, and the kernels see no inf
OPEN_AIR_FLOOR, INDOOR_FLOOR = 0.03, 0.05  # disparity of the farthest thing; the nearest has 1
ESTIMATED_OUTLINE = 1 / 240  # of the height: how far off an estimated outline may lie
TRUE_OUTLINE_PX = 1.0  # as far as pixels mix two surfaces
LEAST_SKY = 0.02  # share of the picture: less is no sky to speak of
SKY_IN_ROW = 0.05  # of a row of the picture: as much shows sky, less may be a mistake
LOWEST_HORIZON = 0.6  # of the height: sky that reaches lower is a mistake
MOST_TAKEN = 0.25  # of the range of disparity that a sky can prove to be no distance at all
USUAL_HORIZON = 0.42  # share of the height at which photographs have their horizon


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
    coarse = estimate.disparity
    solid = estimate.sky < 0.5
    ground = find_ground(coarse, solid, LOOSE)
    if ground is not None:
        coarse = straighten(coarse, ground, solid)
        ground = levelled(find_ground(coarse, solid, TIGHT) or ground, coarse, solid)
    shift = _shift(ground, solid)
    farthest = max(shift, OPEN_AIR_FLOOR)
    coarse = np.where(solid, np.maximum(shift + (1 - shift) * coarse, farthest), coarse)
    coarse = coarse.astype(np.float32)
    ground = None if ground is None else _shifted(ground, shift)
    seen = Seen(
        disparity=coarse,
        solid=solid,
        ground=ground,
        focal_px=float(K[0, 0]) * coarse.shape[1] / photo.size.width,
        normal=estimate.normal,
        ground_likeness=estimate.ground,
    )
    disparity, sky = photo_sized(with_structure(seen), estimate.sky, picture)
    if ground is not None:
        disparity = lay_flat(disparity, ground, ~sky)
    disparity = np.where(sky, 0, np.maximum(disparity, farthest / 2)).astype(np.float32)
    outline_px = max(2.0, ESTIMATED_OUTLINE * photo.size.height)
    return _normalised(photo, K, disparity, sky, ground, outline_px)


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


def _shift(ground: Ground | None, solid: Mask) -> float:
    """What is added to disparity so that the ground ends where it should.

    Nothing of the sky can be seen below the horizon of the ground. Where the ground ends
    lower than that, the farthest thing is taken to have some disparity.
    """
    sky_share = 1 - float(solid.mean())
    usual = OPEN_AIR_FLOOR if sky_share > LEAST_SKY else INDOOR_FLOOR
    if ground is None:
        return usual
    middle = np.array([0.5])
    if sky_share > LEAST_SKY:
        rows = np.flatnonzero((~solid).mean(axis=1) > SKY_IN_ROW)
        sky_ends = np.array([(rows.max(initial=0) + 1) / len(solid)])
        above = float(ground.disparity(middle, sky_ends)[0])
        if above > 0 and sky_ends[0] < LOWEST_HORIZON:
            return -min(above, MOST_TAKEN) / (1 - min(above, MOST_TAKEN))
    at_horizon = float(ground.disparity(middle, np.array([USUAL_HORIZON]))[0])
    wanted = 0.5 * max(0.0, -at_horizon)
    return float(np.clip(wanted / (1 + wanted), usual, 0.2))


def _shifted(ground: Ground, shift: float) -> Ground:
    coefficients = ground.coefficients * (1 - shift)
    coefficients[2] += shift
    return Ground(coefficients)
