"""The two methods that everybody tries first, drawn by code of their own.

Both turn the photograph, at the size of the video, into a mesh of one quad per pixel. The
stretched mesh keeps it whole, so that it stretches over depth edges, and paints what lies
outside with the colour of the nearest border. The cut mesh is opened at depth edges, and what
is then uncovered is inpainted frame by frame. Both look up colours bilinearly, once per
pixel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from lyra_zoom.bench.baseline_kernels import draw_grid
from lyra_zoom.geometry.camera import Intrinsics, project, unproject
from lyra_zoom.geometry.image import Mask, Plane, RgbImage, Size
from lyra_zoom.geometry.rigid import Rigid

NEAR = 0.02  # of D
FAR_DISPARITY = 0.002  # D / depth of sky
CUT_STEP = 0.04  # of D / depth from row to row of 480: a steeper triangle is a hole
TELEA_RADIUS_PX = 3


@dataclass(frozen=True, slots=True)
class Drawn:
    """A finished frame, and which of its pixels no surface covered before they were filled."""

    rgb: RgbImage
    holes: Mask


@dataclass(frozen=True, slots=True)
class MeshPhoto:
    """A photograph as a mesh: vertices at pixel centres, and once more along the border."""

    picture: RgbImage
    points: np.ndarray
    uv: np.ndarray
    disparity: np.ndarray
    subject_depth: float

    @classmethod
    def of(
        cls, picture: RgbImage, depth: Plane, K: Intrinsics, subject_depth: float
    ) -> MeshPhoto:
        """The mesh of a picture and its depth, both of the size that `K` is for."""
        size = Size.of(picture)
        x, y = (_border_and_centres(side) for side in (size.width, size.height))
        disparity = np.maximum(np.pad(subject_depth / depth, 1, mode="edge"), FAR_DISPARITY)
        uv = np.stack(np.meshgrid(x, y), axis=-1)
        points = unproject(uv, subject_depth / disparity, K)
        return cls(picture, points, uv, disparity, subject_depth)

    def stretched(self, w2c: Rigid, K: Intrinsics) -> Drawn:
        """One frame of the uncut mesh."""
        rgb, holes = self._draw(w2c, K, math.inf)
        return Drawn(_nearest_colour(rgb, holes), holes)

    def cut(self, w2c: Rigid, K: Intrinsics) -> Drawn:
        """One frame of the mesh cut at depth edges, inpainted by Telea's method."""
        rgb, holes = self._draw(w2c, K, CUT_STEP * 480 / self.picture.shape[0])
        mask = holes.astype(np.uint8)
        return Drawn(cv2.inpaint(rgb, mask, TELEA_RADIUS_PX, cv2.INPAINT_TELEA), holes)

    def _draw(self, w2c: Rigid, K: Intrinsics, largest_step: float) -> tuple[RgbImage, Mask]:
        target = np.zeros(self.picture.shape)
        limits = (NEAR * self.subject_depth, largest_step)
        draw_grid(project(self.points, w2c, K), self.uv, self.disparity, limits, target)
        u, v = (target[..., k].astype(np.float32) - np.float32(0.5) for k in (1, 2))
        rgb = cv2.remap(self.picture, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return rgb, target[..., 0] == 0


def _border_and_centres(pixels: int) -> np.ndarray:
    return np.concatenate([[0.0], np.arange(pixels) + 0.5, [float(pixels)]])


def _nearest_colour(rgb: RgbImage, holes: Mask) -> RgbImage:
    """Every hole in the colour of the nearest covered pixel."""
    if not holes.any() or holes.all():
        return rgb
    _, labels = cv2.distanceTransformWithLabels(
        holes.astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    colours = np.zeros((int(labels.max()) + 1, 3), np.uint8)
    colours[labels[~holes]] = rgb[~holes]
    return colours[labels]
