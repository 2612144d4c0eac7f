"""How round things go on where they turn away: the far sides behind their limbs.

Towards the limb of a round thing depth grows like a root: t pixels inside the last near pixel,
t + d = (z_limb - z)^2 / (2 R), where d is how far beyond that pixel the limb lies. So t is a
parabola of z. Where one fits within a fraction of a pixel and its limb lies where the outline
is, the thing is round there, and its far side is taken for the mirror image of the near one: as
far beyond the limb as the near side lies before it. Flat things that end, however slanted, have
their limb hundreds of pixels away and are left as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, Float64, Int64

from lyra_zoom.engines.embedded.mesh import Mesh
from lyra_zoom.engines.embedded.outlines import Outlines
from lyra_zoom.geometry.camera import Intrinsics
from lyra_zoom.geometry.image import Mask, Plane, Size

SAMPLES = 6  # pixels inwards, one after the other, that a parabola is fitted to
MISFIT_PX = 0.1  # from the parabola, of what is still round
LIMB_PX = (-0.2, 1.2)  # beyond the last near pixel: where the limb of a round thing lies
BAND_PX = 8.0  # how far round the far side goes, as seen in the photograph
NORMAL_SIGMA_PX = 2.0  # over which the direction of an outline is averaged
ALONG_SIGMA_PX = 1.5  # over which the depth of a limb is averaged
ROUND_SHARE = 0.4  # of the outline about a pixel: from there on it is round as well
UNMIXED_PX = 1.5  # inside its outline a thing has its own colour alone


@dataclass(frozen=True, slots=True)
class Limbs:
    """The far sides of round things as the photograph's camera would see them.

    `near` and `far` are D / depth of the two sides in the `band` along round outlines, of which
    `rim` marks the last near pixels. `inward` is the unit vector (x, y) away from the outline,
    `distance_px` the distance to it.
    """

    near: Plane
    far: Plane
    band: Mask
    rim: Mask
    inward: Float32[np.ndarray, "H W 2"]
    distance_px: Plane


def find_limbs(disparity: Plane, outlines: Outlines) -> Limbs | None:
    """The far sides of all round things along the outlines; None where nothing is round."""
    inward = _inward(outlines)
    y, x = np.nonzero(outlines.rim)
    solid = np.where(outlines.beside(3), outlines.near, disparity)
    limb = np.zeros(disparity.shape, np.float32)
    limb[y, x] = _limb_depths(_depths_inwards(1 / solid, np.stack([x, y], 1), inward[y, x]))
    limb = outlines.of_nearest(_along_rim(limb, outlines.rim))
    depth = 1 / disparity
    far_depth = 2 * limb - depth
    band = (far_depth > depth) & ~outlines.far & outlines.within(BAND_PX)
    if not band.any():
        return None
    far = 1 / np.where(band, far_depth, depth)
    return Limbs(disparity, far, band, band & outlines.rim, inward, outlines.distance_px)


def limb_mesh(limbs: Limbs, K: Intrinsics, texture_size: Size, subject_depth: float) -> Mesh:
    """Far sides as a mesh with the front's texture: the colours of the near side, mirrored.

    Walls along the rim join it to the front, which ends there.
    """
    quads = np.concatenate([_sheet(limbs.band), _walls(limbs.rim)])
    vertices, corners = np.unique(quads, return_inverse=True)
    corners = corners.reshape(quads.shape).astype(np.int32)
    is_near, pixel = np.divmod(vertices, limbs.band.size)
    y, x = np.divmod(pixel, limbs.band.shape[1])
    disparity = np.where(is_near, limbs.near[y, x], limbs.far[y, x])
    centres = np.stack([x + 0.5, y + 0.5, np.ones(len(x))], axis=1)
    rays = centres @ np.linalg.inv(K).T
    points = (rays * (subject_depth / disparity)[:, None]).astype(np.float32)
    mixed_px = np.maximum(UNMIXED_PX - limbs.distance_px[y, x], 0)
    uv = centres[:, :2] + mixed_px[:, None] * limbs.inward[y, x]
    size = Size.of(limbs.band)
    scale = np.array([texture_size.width / size.width, texture_size.height / size.height])
    triangles = np.ascontiguousarray(corners[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3))
    return Mesh(
        points,
        (uv * scale).astype(np.float32),
        triangles,
        np.zeros(len(triangles), np.uint8),
        np.ascontiguousarray(points[:, 2]),
    )


def _inward(outlines: Outlines) -> Float32[np.ndarray, "H W 2"]:
    near = cv2.GaussianBlur((~outlines.far).astype(np.float32), (0, 0), NORMAL_SIGMA_PX)
    slope = np.dstack([cv2.Sobel(near, cv2.CV_32F, *axis) for axis in ((1, 0), (0, 1))])
    length = np.linalg.norm(slope, axis=2, keepdims=True)
    return slope / np.maximum(length, np.float32(1e-9))


def _depths_inwards(
    depth: Plane, pixels: Int64[np.ndarray, "N 2"], inward: Float32[np.ndarray, "N 2"]
) -> Float64[np.ndarray, "N T"]:
    """Depths at some pixels (x, y) and on, step by step, along each one's inward direction."""
    steps = [_looked_up(depth, pixels + t * inward) for t in range(SAMPLES)]
    return np.stack(steps, axis=1).astype(np.float64)


