"""Cut a scene into what stands in front (F) and what lies behind (B), for one camera path.

F is the photograph, cut at depth steps, with soft outlines. B is the photograph without what is
in front: its geometry continues from the far side of each step, its colours are invented.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import cv2
import numpy as np

from lyra_zoom.engines.embedded.inpaint import inpaint_behind
from lyra_zoom.engines.embedded.limbs import Limbs, find_limbs
from lyra_zoom.engines.embedded.matte import Matte, front_matte
from lyra_zoom.engines.embedded.outlines import Outlines, find_outlines
from lyra_zoom.engines.embedded.push_pull import push_pull
from lyra_zoom.engines.embedded.reach import Reach
from lyra_zoom.engines.embedded.scene import SKY_DISPARITY, EmbeddedScene
from lyra_zoom.engines.embedded.sky import sky_picture
from lyra_zoom.engines.embedded.steps import Steps, find_steps, steepened, steps_between
from lyra_zoom.geometry.image import Mask, Plane, RgbFloat, RgbImage, Size, resize

FRONT_CELLS = 480  # of F's mesh over the height of the picture, at the finest
UNCOVERED_MARGIN = 1.2  # of the parallax at a step: how far under the near side B must go on
BORDER_SHARE = 0.6  # what is nearer to the border than to its outline is carried on
WILD_STEPS = 2.0  # a jump of so many steps is torn even where it is no outline
CONTINUED_PX = 3.0  # of the far side beside an outline: what goes on under its soft half
LEAST_WEIGHT = 1e-3  # of what is known about a pixel, to say anything about it
NOT_SKY = 2.0  # times the disparity of sky: nearer than this is a thing
GROUND_SLACK = 0.02  # D / depth by which what lies behind may rise over the ground


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """F: the photograph with clear outlines.

    Premultiplied `rgba` (float32, 0 to 1) is at the photo's full size, the rest at video size.
    The surface is torn along `tears`. `limbs` are the far sides of round things, None where
    there are none or depth is not known well enough to tell.
    """

    rgba: np.ndarray
    disparity: Plane
    tears: Steps
    limbs: Limbs | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """B: opaque colours and disparity at video size.

    What is `invented` is not in the photograph; `open_sky` is the part of that which is sky.
    `sky` is a picture of nothing but sky.
    """

    colour: RgbFloat
    disparity: Plane
    invented: Mask
    open_sky: Mask
    sky: RgbImage


def split(scene: EmbeddedScene, reach: Reach, seed: int) -> tuple[Front, Behind]:
    """Both layers of the scene, cut as finely as the path asks for."""
    sky = sky_picture(scene, seed)
    if not scene.is_exact:
        scene = replace(scene, disparity=_with_steep_outlines(scene, reach.step))
    outlines = find_outlines(scene.disparity, reach.step)
    if outlines is None:
        return _uncut(scene, sky)
    matte = _matte(scene, outlines)
    with ThreadPoolExecutor(1) as aside:
        front = aside.submit(_front, scene, outlines, matte, reach.step)
        behind = _behind(scene, outlines, matte, sky, reach, seed)
    return front.result(), behind


def _with_steep_outlines(scene: EmbeddedScene, step: float) -> Plane:
    """The disparity with jumps for blurred outlines; nothing solid becomes sky by it."""
    steep = steepened(scene.disparity, step)
    kept = scene.sky | (steep < NOT_SKY * SKY_DISPARITY)
    return np.where(kept, scene.disparity, steep)


def front_cell_px(size: Size) -> int:
    """Side of the smallest cells of F's mesh; one that straddles a step is left out whole."""
    return max(1, round(size.height / FRONT_CELLS))


def _uncut(scene: EmbeddedScene, sky: RgbImage) -> tuple[Front, Behind]:
    """A scene without outlines: nothing is behind anything."""
    nowhere = np.zeros(scene.disparity.shape, bool)
    texture = scene.photo.texture.astype(np.float32) / 255
    rgba = np.dstack([texture, np.ones(texture.shape[:2], np.float32)])
    picture = scene.picture.astype(np.float32) / 255
    return (
        Front(
            rgba=rgba,
            disparity=scene.disparity,
            tears=steps_between(nowhere, nowhere, scene.disparity, 0.0),
            limbs=None,
        ),
        Behind(
            colour=picture,
            disparity=scene.disparity,
            invented=nowhere,
            open_sky=nowhere,
            sky=sky,
        ),
    )


