"""Where a disparity map jumps instead of sloping: the seams along which a surface is torn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from lyra_zoom.geometry.image import Mask, Plane

SLOPE_GAIN = 1.5  # how much steeper than its surroundings a difference must be to be a jump


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
