"""What of a photograph is ground and what stands on it, at the network's resolution.

Two answers of the network tell: the probability of ground, and whether the normals point up.
Their outlines are laid on those of the picture, since they are softer than it. Knows nothing of
disparity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from jaxtyping import UInt8

from lyra_zoom.engines.embedded.depth import Normals
from lyra_zoom.engines.embedded.refine import ColourGuide
from lyra_zoom.geometry.image import Mask, Plane, Size, resize

GUIDE_RADIUS_SHARE = 1 / 40  # of the height: how far off an outline of the ground may be
GUIDE_EPS = 4e-4  # variance of colour, 0 to 1, that counts as an edge
GROUND_FROM, GROUND_TO = 0.35, 0.65  # probability of ground: from surely not to surely
UPRIGHT_FROM, UPRIGHT_TO = 0.75, 0.45  # upward share of a normal: from lying to standing
LEVEL_SHARE = 0.7  # of what is told to stand, but lies, and may be ground after all
SMALLEST_PIECE = 0.0005  # of the picture: smaller pieces of ground or of things are mistakes

LargePicture: TypeAlias = UInt8[np.ndarray, "h w 3"]
"""sRGB, of any size: larger than the network's answers beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Per pixel: `ground` likeness and `upright`ness, 0 to 1, and whether it `stands`.

    What neither stands nor is ground lies higher up: tables, roofs, hills.
    """

    ground: Plane
    upright: Plane
    stands: Mask

    @property
    def level(self) -> Plane:
        """How far a pixel may be ground if it is as far away: all that is not upright."""
        return np.maximum(self.ground, LEVEL_SHARE * (self.stands - self.upright))


def tell_standing(
    ground: Plane, normal: Normals | None, solid: Mask, picture: LargePicture
) -> Standing:
    """Ground and uprights from a network's answers, with the outlines of the picture."""
    size = Size.of(ground)
    guide = cv2.cvtColor(resize(picture, size), cv2.COLOR_RGB2LAB).astype(np.float32) / 255
    radius = max(2, round(size.height * GUIDE_RADIUS_SHARE))
    colours = ColourGuide(guide, radius, GUIDE_EPS)
    soft = colours.filtered(ground)
    likeness = _smoothstep((soft - GROUND_FROM) / (GROUND_TO - GROUND_FROM))
    stands = _without_specks((soft < (GROUND_FROM + GROUND_TO) / 2) & solid, solid)
    upright = (1 - likeness) * stands
    if normal is not None:
        upward = np.abs(colours.filtered(normal[..., 1]))
        facing = upright * _smoothstep((UPRIGHT_FROM - upward) / (UPRIGHT_FROM - UPRIGHT_TO))
        about = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (4 * radius + 1,) * 2)
        upright = np.minimum(cv2.dilate(facing, about), upright)  # to the ends of the thing
    return Standing(
        ground=(likeness * solid * ~stands).astype(np.float32),
        upright=upright.astype(np.float32),
        stands=stands,
    )


def _without_specks(stands: Mask, solid: Mask) -> Mask:
    """The same without small pieces of either kind."""
    mask = stands.copy()
    smallest = SMALLEST_PIECE * mask.size
    for piece in (True, False):
        own = (mask == piece) & solid
        _, labels, stats, _ = cv2.connectedComponentsWithStats(own.astype(np.uint8))
        speck = stats[:, cv2.CC_STAT_AREA] < smallest
        speck[0] = False
        mask[speck[labels]] = not piece
    return mask


def _smoothstep(x: np.ndarray) -> np.ndarray:
    t = np.clip(x, 0, 1)
    return t * t * (3 - 2 * t)