def _ring_px(scene: EmbeddedScene) -> float:
    """How far a near surface is carried on, clear, so that no tear takes its own pixels."""
    return max(scene.outline_px, front_cell_px(scene.size))


def _matte(scene: EmbeddedScene, outlines: Outlines) -> Matte:
    near = outlines.within(_ring_px(scene) + 1) & ~outlines.far
    return front_matte(scene.photo.texture, near, outlines.rim, scene.outline_px)


def _front(scene: EmbeddedScene, outlines: Outlines, matte: Matte, step: float) -> Front:
    ring = outlines.beside(_ring_px(scene))
    fine_ring = resize(ring.astype(np.float32), Size.of(matte.alpha)) > 0.5
    soft = matte.band
    if scene.is_exact:  # then what is near is near as a whole
        soft = soft & (resize(outlines.far.astype(np.float32), Size.of(matte.alpha)) > 0.5)
    alpha = np.where(soft, matte.alpha, ~fine_ring).astype(np.float32)
    texture = scene.photo.texture.astype(np.float32) / 255
    colour = np.where(soft[..., None], matte.colour, texture)
    disparity = np.where(ring, outlines.near, scene.disparity)
    about = outlines.within(_ring_px(scene) + 2)
    belongs_to_near = about & (~outlines.far | ring)
    beyond = about & outlines.far & ~ring
    tears = steps_between(belongs_to_near, beyond, disparity, step / 2)
    limbs = None
    if scene.is_exact:
        tears = tears.and_also(find_steps(disparity, WILD_STEPS * step))
        limbs = find_limbs(scene.disparity, outlines)
    return Front(
        rgba=np.dstack([colour * alpha[..., None], alpha]).astype(np.float32),
        disparity=disparity,
        tears=tears,
        limbs=limbs,
    )


def _unmixed(scene: EmbeddedScene, matte: Matte) -> RgbFloat:
    """The picture without what near surfaces add to the outer half of their soft outlines."""
    outer = resize((matte.band & (matte.alpha < 0.5)).astype(np.float32), scene.size)
    far_colour = resize(matte.far_colour, scene.size)
    picture = scene.picture.astype(np.float32) / 255
    return np.where((outer > 0.99)[..., None], far_colour, picture).astype(np.float32)


def _stained(scene: EmbeddedScene, matte: Matte) -> Mask:
    """Pixels of soft outlines that near surfaces fill by half, whichever side they lie on.

    Where depth is exact, what it lays on the far side is the far side's.
    """
    if scene.is_exact:
        return np.zeros_like(scene.sky)
    near = resize((matte.band & (matte.alpha >= 0.5)).astype(np.float32), scene.size)
    return near > 0.01


