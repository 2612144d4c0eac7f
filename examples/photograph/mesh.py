"""Meshes from simple solids, with UV coordinates in metres and a tint per face.

Axes of this folder: x right, y away from the camera, z up, metres.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeAlias

import bpy
import numpy as np
from numpy.typing import ArrayLike

from photograph.nodes import Material, Mesh

Faces: TypeAlias = np.ndarray | Sequence[tuple[int, ...]]
"""Rows of vertex indices; rows may differ in length."""

WHITE = (1.0, 1.0, 1.0)
BOX_FACES = np.array(
    [(0, 1, 5, 4), (1, 3, 7, 5), (3, 2, 6, 7), (2, 0, 4, 6), (4, 5, 7, 6), (0, 2, 3, 1)]
)
BOX_UV_AXES = ((0, 2), (1, 2), (0, 2), (1, 2), (0, 1), (0, 1))


def placement(x: float, y: float, z: float, turn_deg: float) -> np.ndarray:
    """A 4x4 that turns about z and then moves."""
    c, s = math.cos(math.radians(turn_deg)), math.sin(math.radians(turn_deg))
    return np.array([[c, -s, 0, x], [s, c, 0, y], [0, 0, 1, z], [0, 0, 0, 1.0]])


class MeshBuilder:
    """Collects faces of many solids and turns them into one Blender mesh."""

    def __init__(self) -> None:
        self._vertices: list[np.ndarray] = []
        self._loops: list[np.ndarray] = []
        self._sides: list[np.ndarray] = []
        self._uv: list[np.ndarray] = []
        self._tints: list[np.ndarray] = []
        self._slots: list[np.ndarray] = []
        self._smooth: list[np.ndarray] = []
        self._materials: list[Material] = []
        self._count = 0
        self._local = np.eye(4)

    @contextmanager
    def at(self, x: float, y: float, z: float = 0.0, turn_deg: float = 0.0) -> Iterator[None]:
        """Build inside a local frame that stands at a place and is turned about z."""
        outer = self._local
        self._local = outer @ placement(x, y, z, turn_deg)
        try:
            yield
        finally:
            self._local = outer

    def add(
        self,
        material: Material,
        vertices: ArrayLike,
        faces: Faces,
        *,
        uv: ArrayLike,
        tint: ArrayLike = WHITE,
        smooth: bool = False,
    ) -> None:
        """Faces as rows of vertex indices; `uv` per face corner; one tint, or one per face."""
        points = np.asarray(vertices, float) @ self._local[:3, :3].T + self._local[:3, 3]
        sides = np.array([len(face) for face in faces])
        loops = np.concatenate([np.asarray(face) for face in faces])
        if material not in self._materials:
            self._materials.append(material)
        tints = np.broadcast_to(np.asarray(tint, float), (len(sides), 3))
        self._vertices.append(points)
        self._loops.append(loops + self._count)
        self._sides.append(sides)
        self._uv.append(np.asarray(uv, float).reshape(-1, 2))
        self._tints.append(np.repeat(tints, sides, axis=0))
        self._slots.append(np.full(len(sides), self._materials.index(material)))
        self._smooth.append(np.full(len(sides), smooth))
        self._count += len(points)

    def box(
        self,
        material: Material,
        base: Sequence[float],
        size: Sequence[float],
        *,
        turn_deg: float = 0.0,
        tint: ArrayLike = WHITE,
        uv_offset: ArrayLike = (0.0, 0.0),
    ) -> None:
        """A box; `base` is the centre of its underside."""
        sx, sy, sz = size
        corners = [
            (x, y, z) for z in (0, sz) for y in (-sy / 2, sy / 2) for x in (-sx / 2, sx / 2)
        ]
        points = np.array(corners, float)
        anchored = points + np.asarray(base)
        uv = [
            anchored[face][:, axes] for face, axes in zip(BOX_FACES, BOX_UV_AXES, strict=True)
        ]
        turned = points @ placement(0, 0, 0, turn_deg)[:3, :3].T + np.asarray(base)
        coordinates = np.concatenate(uv) + np.asarray(uv_offset)
        self.add(material, turned, BOX_FACES, uv=coordinates, tint=tint)

    def quad(self, material: Material, corners: ArrayLike, *, tint: ArrayLike = WHITE) -> None:
        """Four corners, anticlockwise as seen from the front."""
        points = np.asarray(corners, float)
        width = float(np.linalg.norm(points[1] - points[0]))
        height = float(np.linalg.norm(points[3] - points[0]))
        uv = [(0, 0), (width, 0), (width, height), (0, height)]
        self.add(material, points, np.array([(0, 1, 2, 3)]), uv=uv, tint=tint)

    def tube(
        self,
        material: Material,
        path: ArrayLike,
        radii: float | Sequence[float],
        *,
        sides: int = 10,
        tint: ArrayLike = WHITE,
    ) -> None:
        """A round tube along a polyline, open at its ends unless a radius there is zero."""
        points = np.asarray(path, float)
        radius = np.broadcast_to(np.asarray(radii, float), (len(points),))
        along = np.gradient(points, axis=0)
        along /= np.linalg.norm(along, axis=1, keepdims=True)
        upright = np.abs(along[:, 2:]) < 0.9
        across = np.cross(along, np.where(upright, [0.0, 0, 1], [1.0, 0, 0]))
        across /= np.linalg.norm(across, axis=1, keepdims=True)
        other = np.cross(along, across)
        angle = np.arange(sides + 1) * 2 * np.pi / sides
        ring = (
            np.cos(angle)[None, :, None] * across[:, None]
            + np.sin(angle)[None, :, None] * other[:, None]
        )
        vertices = points[:, None] + ring * radius[:, None, None]
        steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
        length = np.concatenate([[0.0], np.cumsum(steps)])
        u, v = np.meshgrid(angle * max(radius.max(), 1e-3), length)
        self.sheet(material, vertices[:, ::-1], uv=np.stack([u, v], -1), tint=tint, smooth=True)

    def lathe(
        self,
        material: Material,
        base: Sequence[float],
        profile: Sequence[tuple[float, float]],
        *,
        sides: int = 24,
        tint: ArrayLike = WHITE,
    ) -> None:
        """A turned solid: (radius, height) pairs from bottom to top."""
        angle = np.arange(sides + 1) * 2 * np.pi / sides
        radius = np.array([p[0] for p in profile])[:, None]
        height = np.array([p[1] for p in profile])[:, None]
        x, y = np.cos(angle) * radius, np.sin(angle) * radius
        vertices = np.stack([x, y, height + 0 * x], -1) + np.asarray(base)
        u = np.broadcast_to(angle * radius.max(), x.shape)
        travel = np.hypot(np.diff(radius[:, 0]), np.diff(height[:, 0]))
        v = np.broadcast_to(np.concatenate([[0.0], np.cumsum(travel)])[:, None], x.shape)
        self.sheet(material, vertices, uv=np.stack([u, v], -1), tint=tint, smooth=True)

    def sheet(
        self,
        material: Material,
        vertices: np.ndarray,
        *,
        uv: np.ndarray,
        tint: ArrayLike = WHITE,
        smooth: bool = False,
    ) -> None:
        """A grid `(rows, columns, 3)` of points joined by quads; front where rows turn left."""
        rows, columns = vertices.shape[:2]
        corner = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
        faces = np.stack([corner, corner + 1, corner + columns + 1, corner + columns], axis=1)
        per_corner = uv.reshape(-1, 2)[faces.ravel()]
        self.add(
            material, vertices.reshape(-1, 3), faces, uv=per_corner, tint=tint, smooth=smooth
        )

    def cards(
        self,
        material: Material,
        centres: np.ndarray,
        size: float,
        *,
        rng: np.random.Generator,
        tints: np.ndarray,
        aspect: float = 0.5,
    ) -> None:
        """Leaves: one diamond per centre, turned at random."""
        count = len(centres)
        along = rng.normal(size=(count, 3))
        along /= np.linalg.norm(along, axis=1, keepdims=True)
        across = np.cross(along, rng.normal(size=(count, 3)))
        across /= np.linalg.norm(across, axis=1, keepdims=True)
        reach = size * rng.uniform(0.6, 1.3, (count, 1))
        a, b = along * reach, across * reach * aspect
        corners = np.stack([centres - a, centres + b, centres + a, centres - b], axis=1)
        faces = np.arange(4 * count).reshape(count, 4)
        uv = np.tile([(0, 0), (1, 0), (1, 1), (0, 1)], (count, 1))
        self.add(material, corners.reshape(-1, 3), faces, uv=uv, tint=tints)

    def mesh(self, name: str) -> Mesh:
        """Everything added so far as one Blender mesh."""
        mesh = bpy.data.meshes.new(name)
        vertices, loops = np.concatenate(self._vertices), np.concatenate(self._loops)
        sides = np.concatenate(self._sides)
        starts = np.concatenate([[0], np.cumsum(sides)[:-1]])
        mesh.vertices.add(len(vertices))
        mesh.vertices.foreach_set("co", vertices.ravel())
        mesh.loops.add(len(loops))
        mesh.loops.foreach_set("vertex_index", loops.astype(np.int32))
        mesh.polygons.add(len(sides))
        mesh.polygons.foreach_set("loop_start", starts.astype(np.int32))
        slots = np.concatenate(self._slots).astype(np.int32)
        mesh.polygons.foreach_set("material_index", slots)
        mesh.polygons.foreach_set("use_smooth", np.concatenate(self._smooth))
        mesh.uv_layers.new(name="UVMap").data.foreach_set(
            "uv", np.concatenate(self._uv).ravel()
        )
        tints = np.concatenate(self._tints)
        rgba = np.concatenate([tints, np.ones((len(tints), 1))], axis=1)
        layer = mesh.color_attributes.new("tint", "FLOAT_COLOR", "CORNER")
        layer.data.foreach_set("color", rgba.ravel())
        for material in self._materials:
            mesh.materials.append(material)
        mesh.update(calc_edges=True)
        mesh.validate()
        return mesh

    def stand(self, name: str, *, bevel_m: float = 0.0) -> bpy.types.Object:
        """Put everything added so far into the scene, its sharp edges rounded by `bevel_m`."""
        placed = instance(self.mesh(name))
        if bevel_m:
            modifier = placed.modifiers.new("bevel", "BEVEL")
            modifier.width, modifier.segments = bevel_m, 2
            modifier.limit_method, modifier.angle_limit = "ANGLE", math.radians(50)
        return placed


def instance(
    mesh: Mesh,
    place: Sequence[float] = (0.0, 0.0, 0.0),
    turn_deg: float = 0.0,
    scale: float | Sequence[float] = 1.0,
) -> bpy.types.Object:
    """The mesh once more, elsewhere; instances share memory."""
    placed = bpy.data.objects.new(mesh.name, mesh)
    placed.location = place
    placed.rotation_euler = (0.0, 0.0, math.radians(turn_deg))
    placed.scale = (scale, scale, scale) if isinstance(scale, int | float) else scale
    bpy.context.scene.collection.objects.link(placed)
    return placed


def varied(
    rng: np.random.Generator,
    count: int | None = None,
    *,
    low: float = 0.75,
    high: float = 1.2,
    hue: float = 0.08,
) -> np.ndarray:
    """Tints around white: brightness in [low, high], colour off by at most `hue`."""
    rows = 1 if count is None else count
    tints = rng.uniform(low, high, (rows, 1)) + rng.uniform(-hue, hue, (rows, 3))
    return np.clip(tints[0] if count is None else tints, 0.02, None)
