"""The ground nearer than the photograph shows it, continued by pieces of what it does show.

A camera that retreats past the lower border sees ground that nobody photographed. The ground
in the photograph is laid flat and its texture quilted towards the camera and to both sides.
What stands on the ground is left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Float64

from lyra_zoom.engines.embedded.lookup import lies_on
from lyra_zoom.engines.embedded.mesh import Mesh
from lyra_zoom.engines.embedded.quilt import Swatch, quilt, swatch_of
from lyra_zoom.engines.embedded.scene import EmbeddedScene
from lyra_zoom.engines.embedded.texture import Texture
from lyra_zoom.geometry.camera import project
from lyra_zoom.geometry.image import Mask, Plane, RgbFloat, Size, resize
from lyra_zoom.geometry.rigid import Point, Points

SHOWN_ROWS = 0.45  # of those between horizon and lower border: ground near enough to repeat
MARGIN_TEXELS = 48  # of the photograph's own ground, above what is quilted
LARGEST_CANVAS = Size(2304, 768)  # beyond it, texels are larger than the video's pixels
PATCH_TEXELS = 6.0  # over which colours are averaged before they are compared
OTHER_COLOUR = 3.5  # times the spread of colours
USUAL_SPREAD = 2.0  # in Lab, that no ground is without
LEAST_ALIKE = 0.6  # of the ground, for a colour to prevail
CLEAR_PX = 5  # from what stands on the ground

PlanePoints = Float64[np.ndarray, "*N 2"]
"""Across and ahead on the ground, in texels; (0, 0) is at the middle of the lower border."""


@dataclass(frozen=True, slots=True)
class Floor:
    """The ground as a plane with texels: world point = origin + i * across + j * ahead.

    One texel is about a pixel of the photograph at its lower border.
    """

    origin: Point
    across: Point
    ahead: Point

    def texels(self, points_world: Points) -> PlanePoints:
        """Where points of the ground lie on it."""
        axes = np.stack([self.across, self.ahead], axis=1)
        return (points_world - self.origin) @ axes / np.square(axes).sum(0)

    def points(self, texels: PlanePoints) -> Points:
        """The world points of places on the ground."""
        return self.origin + texels @ np.stack([self.across, self.ahead])


@dataclass(frozen=True, slots=True)
class NearGround:
    """A floor, and the texture that the photograph shows of it."""

    floor: Floor
    swatch: Swatch


def near_ground(scene: EmbeddedScene, plane: Point) -> NearGround | None:
    """The ground `plane . X = 1` of a scene, None where too little of it is shown."""
    laid = _floor(scene, plane)
    if laid is None:
        return None
    floor, rows = laid
    size = Size(scene.size.width, rows)
    colour, usable = _laid_flat(scene, floor, _grid(-size.width / 2, rows, size))
    unlike = unlike_most(colour, usable)
    swatch = swatch_of(colour, without_other_colours(unlike, usable), unlike)
    return None if swatch is None else NearGround(floor, swatch)


def unlike_most(colour: RgbFloat, usable: Mask) -> Plane:
    """How far patches are off the usual colour of what is usable, in usual differences."""
    if not usable.any():
        return np.zeros(usable.shape, np.float32)
    size = Size.of(colour)
    weight = usable.astype(np.float32)
    lab = cv2.cvtColor(colour, cv2.COLOR_RGB2Lab) * weight[..., None]
    summed, total = (
        cv2.GaussianBlur(resize(values, size.scaled(0.5)), (0, 0), PATCH_TEXELS / 2)
        for values in (lab, weight)
    )
    known = resize(weight, size.scaled(0.5)) > 0
    mean = summed / np.maximum(total, np.float32(1e-3))[..., None]
    off = np.abs(mean - np.median(mean[known], axis=0))
    spread = np.median(off[known], axis=0) + USUAL_SPREAD
    return resize((off / spread).max(-1).astype(np.float32), size)


def without_other_colours(unlike: Plane, usable: Mask) -> Mask:
    """What is usable without patches of other colours than most, which are things on it.

    All of it, where no colour prevails.
    """
    alike = usable & (unlike < OTHER_COLOUR)
    return alike if alike.sum() > LEAST_ALIKE * usable.sum() else usable


def paved(
    scene: EmbeddedScene, ground: NearGround, meshes: Sequence[Mesh], seed: int
) -> tuple[list[Mesh], Texture]:
    """The meshes, their texture coordinates so far texels of the floor, and their texture."""
    uv = np.concatenate([mesh.uv for mesh in meshes])
    left, low = (math.floor(edge) - 1 for edge in uv.min(0))
    right, high = (math.ceil(edge) + 1 for edge in uv.max(0))
    high = max(high, MARGIN_TEXELS)
    wanted = Size(right - left, high - low)
    coarser = max(
        1.0, wanted.width / LARGEST_CANVAS.width, wanted.height / LARGEST_CANVAS.height
    )
    piece = ground.swatch.piece
    size = Size(
        max(piece.width, round(wanted.width / coarser)),
        max(piece.height, round(wanted.height / coarser)),
    )
    canvas = np.zeros((size.height, size.width, 3), np.float32)
    known = np.zeros((size.height, size.width), bool)
    shown = Size(size.width, min(size.height, math.ceil(high / coarser)))
    top = np.s_[: shown.height]
    canvas[top], known[top] = _laid_flat(scene, ground.floor, _grid(left, high, shown, coarser))
    middle = round(-left / coarser) - piece.width // 2
    made = quilt(canvas, known, ground.swatch, middle, seed)
    texture = Texture.opaque((np.clip(made, 0, 1) * 255 + 0.5).astype(np.uint8))
    to_canvas = np.array([1, -1]) / coarser
    moved = [(mesh.uv - np.array([left, high])) * to_canvas for mesh in meshes]
    return [
        replace(mesh, uv=uv.astype(np.float32)) for mesh, uv in zip(meshes, moved, strict=True)
    ], texture


def _floor(scene: EmbeddedScene, plane: Point) -> tuple[Floor, int] | None:
    """The floor and how many rows of it are shown near enough; None if it does not recede."""
    K, size = scene.K, scene.size
    middle = size.width / 2

    def on_plane(v: float) -> Point:
        ray = np.linalg.solve(K, np.array([middle, v, 1.0]))
        return ray / float(plane @ ray)

    per_row = float(plane @ np.linalg.solve(K, np.array([0.0, 1.0, 0.0])))
    at_border = float(plane @ np.linalg.solve(K, np.array([middle, size.height, 1.0])))
    if per_row <= 0 or at_border <= 0:
        return None
    origin = on_plane(size.height)
    ahead = on_plane(size.height - 1.0) - origin
    sideways = np.cross(plane, ahead)
    across = sideways / np.linalg.norm(sideways) * origin[2] / K[0, 0]
    farthest = on_plane(size.height - SHOWN_ROWS * at_border / per_row) - origin
    rows = round(float(np.linalg.norm(farthest) / np.linalg.norm(ahead)))
    return Floor(origin, across, ahead), rows


def _grid(left: float, top: float, size: Size, texel: float = 1.0) -> PlanePoints:
    """Centres of a canvas over the ground, whose first row is the farthest."""
    x = left + (np.arange(size.width) + 0.5) * texel
    y = top - (np.arange(size.height) + 0.5) * texel
    return np.stack(np.meshgrid(x, y), axis=-1)


def _laid_flat(
    scene: EmbeddedScene, floor: Floor, texels: PlanePoints
) -> tuple[RgbFloat, Mask]:
    """The photograph's colours on the ground, and where they are its own."""
    points = floor.points(texels)
    pixels = project(points, np.eye(4), scene.K)
    ahead = points[..., 2] > 1e-6
    x, y = (np.where(ahead, pixels[..., k] - 0.5, -9).astype(np.float32) for k in (0, 1))
    picture = scene.picture.astype(np.float32) / 255
    colour = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    shows = cv2.remap(
        _shows_ground(scene), x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT
    )
    known = (shows > 0) & (y < scene.size.height - 1) & (y > 0) & (x > 0)
    return colour, known & (x < scene.size.width - 1)


def _shows_ground(scene: EmbeddedScene) -> np.ndarray:
    """1 where the photograph shows ground and nothing beside it, else 0."""
    assert scene.ground is not None
    flat = lies_on(scene.disparity, scene.ground)
    window = np.ones((2 * CLEAR_PX + 1,) * 2, np.uint8)
    return cv2.erode(flat.astype(np.uint8), window, borderValue=1)