def _looked_up(picture: Plane, places: np.ndarray) -> np.ndarray:
    """Bilinear values at many places (x, y); OpenCV takes no side of 32768 or more."""
    x, y = np.ascontiguousarray(places.T[:, None], np.float32)
    parts = [
        cv2.remap(picture, x[:, i : i + 16384], y[:, i : i + 16384], cv2.INTER_LINEAR)
        for i in range(0, len(places), 16384)
    ]
    return np.concatenate([part[0] for part in parts])


def _limb_depths(depths: Float64[np.ndarray, "N T"]) -> Float32[np.ndarray, " N"]:
    """Depth of the limb per row of depths, from the last near pixel inwards; 0: not round."""
    t = np.arange(depths.shape[1], dtype=np.float64)
    rise = depths[:, :1] - depths  # towards the camera
    whole = np.where(rise[:, -1:] > 0, rise[:, -1:], 1)
    share = rise / whole
    powers = np.stack([share * share, share, np.ones_like(share)], axis=-1)
    squares = np.einsum("nti,ntj->nij", powers, powers) + 1e-9 * np.eye(3)
    fit = np.linalg.solve(squares, np.einsum("nti,t->ni", powers, t)[..., None])
    misfit_px = np.abs((powers @ fit)[..., 0] - t).max(axis=1)
    a, b, c = fit[..., 0].T
    curved = a > 1e-6
    a = np.where(curved, a, 1)
    beyond = b / (2 * a)  # from the last near pixel to the limb, in units of `whole`
    limb_px = a * beyond**2 - c
    is_round = (
        (np.diff(rise, axis=1) > 0).all(axis=1)
        & curved
        & (beyond > 0)
        & (misfit_px < MISFIT_PX)
        & (limb_px > LIMB_PX[0])
        & (limb_px < LIMB_PX[1])
    )
    return np.where(is_round, depths[:, 0] + beyond * whole[:, 0], 0).astype(np.float32)


def _along_rim(limb: Plane, rim: Mask) -> Plane:
    """The depth of limbs averaged along the rim, where enough of the rim about is round."""
    known, all_, summed = (
        cv2.GaussianBlur(values.astype(np.float32), (0, 0), ALONG_SIGMA_PX)
        for values in (limb > 0, rim, limb)
    )
    is_round = rim & (known > ROUND_SHARE * all_)
    return np.where(is_round, summed / np.maximum(known, np.float32(1e-6)), 0)


def _sheet(band: Mask) -> np.ndarray:
    """Quads between four pixels of the band: numbers of far vertices, which are the pixels'."""
    number = np.arange(band.size).reshape(band.shape)
    whole = band[:-1, :-1] & band[:-1, 1:] & band[1:, :-1] & band[1:, 1:]
    corners = (number[:-1, :-1], number[:-1, 1:], number[1:, 1:], number[1:, :-1])
    return np.stack([corner[whole] for corner in corners], axis=1)


def _walls(rim: Mask) -> np.ndarray:
    """Quads between neighbours of the rim, near and far; near vertices are numbered last."""
    number = np.arange(rim.size).reshape(rim.shape)
    quads = []
    for one, other in (
        (np.s_[:, :-1], np.s_[:, 1:]),
        (np.s_[:-1, :], np.s_[1:, :]),
        (np.s_[:-1, :-1], np.s_[1:, 1:]),
        (np.s_[:-1, 1:], np.s_[1:, :-1]),
    ):
        both = rim[one] & rim[other]
        p, q = number[one][both], number[other][both]
        quads.append(np.stack([p + rim.size, q + rim.size, q, p], axis=1))
    return np.concatenate(quads)
