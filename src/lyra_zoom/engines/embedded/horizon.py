"""Where the ground would end, and the zero of disparity that follows from it.

A network knows disparity up to an error of its zero. A plane of ground has none at its horizon;
so where the horizon should be tells what has to be added everywhere.
"""

from __future__ import annotations

import numpy as np

from lyra_zoom.engines.embedded.ground import Ground
from lyra_zoom.geometry.image import Mask, Plane

OPEN_AIR_FLOOR, INDOOR_FLOOR = 0.03, 0.05  # disparity of the farthest thing; the nearest has 1
LEAST_SKY = 0.02  # share of the picture: less is no sky to speak of
IN_ROW = 0.05  # of a row of the picture: as much shows sky or ground, less may be a mistake
LOWEST_SKY = 0.6  # of the height: sky that reaches lower is a mistake
USUAL, TRUST = 0.22, 0.72  # horizon, share of the height: expected from that of the map
TRUSTED = (-0.05, 0.75)  # of the map's own horizon: what is farther out is cut
SHARE = 0.6  # of the way from the map's own horizon to the expected one
MOST_TAKEN = 0.25  # of the range of disparity that may be found to be no distance at all
MOST_GUESSED = 0.05  # the same without a sky that proves it
MOST_ADDED = 0.2
FARTHEST_SHARE = 0.02  # of what is solid: may be as far as the floor


def zero_shift(ground: Ground | None, coarse: Plane, solid: Mask, lies: Plane | None) -> float:
    """What is added to disparity so that the ground ends where it should, below 0 to take away.

    `lies` is the likeness of ground, if it is known: none is seen above the horizon, as no sky
    is below it.
    """
    sky_share = 1 - float(solid.mean())
    usual = OPEN_AIR_FLOOR if sky_share > LEAST_SKY else INDOOR_FLOOR
    if ground is None:
        return usual
    above = _at(ground, _expected(ground, solid, lies))
    farthest = float(np.quantile(coarse[solid], FARTHEST_SHARE)) if solid.any() else 0.0
    guessed = min(above, MOST_GUESSED, farthest - usual)
    taken = max(guessed, min(_above_sky(ground, solid), MOST_TAKEN))
    if taken > 0:
        return -taken / (1 - taken)
    return float(np.clip(-above / (1 - above), usual, MOST_ADDED))


def _expected(ground: Ground, solid: Mask, lies: Plane | None) -> float:
    """Row at which the horizon should be, as a share of the height."""
    a, b, c = ground.coefficients
    own = float(-(c + 0.5 * a) / b)
    row = own + SHARE * (USUAL + TRUST * float(np.clip(own, *TRUSTED)) - own)
    if lies is not None:
        rows = np.flatnonzero((lies > 0.5).mean(axis=1) > IN_ROW)
        row = min(row, max(own, rows.min(initial=len(lies)) / len(lies)))
    sky_ends = _sky_ends(solid)
    return max(row, sky_ends)


def _sky_ends(solid: Mask) -> float:
    if 1 - float(solid.mean()) <= LEAST_SKY:
        return 0.0
    rows = np.flatnonzero((~solid).mean(axis=1) > IN_ROW)
    ends = (rows.max(initial=0) + 1) / len(solid)
    return ends if ends < LOWEST_SKY else 0.0


def _above_sky(ground: Ground, solid: Mask) -> float:
    """Disparity that the ground has where sky is seen, which proves it to be none."""
    ends = _sky_ends(solid)
    return _at(ground, ends) if ends > 0 else 0.0


def _at(ground: Ground, row: float) -> float:
    return float(ground.disparity(np.array([0.5]), np.array([row]))[0])
