"""Cut a scene into what stands in front (F) and what lies behind (B), for one camera path.

F is the photograph, cut at depth steps, with soft outlines. B is the photograph without what is
in front: its geometry continues from the far side of each step, its colours are invented.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from lyra_zoom.engines.embedded.inpaint import inpaint_behind
from lyra_zoom.engines.embedded.matte import Matte, front_matte
from lyra_zoom.engines.embedded.push_pull import push_pull
from lyra_zoom.engines.embedded.reach import Reach
from lyra_zoom.engines.embedded.scene import EmbeddedScene
from lyra_zoom.engines.embedded.steps import find_steps
from lyra_zoom.geometry.image import Mask, Plane, RgbFloat, Size, mean_around, resize

SMALLEST_OUTLINE_PX = 30  # shorter outlines are noise of the depth, and would shred the surface
UNCOVERED_MARGIN = 1.2  # of the parallax at a step: how far under the near side B must go on
BESIDE_PX = 2  # beyond a soft outline, as far as the torn cells of F reach
GROUND_SLACK = 0.02  # D / depth by which what lies behind may rise over the ground


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """F: the photograph with clear outlines.

    Premultiplied `rgba` (float32, 0 to 1) is at the photo's full size, the rest at video size.
    The surface is torn where `disparity` jumps by more than `step` inside `near_outline`.
    """

    rgba: np.ndarray
    disparity: Plane
    near_outline: Mask
    step: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """B: opaque colours and disparity at video size; `invented` is not in the photograph."""

    colour: RgbFloat
    disparity: Plane
    invented: Mask


def split(scene: EmbeddedScene, reach: Reach, seed: int) -> tuple[Front, Behind]:
    """Both layers of the scene, cut as finely as the path asks for."""
    band = _band_px(scene)
    outline = _outline(scene.disparity, reach.step)
    front, matte = _front(scene, outline, reach.step, band)
    behind = _behind(scene, outline, matte, reach, seed)
    return front, behind


def _band_px(scene: EmbeddedScene) -> int:
    return round(scene.outline_px)


def _outline(disparity: Plane, step: float) -> Mask:
    """Pixels on the near side of a depth step; specks are left out."""
    near_rim = find_steps(disparity, step).near_side(disparity)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(
        near_rim.astype(np.uint8), connectivity=8
    )
    large = stats[:, cv2.CC_STAT_AREA] >= SMALLEST_OUTLINE_PX
    large[0] = False
    return large[labels]


def _front(scene: EmbeddedScene, outline: Mask, step: float, band: int) -> tuple[Front, Matte]:
    highest, lowest = _highest(scene.disparity, band + 1), _lowest(scene.disparity, band + 1)
    near_outline = _grown(outline, band + 1)
    near = near_outline & (scene.disparity > (highest + lowest) / 2) & (highest - lowest > step)
    matte = front_matte(scene.photo.texture, near, outline, float(band))
    in_band = resize(matte.band.astype(np.float32), scene.size) > 0
    beside = mean_around(scene.disparity, near.astype(np.float32), band + 1)
    disparity = np.where(in_band & ~near, beside, scene.disparity)
    texture = scene.photo.texture.astype(np.float32) / 255
    alpha = np.where(matte.band, matte.alpha, 1.0).astype(np.float32)
    colour = np.where(matte.band[..., None], matte.colour, texture)
    rgba = np.dstack([colour * alpha[..., None], alpha]).astype(np.float32)
    front = Front(rgba=rgba, disparity=disparity, near_outline=near_outline, step=step)
    return front, matte


def _unmixed(scene: EmbeddedScene, matte: Matte) -> RgbFloat:
    """The picture without what near surfaces add to the outer half of their soft outlines."""
    outer = resize((matte.band & (matte.alpha < 0.5)).astype(np.float32), scene.size)
    far_colour = resize(matte.far_colour, scene.size)
    picture = scene.picture.astype(np.float32) / 255
    return np.where((outer > 0.99)[..., None], far_colour, picture).astype(np.float32)


def _behind(
    scene: EmbeddedScene, outline: Mask, matte: Matte, reach: Reach, seed: int
) -> Behind:
    band = _band_px(scene)
    disparity = scene.disparity
    rim = _far_rim(disparity, outline, reach.step, band)
    if not rim.any():
        picture = scene.picture.astype(np.float32) / 255
        return Behind(colour=picture, disparity=disparity, invented=rim)
    filled = _on_the_ground(scene, push_pull(disparity, rim.astype(np.float32)))
    deeper = disparity > filled + reach.step / 2
    from_rim, jump = _nearest_rim(disparity, rim, band)
    uncovered_px = UNCOVERED_MARGIN * reach.parallax_px * jump + 2 * band
    hidden = (
        deeper & (from_rim < uncovered_px) & (_distance_to_border(scene.size) > 0.6 * from_rim)
    )
    beside = _far_side(disparity, outline, band + BESIDE_PX)
    hidden = (hidden | _grown(outline, band)) & ~beside
    behind = np.where(hidden, np.minimum(filled, disparity), disparity)
    behind = np.where(beside, _lowest(disparity, band), behind).astype(np.float32)
    barred = hidden | (deeper & (from_rim < 2 * uncovered_px))
    colour = inpaint_behind(_unmixed(scene, matte), hidden, barred, behind / behind.max(), seed)
    return Behind(colour=colour, disparity=behind, invented=hidden)


def _far_side(disparity: Plane, outline: Mask, radius: int) -> Mask:
    """Pixels beside an outline on its far side: known, and seen through the tear in F."""
    middle = (_highest(disparity, radius) + _lowest(disparity, radius)) / 2
    return _grown(outline, radius) & (disparity < middle)


def _far_rim(disparity: Plane, outline: Mask, step: float, band: int) -> Mask:
    """Pixels just beyond the far side of an outline, clear of its soft band."""
    reach = 2 * band + 3
    highest = _highest(np.where(outline, disparity, 0), reach)
    far = disparity < highest - step
    return far & (disparity - _lowest(disparity, band) < step / 2)


def _nearest_rim(disparity: Plane, rim: Mask, band: int) -> tuple[Plane, Plane]:
    """Per pixel: the distance to the nearest pixel of the rim, and how far that one jumps."""
    distance, label = cv2.distanceTransformWithLabels(
        (~rim).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    jumps = _highest(disparity, 2 * band + 4) - disparity
    by_label = np.zeros(label.max() + 1, np.float32)
    by_label[label[rim]] = jumps[rim]
    return distance, by_label[label]


def _grown(mask: Mask, radius: int) -> Mask:
    return cv2.dilate(mask.astype(np.uint8), np.ones((2 * radius + 1,) * 2, np.uint8)) > 0


def _highest(values: Plane, radius: int) -> Plane:
    return cv2.dilate(values.astype(np.float32), np.ones((2 * radius + 1,) * 2, np.uint8))


def _lowest(values: Plane, radius: int) -> Plane:
    return -_highest(-values, radius)


def _on_the_ground(scene: EmbeddedScene, filled: Plane) -> Plane:
    """What lies behind rises at most a little over the ground, and never sinks below it."""
    if scene.ground is None:
        return filled
    size = scene.size
    x = (np.arange(size.width) + 0.5)[None] / size.width
    y = (np.arange(size.height) + 0.5)[:, None] / size.height
    plane = scene.ground.disparity(x, y).astype(np.float32)
    window = np.ones((size.height // 12 | 1,) * 2, np.uint8)
    farthest_near = cv2.erode(scene.disparity, window)
    ceiling = np.maximum(plane, farthest_near) + GROUND_SLACK
    return np.minimum(filled, ceiling)


def _distance_to_border(size: Size) -> Plane:
    x = np.arange(size.width)
    y = np.arange(size.height)[:, None]
    side = np.minimum(x, size.width - 1 - x)[None]
    return np.minimum(side, np.minimum(y, size.height - 1 - y)).astype(np.float32) + 1
