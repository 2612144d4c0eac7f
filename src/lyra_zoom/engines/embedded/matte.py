"""Soft outlines: how far a near surface covers the pixels along a depth step, and its colour.

Knows colours and masks; no depths. All of a pixel's neighbourhood is looked at where the masks
are (usually at the size of the video); only coverage and colour are worked out on the texture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from jaxtyping import Bool, Float32

from lyra_zoom.engines.embedded.matte_kernels import side_colours
from lyra_zoom.geometry.image import Mask, Plane, RgbFloat, RgbImage, Size, resize

COLOUR_SIGMA_BANDS = 1.25  # of the mean colours beside an outline: 2.5 px for a band of 2 px
SAME_COLOUR = 0.06  # sides that differ less than this cannot be told apart by colour
SURE_SHARE = 0.6  # of the band: colour alone decides within it, and has no say at its end
EDGE_HALF_WIDTH_PX = 1.0  # of an outline whose colours tell nothing

SmallMask: TypeAlias = Bool[np.ndarray, "h w"]
"""A mask that may be smaller than the texture beside it."""

Colours: TypeAlias = Float32[np.ndarray, "N 3"]
Means: TypeAlias = Float32[np.ndarray, "N 4"]
"""Mean colour of one side and its variance, per pixel of the band."""

Coverages: TypeAlias = Float32[np.ndarray, " N"]


@dataclass(frozen=True, slots=True)
class Matte:
    """Coverage and colour of near surfaces along their outlines, at the texture's size.

    `alpha` is the share of a pixel that the near surface covers, `colour` that surface's own
    colour without a trace of what lies behind, `far_colour` the colour of what lies behind:
    alpha of the one and the rest of the other make the texture. All three mean something only
    inside `band`; outside it, alpha is 1 or 0 by side and the colours are the texture's.
    """

    alpha: Plane
    colour: RgbFloat
    far_colour: RgbFloat
    band: Mask


def front_matte(
    texture: RgbImage, near: SmallMask, outline: SmallMask, band_px: float
) -> Matte:
    """The matte of every depth step marked by `outline`, `band_px` to either side.

    `near` and `outline` have one size, which may be smaller than the texture's; `band_px`
    counts their pixels. `outline` holds the near pixels beside a step; `near` must be right
    next to them, and is not looked at elsewhere.
    """
    colour = texture.astype(np.float32) / np.float32(255)
    inward_px, away_px = _distances_px(near, outline)
    fine_inward_px = resize(inward_px, Size.of(texture))
    band = (np.abs(fine_inward_px) < band_px) & (resize(away_px, Size.of(texture)) < band_px)
    alpha = (fine_inward_px > 0).astype(np.float32)
    if not band.any():
        return Matte(alpha, colour, colour, band)
    sides = side_colours(resize(colour, Size.of(near)), inward_px, band_px, _falloff(band_px))
    rows, columns = np.nonzero(band)
    at = (rows, columns)
    near_samples, far_samples = (_sample(side, at, Size.of(texture)) for side in sides)
    own = colour[at]
    alpha[at] = _coverage(own, near_samples, far_samples, fine_inward_px[at], band_px)
    alpha[at] = cv2.GaussianBlur(cv2.medianBlur(alpha, 3), (3, 3), 0.6)[at]
    far_colour = colour.copy()
    colour[at], far_colour[at] = _unmixed(own, near_samples, far_samples, alpha[at])
    return Matte(alpha, colour, far_colour, band)


def _distances_px(near: Mask, outline: Mask) -> tuple[Plane, Plane]:
    """Distance to the nearest outline: with a sign, positive on its near side, then without.

    Halfway between two outlines the sign may flip: only the second one tells that no outline is
    there. Both are large where there is none at all.
    """
    inner = outline & near
    beside = cv2.dilate(inner.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    outer = beside & ~near
    if not outer.any():
        nowhere = np.full(near.shape, 1e6, np.float32)
        return nowhere, nowhere
    to_inner, to_outer = (
        cv2.distanceTransform((~side).astype(np.uint8), cv2.DIST_L2, 5)
        for side in (inner, outer)
    )
    inward_px = np.where(to_outer > to_inner, to_outer - 0.5, 0.5 - to_inner)
    inward_px = cv2.GaussianBlur(inward_px.astype(np.float32), (0, 0), 0.7)
    return inward_px, np.minimum(to_inner, to_outer)


def _falloff(band_px: float) -> np.ndarray:
    """Half a Gaussian, from its middle outwards, that reaches across the band."""
    reach_px = math.ceil(3 * band_px)
    whole = cv2.getGaussianKernel(2 * reach_px + 1, COLOUR_SIGMA_BANDS * band_px, cv2.CV_32F)
    return np.ascontiguousarray(whole[reach_px:, 0])


def _sample(picture: np.ndarray, at: tuple[np.ndarray, np.ndarray], fine: Size) -> Means:
    """The picture, bilinear, under the pixels `at` (rows, columns) of it enlarged to `fine`."""
    count, columns = len(at[0]), 1024  # OpenCV takes no side of 32768 or more
    places = np.zeros((2, -(-count // columns) * columns), np.float32)
    for place, index, old, new in zip(
        places, at, picture.shape[:2], (fine.height, fine.width), strict=True
    ):
        place[:count] = (index + 0.5) * (old / new) - 0.5  # OpenCV's centres are whole numbers
    y, x = places.reshape(2, -1, columns)
    taken = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return taken.reshape(-1, picture.shape[2])[:count]


def _coverage(
    own: Colours, near: Means, far: Means, inward_px: Coverages, band_px: float
) -> Coverages:
    """How far the near surface covers each pixel, 0 to 1.

    The pixel's place on the line from the far to the near colour, where these differ by more
    than they vary; else, and towards the ends of the band, its place across the outline.
    """
    line = near[:, :3] - far[:, :3]
    contrast = np.square(line).sum(axis=1)
    along = ((own - far[:, :3]) * line).sum(axis=1) / np.maximum(contrast, np.float32(1e-9))
    doubt = np.float32(SAME_COLOUR**2) + near[:, 3] + far[:, 3]
    trust = contrast / (contrast + doubt)
    to_end = 1 - np.abs(inward_px) / np.float32(band_px)
    taper = np.clip(to_end / np.float32(1 - SURE_SHARE), 0, 1)
    placed = np.clip(0.5 + inward_px / np.float32(2 * EDGE_HALF_WIDTH_PX), 0, 1)
    return placed + trust * taper * (np.clip(along, 0, 1) - placed)


def _unmixed(
    own: Colours, near: Means, far: Means, alpha: Coverages
) -> tuple[Colours, Colours]:
    """The near and the far surface's colours, which mixed by alpha give the pixel's own.

    Each side has its mean colour, and as much of what these leave unexplained as changes both
    the least: all of it where one surface fills the pixel, none where it has no share.
    """
    share, rest = alpha[:, None], 1 - alpha[:, None]
    unexplained = own - (share * near[:, :3] + rest * far[:, :3])
    unexplained /= np.square(share) + np.square(rest)
    return (
        np.clip(near[:, :3] + share * unexplained, 0, 1),
        np.clip(far[:, :3] + rest * unexplained, 0, 1),
    )
