"""Where a disparity map jumps instead of sloping: the seams along which a surface is torn."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool

from lyra_zoom.geometry.image import Mask, Plane

SLOPE_GAIN = 1.5  # how much steeper than its surroundings a difference must be to be a jump
RAMP_SHARE = 1 / 80  # of the height: half the length of the longest ramp that is a jump
RAMP_STEPS, RAMP_RATIO = 3.0, 1.6  # least height of a ramp, in steps; least near / far
RAMP_GROWTH = 1.6  # of the range when the window is twice as wide: on a long slope it is 2


@dataclass(frozen=True, slots=True)
class Steps:
    """Jumps between neighbours: `across` from a pixel to its right one, `down` to its lower."""

    across: Bool[np.ndarray, "H W1"]
    down: Bool[np.ndarray, "H1 W"]

    def and_also(self, others: Steps) -> Steps:
        """These jumps and others."""
        return Steps(self.across | others.across, self.down | others.down)

    def near_side(self, disparity: Plane) -> Mask:
        """Pixels from which the surface drops away to a neighbour."""
        near = np.zeros(disparity.shape, bool)
        falls = disparity[:, :-1] > disparity[:, 1:]
        near[:, :-1] |= self.across & falls
        near[:, 1:] |= self.across & ~falls
        falls = disparity[:-1] > disparity[1:]
        near[:-1] |= self.down & falls
        near[1:] |= self.down & ~falls
        return near


def find_steps(disparity: Plane, least: float) -> Steps:
    """Differences of at least `least` that the slopes before and after them do not explain.

    A table seen at a low angle changes as much from row to row as an outline does, but it goes
    on changing: there the smaller of the two neighbouring slopes is as large.
    """
    return Steps(
        _jumps(np.diff(disparity, axis=1), least), _jumps(np.diff(disparity.T, axis=1), least).T
    )


def _jumps(differences: np.ndarray, least: float) -> np.ndarray:
    """Along rows."""
    size = np.abs(differences)
    before = np.concatenate([size[:, 1:2], size[:, :-1]], axis=1)
    after = np.concatenate([size[:, 1:], size[:, -2:-1]], axis=1)
    return size - SLOPE_GAIN * np.minimum(before, after) > least


def steps_between(one: Mask, other: Mask, disparity: Plane, least: float) -> Steps:
    """Where a pixel of `one` and a pixel of `other` are neighbours and differ by `least`."""

    def along_rows(a: Mask, b: Mask, values: Plane) -> np.ndarray:
        meets = (a[:, :-1] & b[:, 1:]) | (b[:, :-1] & a[:, 1:])
        return meets & (np.abs(np.diff(values, axis=1)) > least)

    return Steps(along_rows(one, other, disparity), along_rows(one.T, other.T, disparity.T).T)


def steepened(disparity: Plane, step: float) -> Plane:
    """The map with short high ramps made into jumps, for maps that blur their outlines.

    Seen from the side a ramp is drawn out into streaks, and no jump says where to tear it. Its
    pixels go to that of its two ends they are nearer to. Long slopes and low ramps stay:
    torn, they would leave holes in walls.
    """
    radius = max(2, round(RAMP_SHARE * disparity.shape[0]))
    (far, near), (farther, nearer) = (_range(disparity, r) for r in (radius, 2 * radius))
    height = near - far
    is_jump = (height > RAMP_STEPS * step) & (near > RAMP_RATIO * far)
    is_jump &= nearer - farther < RAMP_GROWTH * height
    belongs_to_near = disparity > (near + far) / 2
    steep = disparity
    for _ in range(radius):
        lower, upper = _range(steep, 1)
        end = np.where(belongs_to_near, upper, lower)
        steep = np.where(is_jump & (upper - lower > step / 2), end, steep)
    return steep


def _range(values: Plane, radius: int) -> tuple[Plane, Plane]:
    window = np.ones((2 * radius + 1,) * 2, np.uint8)
    return cv2.erode(values, window), cv2.dilate(values, window)
