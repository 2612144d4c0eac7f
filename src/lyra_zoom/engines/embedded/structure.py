"""Structure laid under a network's disparity: flat ground, upright things, even walls.

A plane in space is an affine function of the pixel in disparity, and a vertical surface before
a level camera does not change along columns at all. Networks bend the one and lean the other.
So the slopes of the map are edited (ground has its plane's, what stands has none down its
columns and is joined to the ground below it, surfaces have those of their surroundings) and the
map is put together again from them. Links across outlines weigh little, so that an outline does
not remember the lean of what it bounds; a second round lets go of links that stay strained.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float64

from lyra_zoom.engines.embedded.depth import Normals
from lyra_zoom.engines.embedded.footing import Footing, find_footing
from lyra_zoom.engines.embedded.ground import Ground
from lyra_zoom.engines.embedded.poisson import Slopes, put_together, slopes_of
from lyra_zoom.engines.embedded.refine import step_likeness
from lyra_zoom.engines.embedded.standing import Standing
from lyra_zoom.geometry.image import Mask, Plane

LEAN_BELOW, SLOPE_ABOVE = 0.5, 1.1  # of the ground's slope: less is leaning, more is real
UPRIGHT_SHARE = 0.9  # of a lean that is taken out where there is ground to stand on
EVEN_SHARE = 0.6  # of a slope across that is taken from its surroundings
EVEN_SIGMA = (1 / 40, 1 / 16)  # of the height, across and down: those surroundings
NORMAL_SHARE = 0.5  # of the say that normals have beside the map's own slopes
FACING = 0.15  # least cosine between a normal and the ray: closer to edge-on it tells nothing
ON_GROUND = (0.04, 0.09)  # disparity off the plane: from surely ground to surely not
ACROSS_STEP = 0.03  # weight of a link across an outline
PARTED = 1e-3  # weight of a link between a thing and ground, sky or what is behind it
TOGETHER = 0.3  # the least weight of links within one thing
LOOSER = 0.8  # how much less uprights are held where they were seen
FAR_AWAY, MOST_HELD = 0.08, 7.0  # disparity below which floating things are held more, and most
LEAST = 0.01  # disparity, in quotients
PULL, GROUND_PULL = 3e-4, 2e-2  # of the map as it was, of the ground's plane
GROUNDLESS_PULL = 1e-3  # of the map where no ground was found: then little is known
STRAINED = 0.01  # disparity per link that a link gives way at, in the second round
ROUGH_ROUNDS = 20  # of the first map, which only tells what is strained
USUAL_HEIGHT = 224  # pixels: what pulls and strains are for; finer maps have smaller ones


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is known of a photograph at the network's resolution.

    `disparity` is 0 to 1 with 0 at infinity, and so is the `ground`; `focal_px` belongs to this
    resolution. `normal` and `standing` are there if the network answers them.
    """

    disparity: Plane
    solid: Mask
    ground: Ground | None
    focal_px: float
    normal: Normals | None = None
    standing: Standing | None = None


