"""From a network's blurred disparity to a map a scene can be cut from.

Jumps are sharpened only where they are steps, and they are laid on picture edges; slanted
surfaces stay the smooth ramps they are. Knows nothing of cameras or layers.
"""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
from jaxtyping import Float32

from lyra_zoom.engines.embedded.push_pull import push_pull
from lyra_zoom.geometry.image import Mask, Plane, RgbImage, Size, mean_around, resize

STEP_RADIUS_SHARE = 1 / 70  # of the height: half the width of a network's blurred jump
STEP_CONTRAST = 0.07  # disparity range in the window from which a ramp may be a jump
COARSE_ROUNDS, FINE_ROUNDS = 4, 1
GUIDE_EPS = 1e-3  # variance of colour, 0 to 1, that counts as an edge
SURELY_SOLID = 0.2  # probability of sky below which a pixel is none
SMALLEST_PIECE = 0.002  # of the picture: smaller pieces of sky, or holes in it, are mistakes

Coarse: TypeAlias = Float32[np.ndarray, "h w"]
"""A map at the network's resolution."""


def photo_sized(disparity: Coarse, sky: Coarse, photo: RgbImage) -> tuple[Plane, Mask]:
    """Disparity, 0 to 1, and sky at the size of `photo`, their outlines laid on picture edges.

    Beside the sky a network's disparity sinks towards 0 before the thing ends; what is solid is
    therefore carried on into the sky first, and the sky cut out of it afterwards.
    """
    size = Size.of(photo)
    guide = cv2.cvtColor(photo, cv2.COLOR_RGB2LAB).astype(np.float32) / 255
    half = size.scaled(0.5)
    half_guide = resize(guide, half)
    surely_solid = cv2.erode((sky < SURELY_SOLID).astype(np.uint8), np.ones((3, 3), np.uint8))
    carried_on = push_pull(disparity, surely_solid.astype(np.float32))
    rough = sharpen_steps(_enlarged(carried_on, half), half_guide, COARSE_ROUNDS)
    sharp = sharpen_steps(_enlarged(rough, size), guide, FINE_ROUNDS)
    return np.clip(sharp, 0, 1), _sky_mask(_enlarged(sky, half), half_guide, size)


def _sky_mask(sky: np.ndarray, guide: np.ndarray, size: Size) -> Mask:
    """Sky in large pieces: a speck of it in a wall is wall, a speck of solid in it is sky."""
    radius = max(2, round(sky.shape[0] * STEP_RADIUS_SHARE))
    soft = ColourGuide(guide, radius, GUIDE_EPS / 4).filtered(sky)
    mask = (_enlarged(soft, size) > 0.5).astype(np.uint8)
    smallest = SMALLEST_PIECE * size.width * size.height
    for piece in (1, 0):
        _, labels, stats, _ = cv2.connectedComponentsWithStats((mask == piece).astype(np.uint8))
        speck = stats[:, cv2.CC_STAT_AREA] < smallest
        speck[0] = False
        mask[speck[labels]] = 1 - piece
    return mask > 0


def _enlarged(values: np.ndarray, size: Size) -> Plane:
    return cv2.resize(values, (size.width, size.height), interpolation=cv2.INTER_LINEAR)


def sharpen_steps(disparity: Plane, guide: np.ndarray, rounds: int) -> Plane:
    """Steps made steep where they look like steps; ramps left alone.

    The side a pixel falls to is decided by the picture's colours through a guided filter
    (He, Sun, Tang, 2013), then pushed to 0 or 1.
    """
    radius = _step_radius(disparity)
    weight = step_likeness(disparity)
    colours = ColourGuide(guide, radius, GUIDE_EPS)
    sharp = disparity
    for _ in range(rounds):
        low, high = _window_range(sharp, radius)
        place = (sharp - low) / np.maximum(high - low, 1e-4)
        far = mean_around(sharp, np.clip(1 - 4 * place, 0, 1), radius)
        near = mean_around(sharp, np.clip(4 * place - 3, 0, 1), radius)
        side = colours.filtered(place)
        pushed = far + (near - far) * _smoothstep(1.5 * (side - 0.5) + 0.5)
        sharp = sharp + weight * (pushed - sharp)
    return sharp


def step_likeness(disparity: Plane) -> Plane:
    """1 where the disparity jumps inside the window, 0 where it is flat or a long slope.

    A window's range grows with the window on a slope and hardly on a step.
    """
    radius = _step_radius(disparity)
    low, high = _window_range(disparity, radius)
    wide_low, wide_high = _window_range(disparity, 2 * radius)
    contrast, wide = high - low, wide_high - wide_low
    growth = wide / np.maximum(contrast, 1e-4)
    steep = _smoothstep((contrast - STEP_CONTRAST / 2) / (STEP_CONTRAST / 2))
    step = steep * (1 - _smoothstep((growth - 1.35) / 0.45))
    return cv2.GaussianBlur(step, (0, 0), radius / 3)


def _step_radius(disparity: Plane) -> int:
    return max(2, round(disparity.shape[0] * STEP_RADIUS_SHARE))


class ColourGuide:
    """A guided filter by a picture of three channels, `(H, W, 3)` float32 0 to 1.

    What only the picture decides is worked out once.
    """

    def __init__(self, guide: np.ndarray, radius: int, eps: float) -> None:
        self.guide = guide
        self.window = (2 * radius + 1, 2 * radius + 1)
        self.mean_guide = self._mean(guide)
        xx, xy, xz, yy, yz, zz = (
            self._mean(guide[..., i] * guide[..., j])
            - self.mean_guide[..., i] * self.mean_guide[..., j]
            + (eps if i == j else 0)
            for i, j in [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]
        )
        cxx, cxy, cxz = yy * zz - yz * yz, xz * yz - xy * zz, xy * yz - xz * yy
        cyy, cyz, czz = xx * zz - xz * xz, xy * xz - xx * yz, xx * yy - xy * xy
        det = np.maximum(xx * cxx + xy * cxy + xz * cxz, 1e-12)
        self.inverse = [c / det for c in (cxx, cxy, cxz, cyy, cyz, czz)]

    def filtered(self, values: Plane) -> Plane:
        """The values as a local linear function of the guide's colours."""
        mean_values = self._mean(values)
        covariance = self._mean(self.guide * values[..., None])
        covariance -= self.mean_guide * mean_values[..., None]
        slope = self._solved(covariance)
        offset = mean_values - (slope * self.mean_guide).sum(-1)
        return (self._mean(slope) * self.guide).sum(-1) + self._mean(offset)

    def _solved(self, b: np.ndarray) -> np.ndarray:
        """Per pixel, the solution of the guide's symmetric 3x3 system."""
        xx, xy, xz, yy, yz, zz = self.inverse
        x = xx * b[..., 0] + xy * b[..., 1] + xz * b[..., 2]
        y = xy * b[..., 0] + yy * b[..., 1] + yz * b[..., 2]
        z = xz * b[..., 0] + yz * b[..., 1] + zz * b[..., 2]
        return np.stack([x, y, z], -1)

    def _mean(self, x: np.ndarray) -> np.ndarray:
        return cv2.blur(x, self.window, borderType=cv2.BORDER_REFLECT)


def _window_range(values: Plane, radius: int) -> tuple[Plane, Plane]:
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (2 * radius + 1, 2 * radius + 1))
    return cv2.erode(values, kernel), cv2.dilate(values, kernel)


def _smoothstep(x: np.ndarray) -> np.ndarray:
    t = np.clip(x, 0, 1)
    return t * t * (3 - 2 * t)