def _behind(
    scene: EmbeddedScene,
    outlines: Outlines,
    matte: Matte,
    sky: RgbImage,
    reach: Reach,
    seed: int,
) -> Behind:
    picture, stained = _unmixed(scene, matte), _stained(scene, matte)
    disparity, soft_px = scene.disparity, scene.outline_px
    rim = outlines.beside(2 * soft_px + 3) & ~outlines.within(soft_px)
    if not rim.any():
        rim = outlines.beside(soft_px)
    carried, is_sky = _carried_under(scene, rim)
    filled = _on_the_ground(scene, carried)
    deeper = disparity > filled + reach.step / 2
    uncovered_px = UNCOVERED_MARGIN * reach.parallax_px * outlines.jump + 2 * soft_px
    reached = deeper & (outlines.distance_px < uncovered_px)
    kept = _distance_to_border(scene.size) < BORDER_SHARE * outlines.distance_px
    beside = outlines.beside(_ring_px(scene) + front_cell_px(scene.size))
    deep = (reached & ~kept) | outlines.within(soft_px)
    behind = np.where(deep, np.minimum(filled, disparity), disparity)
    behind = np.where(beside, _lowest(disparity, round(soft_px)), behind).astype(np.float32)
    invented = hidden = (deep & ~beside) | (beside & stained)
    if scene.is_exact:
        picture, continued = _with_far_side_continued(picture, outlines, soft_px)
        behind = np.where(continued, _lowest(disparity, round(soft_px) + 1), behind)
        invented, hidden = hidden | continued, hidden & ~continued
    barred = hidden | (deeper & (outlines.distance_px < 2 * uncovered_px))
    open_sky = invented & is_sky & (behind < NOT_SKY * SKY_DISPARITY)
    picture = np.where(open_sky[..., None], sky / np.float32(255), picture)
    colour = inpaint_behind(picture, hidden & ~open_sky, barred, behind / behind.max(), seed)
    return Behind(
        colour=colour, disparity=behind, invented=invented, open_sky=open_sky, sky=sky
    )


def _carried_under(scene: EmbeddedScene, rim: Mask) -> tuple[Plane, Mask]:
    """What is on the rim carried everywhere, and where that is sky; nothing hangs between.

    Below the horizon of the ground there is no sky.
    """
    sky, things = rim & scene.sky, rim & ~scene.sky
    share = push_pull(sky.astype(np.float32), rim.astype(np.float32))
    is_sky = (share > 0.5) & sky.any() & (_ground_plane(scene) < NOT_SKY * SKY_DISPARITY)
    filled = push_pull(scene.disparity, (things if things.any() else rim).astype(np.float32))
    return np.where(is_sky, np.float32(SKY_DISPARITY), filled), is_sky


def _with_far_side_continued(
    picture: RgbFloat, outlines: Outlines, soft_px: float
) -> tuple[RgbFloat, Mask]:
    """The picture with the near half of soft outlines in the colours of the far side beside.

    What shows there first was never quite hidden: it is a smooth end of what is beside it.
    """
    sigma_px = CONTINUED_PX / 2 * soft_px
    sure = outlines.beside(soft_px + CONTINUED_PX) & ~outlines.within(soft_px)
    weight = sure.astype(np.float32)
    near_half = outlines.within(soft_px) & ~outlines.far
    summed, total = (
        cv2.GaussianBlur(values, (0, 0), sigma_px)
        for values in (picture * weight[..., None], weight)
    )
    continued = near_half & (total > LEAST_WEIGHT)
    far_colour = summed / np.maximum(total, np.float32(LEAST_WEIGHT))[..., None]
    return np.where(continued[..., None], far_colour, picture), continued


def _lowest(values: Plane, radius: int) -> Plane:
    return cv2.erode(values, np.ones((2 * radius + 1,) * 2, np.uint8))


def _on_the_ground(scene: EmbeddedScene, filled: Plane) -> Plane:
    """What lies behind rises at most a little over the ground and its farthest surroundings."""
    if scene.ground is None:
        return filled
    window = np.ones((scene.size.height // 12 | 1,) * 2, np.uint8)
    farthest_near = cv2.erode(scene.disparity, window)
    ceiling = np.maximum(_ground_plane(scene), farthest_near) + GROUND_SLACK
    return np.minimum(filled, ceiling)


def _ground_plane(scene: EmbeddedScene) -> Plane:
    """The ground's disparity per pixel, 0 where there is none and below 0 above its horizon."""
    if scene.ground is None:
        return np.zeros_like(scene.disparity)
    size = scene.size
    x = (np.arange(size.width) + 0.5)[None] / size.width
    y = (np.arange(size.height) + 0.5)[:, None] / size.height
    return scene.ground.disparity(x, y).astype(np.float32)


def _distance_to_border(size: Size) -> Plane:
    x = np.arange(size.width)
    y = np.arange(size.height)[:, None]
    side = np.minimum(x, size.width - 1 - x)[None]
    return np.minimum(side, np.minimum(y, size.height - 1 - y)).astype(np.float32) + 1