def with_structure(seen: Seen) -> Plane:
    """The disparity that fits the structure best and strays least from what was seen."""
    height, width = (side // 2 * 2 for side in seen.disparity.shape)
    even = np.s_[:height, :width]  # what a cosine transform takes
    disparity = seen.disparity[even].astype(np.float64)
    solid = seen.solid[even]
    plane, on_ground = _ground(seen)
    plane, on_ground = plane[even], on_ground[even] * solid
    own = slopes_of(disparity)
    step = np.where(solid, step_likeness(seen.disparity[even]), 1.0).astype(np.float64)
    wanted = _even(own, step)
    if seen.normal is not None:
        wanted = _blended(
            wanted, _slopes_of_normals(seen, disparity), NORMAL_SHARE * (1 - step)
        )
    jumps = np.maximum(step[1:], step[:-1])
    weight, held = _link_weights(step, solid), np.ones_like(disparity)
    if seen.standing is not None:
        footing = find_footing(seen.standing, solid, disparity, plane)
        weight = _parted(weight, footing)
        held = _held(seen.standing, footing, disparity)
        jumps = np.where(footing.together, 0, jumps)
    if seen.ground is not None:
        wanted = _upright(wanted, seen, jumps)
    wanted = _blended(wanted, slopes_of(plane), on_ground)
    finer = USUAL_HEIGHT / height
    pull = (GROUNDLESS_PULL if seen.ground is None else PULL) + GROUND_PULL * on_ground
    pull *= held * finer**2
    target = disparity + on_ground * (plane - disparity)
    flat = put_together(wanted, weight, target, pull, target, ROUGH_ROUNDS)
    weight = _relaxed(weight, slopes_of(flat), wanted, STRAINED * finer)
    flat = put_together(wanted, weight, target, pull, flat)
    result = seen.disparity.copy()
    result[even] = np.where(solid, flat, disparity)
    return np.clip(result, 0, 1).astype(np.float32)


def _ground(seen: Seen) -> tuple[Float64[np.ndarray, "h w"], Float64[np.ndarray, "h w"]]:
    """Disparity of the ground's plane, never below 0, and how surely each pixel lies on it."""
    height, width = seen.disparity.shape
    if seen.ground is None:
        return np.zeros((height, width)), np.zeros((height, width))
    x = ((np.arange(width) + 0.5) / width)[None]
    y = ((np.arange(height) + 0.5) / height)[:, None]
    plane = seen.ground.disparity(x, y)
    sure, doubtful = ON_GROUND
    off = np.abs(seen.disparity - plane)
    likeness = np.ones_like(plane)
    if seen.standing is not None:
        likeness = seen.standing.level.astype(np.float64)
        off = off / (1 + likeness)
    near = 1 - _smoothstep((off - sure) / (doubtful - sure))
    return np.maximum(plane, 0), near * likeness * (plane > 0)


def _even(own: Slopes, step: np.ndarray) -> Slopes:
    """Slopes across, even across surfaces."""
    height = own.across.shape[0]
    smooth = 1 - np.maximum(step[:, 1:], step[:, :-1])
    sigma_x, sigma_y = (share * height for share in EVEN_SIGMA)
    summed, total = (
        cv2.GaussianBlur(values, (0, 0), sigmaX=sigma_x, sigmaY=sigma_y)
        for values in (own.across * smooth, smooth)
    )
    about = summed / np.maximum(total, 1e-3)
    return Slopes(own.across + EVEN_SHARE * smooth * (about - own.across), own.down)


def _upright(wanted: Slopes, seen: Seen, jumps: np.ndarray) -> Slopes:
    """Slopes without the leans of what stands; if that is not told, of what slopes gently."""
    assert seen.ground is not None
    height, width = wanted.across.shape[0], wanted.down.shape[1]
    if seen.standing is None:
        relative = np.abs(wanted.down) * height / float(seen.ground.coefficients[1])
        share = 1 - _smoothstep((relative - LEAN_BELOW) / (SLOPE_ABOVE - LEAN_BELOW))
    else:
        upright = seen.standing.upright[:height, :width].astype(np.float64)
        share = np.minimum(upright[1:], upright[:-1])
    return Slopes(wanted.across, wanted.down * (1 - UPRIGHT_SHARE * share * (1 - jumps)))


def _slopes_of_normals(seen: Seen, disparity: np.ndarray) -> Slopes:
    """Slopes of the map that a surface with the seen normals has: d n_x / (f n . ray)."""
    assert seen.normal is not None
    height, width = disparity.shape
    x = (np.arange(width) + 0.5 - seen.disparity.shape[1] / 2) / seen.focal_px
    y = (np.arange(height) + 0.5 - seen.disparity.shape[0] / 2) / seen.focal_px
    n = seen.normal[:height, :width].astype(np.float64)
    facing = n[..., 0] * x + n[..., 1] * y[:, None] + n[..., 2]
    facing = np.minimum(facing, -FACING)  # normals point to the camera
    per_px = disparity / (facing * seen.focal_px)
    across, down = per_px * n[..., 0], per_px * n[..., 1]
    return Slopes((across[:, 1:] + across[:, :-1]) / 2, (down[1:] + down[:-1]) / 2)


def _blended(one: Slopes, other: Slopes, share: np.ndarray) -> Slopes:
    """Slopes between two, by a share per pixel; a link has the smaller share of its ends."""
    across = np.minimum(share[:, 1:], share[:, :-1])
    down = np.minimum(share[1:], share[:-1])
    return Slopes(
        one.across + across * (other.across - one.across),
        one.down + down * (other.down - one.down),
    )


def _link_weights(step: np.ndarray, solid: Mask) -> Slopes:
    weight = 1 - (1 - ACROSS_STEP) * step
    across, down = (
        np.minimum(weight[:, 1:], weight[:, :-1]),
        np.minimum(weight[1:], weight[:-1]),
    )
    return Slopes(
        np.where(solid[:, 1:] == solid[:, :-1], across, PARTED),
        np.where(solid[1:] == solid[:-1], down, PARTED),
    )


def _parted(weight: Slopes, footing: Footing) -> Slopes:
    """Weights with what stands parted from the ground, but for where it stands on it.

    Things that stand side by side, one before the other, are parted too, and whatever rises
    from one foot holds together.
    """
    across = np.where(footing.beside, PARTED, weight.across)
    down = np.maximum(weight.down, TOGETHER * footing.together)
    down = np.where(footing.above, PARTED, down)
    return Slopes(across, np.where(footing.touches, 1.0, down))


def _held(standing: Standing, footing: Footing, disparity: np.ndarray) -> np.ndarray:
    """How firmly things are held where they were seen: uprights less, far ones more."""
    even = np.s_[: disparity.shape[0], : disparity.shape[1]]
    far = np.clip(np.square(FAR_AWAY / np.maximum(disparity, LEAST)), 1, MOST_HELD)
    floating = standing.stands[even] & ~footing.grounded
    return (1 - LOOSER * standing.upright[even]) * np.where(floating, far, 1)


def _relaxed(weight: Slopes, reached: Slopes, wanted: Slopes, strained: float) -> Slopes:
    """Weights that give way where slopes could not be reached."""

    def give_way(w: np.ndarray, strain: np.ndarray) -> np.ndarray:
        weaker = w / (1 + np.square(strain / strained))
        return np.maximum(weaker, np.minimum(w, ACROSS_STEP))

    return Slopes(
        give_way(weight.across, reached.across - wanted.across),
        give_way(weight.down, reached.down - wanted.down),
    )


def _smoothstep(x: np.ndarray) -> np.ndarray:
    t = np.clip(x, 0, 1)
    return t * t * (3 - 2 * t)
