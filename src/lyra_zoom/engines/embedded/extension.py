"""Geometry beyond the borders of the photograph (E), made where a path looks past them.

At the pose that sees most of what is missing, the surfaces of B are continued outwards; no
point sinks below the ground. Colours are not painted but looked up in B, mirrored in the world,
so that ground, water and walls go on at the right scale.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from lyra_zoom.engines.embedded.lookup import GROUND_TOLERANCE, Lookup
from lyra_zoom.engines.embedded.mesh import Cells, Mesh, plain_grid_mesh
from lyra_zoom.engines.embedded.near_ground import Floor
from lyra_zoom.engines.embedded.push_pull import push_pull
from lyra_zoom.geometry.camera import Intrinsics, pixel_centres, scale_intrinsics, unproject
from lyra_zoom.geometry.image import Mask, Plane, Size
from lyra_zoom.geometry.rigid import Point, Points, Rigid, camera_centre_world, invert_rigid

GRID_PX = 4  # one vertex of the extension per this many pixels of the video
WIDER = 1.12  # the extension's camera sees this much more than the frame
OVERLAP = 3  # vertices by which the extension reaches under B
SKY_OVERLAP = 8  # vertices by which the sky reaches under solid things
GAP = 0.12  # of the height: what is at most that high between solid things is solid
SKY_MARGIN = 2.0  # times the disparity of sky: nearer than this is a thing


@dataclass(frozen=True, slots=True)
class Outlook:
    """A camera that looks past the photograph: `K` for the extension's grid of `size`."""

    w2c: Rigid
    K: Intrinsics
    size: Size


def outlook_at(w2c: Rigid, K: Intrinsics, size: Size) -> Outlook:
    """The camera of one frame, a little wider, on the coarse grid."""
    grid = size.scaled(WIDER / GRID_PX)
    wide = scale_intrinsics(K, size, grid)
    wide[0, 0] /= WIDER
    wide[1, 1] /= WIDER
    return Outlook(w2c, wide, grid)


@dataclass(frozen=True, slots=True)
class Extension:
    """What continues the scene beyond what one outlook sees; each may be missing.

    `near_ground` lies over `solid`; its texture coordinates are those of a `Floor`.
    """

    solid: Mesh | None
    sky: Mesh | None
    near_ground: Mesh | None = None


def extend(
    outlook: Outlook,
    disparity_seen: Plane,
    lookup: Lookup,
    sky_disparity: float,
    floor: Floor | None = None,
    *,
    open_air: bool = False,
) -> Extension:
    """The meshes that continue what is seen from `outlook`: 1/depth, 0 where nothing is seen.

    Sky and solid things are continued apart, so that no surface hangs between them. With a
    `floor`, ground nearer than the photograph shows it has a mesh of its own.
    """
    seen = disparity_seen > 0
    if seen.all() or not seen.any():
        return Extension(None, None)
    surface = continue_surface(outlook, disparity_seen, lookup.ground, sky_disparity)
    if open_air:
        surface = _under_open_sky(outlook, surface, seen, lookup.ground, sky_disparity)
    needed = _grown(~seen, OVERLAP)
    solid_needed = needed & ~surface.sky
    solid = _mesh(outlook, surface.disparity, surface.on_ground, solid_needed, lookup)
    paving = None
    if floor is not None:
        paving = _paving(outlook, surface, solid_needed, floor)
    if not surface.sky[~seen].any():
        return Extension(solid, None, paving)
    far = np.full_like(disparity_seen, sky_disparity)
    sky_needed = needed & _grown(surface.sky, SKY_OVERLAP)
    whole = replace(lookup, strip=1.0)  # sky may be upside down
    return Extension(solid, _mesh(outlook, far, np.zeros_like(seen), sky_needed, whole), paving)


def _grown(mask: Mask, vertices: int) -> Mask:
    return cv2.dilate(mask.astype(np.uint8), np.ones((2 * vertices + 1,) * 2, np.uint8)) > 0


