"""Draws meshes for one camera: which triangle shows at each pixel, and how near."""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8

from lyra_zoom.engines.embedded.mesh import Mesh
from lyra_zoom.engines.embedded.raster_kernels import (
    ROW_FIELDS,
    TILE_PX,
    Faces,
    Target,
    locate_all,
    scan,
    set_up,
    transform,
)
from lyra_zoom.geometry.camera import Intrinsics
from lyra_zoom.geometry.image import Plane, Size
from lyra_zoom.geometry.rigid import Rigid

NO_ALPHA = np.zeros((1, 1), np.uint8)


def no_tiles(size: Size) -> UInt8[np.ndarray, "rows columns"]:
    """A flag per tile of `TILE_PX` squared that covers a picture, all 0."""
    return np.zeros((-(-size.height // TILE_PX), -(-size.width // TILE_PX)), np.uint8)


class LayerBuffer:
    """One layer as one camera sees it; memory that is used again for every layer and frame.

    Not to be shared between threads. Several meshes may be drawn into it as long as they have
    the same texture.
    """

    def __init__(self, size: Size) -> None:
        self.size = size
        self._target = Target(
            np.zeros((size.height, size.width), np.float32),
            np.zeros((size.height, size.width), np.int32),
            np.empty((0, ROW_FIELDS), np.float32),
            no_tiles(size),
        )
        self._screen = np.empty((0, 4), np.float32)
        self._used = 0

    @property
    def target(self) -> Target:
        """The buffers as the kernels take them."""
        return self._target

    @property
    def inverse_depth(self) -> Plane:
        """1 / depth per pixel, 0 where nothing was drawn."""
        return self._target.inverse_depth

    def clear(self, hidden: UInt8[np.ndarray, "rows columns"] | None = None) -> None:
        """Forget what was drawn; what lies wholly in `hidden` tiles will not be drawn."""
        self._target.inverse_depth.fill(0)
        self._target.hidden[:] = 0 if hidden is None else hidden
        self._used = 0

    def draw(
        self,
        mesh: Mesh,
        w2c: Rigid,
        K: Intrinsics,
        near: float,
        alpha: np.ndarray | None = None,
    ) -> None:
        """Draw the part of a mesh that lies at least `near` before the camera.

        `alpha` is the texture's (`Texture.alpha`); where it is clear the mesh hides nothing.
        """
        self._make_room(len(mesh.vertices), len(mesh.triangles))
        screen = self._screen[: len(mesh.vertices)]
        near_f32 = np.float32(near)
        transform(mesh.vertices, K @ w2c[:3], near_f32, screen)
        edge = mesh.edge if alpha is not None else np.zeros_like(mesh.edge)
        faces = Faces(screen, mesh.uv, mesh.texture_depth, mesh.triangles, edge)
        start = self._used
        self._used = set_up(faces, near_f32, self._target, start)
        scan(self._target, start, self._used, NO_ALPHA if alpha is None else alpha)

    def texture_coordinates(self) -> tuple[Plane, Plane]:
        """The u and the v of each pixel, in texels of the full size; -1 where nothing shows."""
        u = np.empty((self.size.height, self.size.width), np.float32)
        v = np.empty_like(u)
        locate_all(self._target, u, v)
        return u, v

    def _make_room(self, vertices: int, triangles: int) -> None:
        if len(self._screen) < vertices:
            self._screen = np.empty((vertices, 4), np.float32)
        needed = self._used + 2 * triangles
        if len(self._target.rows) < needed:
            rows = np.empty((needed, ROW_FIELDS), np.float32)
            rows[: self._used] = self._target.rows[: self._used]
            self._target = self._target._replace(rows=rows)
