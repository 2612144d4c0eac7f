"""Where near things end before far ones, and which side of that every pixel is on."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Int32

from lyra_zoom.engines.embedded.steps import find_steps
from lyra_zoom.geometry.image import Mask, Plane

SMALLEST_OUTLINE_PX = 30  # shorter outlines are noise of the depth, and would shred the surface


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlines:
    """The near pixels beside a step of disparity, and what they mean for all others.

    `rim` marks them. For each pixel, with respect to the nearest of them: `distance_px`,
    whether it lies on the `far` side, the disparity `near` there, and how much it `jump`s.
    `label` numbers the pixels of the rim, and all others by the one nearest to them.
    """

    rim: Mask
    distance_px: Plane
    far: Mask
    near: Plane
    jump: Plane
    label: Int32[np.ndarray, "H W"]

    def within(self, distance_px: float) -> Mask:
        """Pixels at most that far from an outline, on both its sides."""
        return self.distance_px <= distance_px

    def beside(self, distance_px: float) -> Mask:
        """Pixels at most that far from an outline, on its far side."""
        return self.far & self.within(distance_px)

    def of_nearest(self, values: Plane) -> Plane:
        """For every pixel, the value at the pixel of the rim that is nearest to it."""
        return _of_nearest(self.rim, self.label, values)


def find_outlines(disparity: Plane, step: float) -> Outlines | None:
    """The outlines where disparity jumps by at least `step`, or None; specks are left out."""
    rim = _without_specks(find_steps(disparity, step).near_side(disparity))
    if not rim.any():
        return None
    distance, label = cv2.distanceTransformWithLabels(
        (~rim).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    beyond = cv2.erode(disparity, np.ones((3, 3), np.uint8))
    near = _of_nearest(rim, label, disparity)
    deep = _of_nearest(rim, label, beyond)
    return Outlines(
        rim=rim,
        distance_px=distance,
        far=disparity < (near + deep) / 2,
        near=near,
        jump=near - deep,
        label=label,
    )


def _without_specks(rim: Mask) -> Mask:
    _, labels, stats, _ = cv2.connectedComponentsWithStats(rim.astype(np.uint8), connectivity=8)
    large = stats[:, cv2.CC_STAT_AREA] >= SMALLEST_OUTLINE_PX
    large[0] = False
    return large[labels]


def _of_nearest(rim: Mask, label: np.ndarray, values: Plane) -> Plane:
    by_label = np.zeros(label.max() + 1, np.float32)
    by_label[label[rim]] = values[rim]
    return by_label[label]