def _mesh(
    outlook: Outlook, disparity: Plane, on_ground: Mask, keep: Mask, lookup: Lookup
) -> Mesh | None:
    cells = _whole_cells(keep)
    if not cells.any():
        return None
    points_world = _points(outlook, disparity)
    uv = lookup.uv(points_world, on_ground)
    return plain_grid_mesh(points_world.astype(np.float32), uv.astype(np.float32), cells)


def _paving(outlook: Outlook, surface: Surface, keep: Mask, floor: Floor) -> Mesh | None:
    """Ground nearer than the floor's origin, where the photograph ends."""
    points_world = _points(outlook, surface.disparity)
    texels = floor.texels(points_world)
    nearer = _grown(surface.on_ground & (texels[..., 1] < 0), 1)
    cells = _whole_cells(keep & surface.on_ground & nearer)
    if not cells.any():
        return None
    return plain_grid_mesh(points_world.astype(np.float32), texels.astype(np.float32), cells)


def _whole_cells(keep: Mask) -> Cells:
    return keep[:-1, :-1] & keep[1:, :-1] & keep[:-1, 1:] & keep[1:, 1:]


def _points(outlook: Outlook, disparity: Plane) -> Points:
    points_cam = unproject(
        pixel_centres(outlook.size), 1.0 / disparity.astype(np.float64), outlook.K
    )
    c2w = invert_rigid(outlook.w2c)
    return points_cam @ c2w[:3, :3].T + c2w[:3, 3]


@dataclass(frozen=True, slots=True)
class Surface:
    """What one outlook would see everywhere: 1/depth, and where it is ground or sky."""

    disparity: Plane
    on_ground: Mask
    sky: Mask


def continue_surface(
    outlook: Outlook, disparity_seen: Plane, ground_world: Point | None, sky_disparity: float
) -> Surface:
    """What is seen, carried outwards smoothly and never below the ground."""
    seen = disparity_seen > 0
    inner = cv2.erode(seen.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=1) > 0
    sky_seen = disparity_seen < SKY_MARGIN * sky_disparity
    sky = push_pull(sky_seen.astype(np.float32), inner.astype(np.float32)) > 0.5
    filled = push_pull(disparity_seen, (inner & ~sky_seen).astype(np.float32))
    filled = np.maximum(filled, sky_disparity)
    if ground_world is None:
        return Surface(filled, np.zeros_like(seen), sky)
    plane = ground_disparity(outlook, ground_world)
    on_ground = plane > filled * (1 - GROUND_TOLERANCE)
    filled = np.where(seen, filled, np.maximum(filled, plane))
    return Surface(filled, on_ground, sky & ((plane <= SKY_MARGIN * sky_disparity) | seen))


def _under_open_sky(
    outlook: Outlook, surface: Surface, seen: Mask, ground_world: Point | None, sky: float
) -> Surface:
    """The surface with sky above the horizon and ground below, but for gaps in solid things."""
    if ground_world is None:
        return surface
    plane = ground_disparity(outlook, ground_world)
    above = plane <= SKY_MARGIN * sky
    gap = np.ones((round(GAP * outlook.size.height) | 1, 1), np.uint8)
    solid = (seen & ~surface.sky).astype(np.uint8)
    free = ~seen & ~(cv2.morphologyEx(solid, cv2.MORPH_CLOSE, gap) > 0)
    return Surface(
        np.where(free & ~above, plane, surface.disparity),
        surface.on_ground | (free & ~above),
        np.where(above & ~seen, free, surface.sky),
    )


def ground_disparity(outlook: Outlook, ground_world: Point) -> Plane:
    """1/depth of the ground plane along each ray of the outlook; 0 where it is not met."""
    centre = camera_centre_world(outlook.w2c)
    clearance = 1 - float(ground_world @ centre)
    if clearance <= 1e-6:
        return np.zeros((outlook.size.height, outlook.size.width), np.float32)
    pixels = pixel_centres(outlook.size)
    rays = unproject(pixels, np.ones(pixels.shape[:2]), outlook.K)
    return np.maximum(rays @ (outlook.w2c[:3, :3] @ ground_world) / clearance, 0).astype(
        np.float32
    )
