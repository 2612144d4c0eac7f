"""Where things stand on the ground, and what that tells of what rises above.

A thing that stands has, in every column of the picture, a foot: the first ground below it. If
it was seen about as far away as the ground there, that is its distance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from lyra_zoom.engines.embedded.standing import Standing
from lyra_zoom.geometry.image import Mask

AS_FAR = (0.35, 1.4)  # times its foot's disparity: what is seen between these stands there
HELD_TOGETHER = 1.3  # quotient of disparity of pixels above one another: from this they part
FEET_APART, SEEN_APART = 1.3, 1.1  # quotients of disparity: from these, one is before the other
BLUR_SHARE = 1 / 96  # of the height: how far from an outline disparity is that of its side
LEAST = 0.01  # disparity, in quotients


@dataclass(frozen=True, slots=True, kw_only=True)
class Footing:
    """What is joined and what is not; links as in `Slopes`.

    Links down the picture: `touches` from a thing to the ground under it, `above` other borders
    of things and ground. Links `beside`: borders of things with ground or with things before
    or behind them, `together` within one thing. Pixels: `grounded` have a foot.
    """

    touches: Bool[np.ndarray, "h1 w"]
    above: Bool[np.ndarray, "h1 w"]
    beside: Bool[np.ndarray, "h w1"]
    together: Bool[np.ndarray, "h1 w"]
    grounded: Mask


def find_footing(
    standing: Standing,
    solid: Mask,
    disparity: Float64[np.ndarray, "h w"],
    plane: Float64[np.ndarray, "h w"],
) -> Footing:
    """The footing of what stands; `plane` is the disparity of the ground, 0 beyond it."""
    height, width = disparity.shape
    stands = standing.stands[:height, :width]
    ground = ~stands & solid
    rows = np.where(ground & (plane > LEAST), np.arange(height)[:, None], height - 1)
    foot = np.minimum.accumulate(rows[::-1])[::-1] * width + np.arange(width)
    at_foot = np.maximum(plane.reshape(-1)[foot], LEAST)
    own = np.maximum(disparity, LEAST)
    quotient = own / at_foot
    summed, count = (
        np.bincount(foot[stands], weights, height * width)
        for weights in (quotient[stands], None)
    )
    mean = summed / np.maximum(count, 1)
    stood_on = (mean > AS_FAR[0]) & (mean < AS_FAR[1])
    grounded = stands & stood_on[foot] & ground.reshape(-1)[foot]
    border = stands[:-1] != stands[1:]
    touches = stands[:-1] & ground[1:] & grounded[:-1]
    with_ground = (stands[:, 1:] & ground[:, :-1]) | (stands[:, :-1] & ground[:, 1:])
    return Footing(
        touches=touches,
        above=border & solid[:-1] & solid[1:] & ~touches,
        beside=with_ground | _one_before_other(grounded, at_foot, own),
        grounded=grounded,
        together=grounded[1:] & grounded[:-1] & ~_jumps(own),
    )


def _one_before_other(grounded: Mask, at_foot: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Links between neighbours whose feet, and they as they were seen, are apart in depth."""
    feet, seen = (_quotients(values) for values in (at_foot, own))
    nearer = (feet > FEET_APART) & (seen > SEEN_APART)
    farther = (feet < 1 / FEET_APART) & (seen < 1 / SEEN_APART)
    return grounded[:, 1:] & grounded[:, :-1] & (nearer | farther)


def _jumps(own: np.ndarray) -> np.ndarray:
    """Links down the picture where disparity changes too much for one thing."""
    seen = _quotients(own.T).T
    return (seen > HELD_TOGETHER) | (seen < 1 / HELD_TOGETHER)


def _quotients(values: np.ndarray) -> np.ndarray:
    """Per link along rows, what is right of it by what is left, clear of blurred outlines."""
    length = values.shape[1]
    blur_px = max(1, round(min(values.shape) * BLUR_SHARE))
    after = np.minimum(np.arange(1, length) + blur_px - 1, length - 1)
    before = np.maximum(np.arange(1, length) - blur_px, 0)
    return values[:, after] / values[:, before]
