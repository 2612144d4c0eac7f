"""Stones laid one by one: paving setts, coping, roof tiles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from photograph.mesh import MeshBuilder, varied
from photograph.nodes import Material

STONE_FACES = np.array(
    [
        (8, 9, 10, 11),
        *[(i + 4, (i + 1) % 4 + 4, (i + 1) % 4 + 8, i + 8) for i in range(4)],
        *[(i, (i + 1) % 4, (i + 1) % 4 + 4, i + 4) for i in range(4)],
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How a pavement is laid: rows run along x, one behind the other along y."""

    x: tuple[float, float]
    y: tuple[float, float]
    row_m: float
    stone_m: tuple[float, float]
    joint_m: float = 0.014
    wear_m: float = 0.012
    chamfer_m: float = 0.022


def laid_stones(course: Course, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Centres and half sizes `(N, 2)` of the stones of a pavement."""
    centres, halves = [], []
    row = course.row_m
    for y in np.arange(course.y[0], course.y[1], row):
        count = int((course.x[1] - course.x[0]) / course.stone_m[0]) + 1
        ends = course.x[0] + np.cumsum(rng.uniform(*course.stone_m, count))
        ends = np.clip(np.concatenate([[course.x[0]], ends]), None, course.x[1])
        wide = np.diff(ends) > 0.3 * course.stone_m[0]
        middle = (ends[:-1] + ends[1:])[wide] / 2
        centres.append(np.stack([middle, np.full(len(middle), y + row / 2)], axis=1))
        half = np.diff(ends)[wide] / 2 - course.joint_m / 2
        halves.append(np.stack([half, np.full(len(half), (row - course.joint_m) / 2)], axis=1))
    return np.concatenate(centres), np.concatenate(halves)


def pave(
    builder: MeshBuilder,
    material: Material,
    course: Course,
    rng: np.random.Generator,
    top_m: float,
) -> None:
    """Stones with worn edges, none quite level with its neighbours."""
    centres, halves = laid_stones(course, rng)
    count = len(centres)
    signs = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], float)
    outline = centres[:, None] + signs * halves[:, None] + rng.normal(0, 0.004, (count, 4, 2))
    inner = outline - signs * course.chamfer_m
    level = top_m + rng.normal(0, course.wear_m * 0.5, (count, 1))
    top = level + rng.normal(0, course.wear_m * 0.35, (count, 4))
    rings = [
        np.concatenate([outline, np.full((count, 4, 1), top_m - 0.14)], axis=2),
        np.concatenate([outline, (top - course.chamfer_m * 0.8)[..., None]], axis=2),
        np.concatenate([inner, top[..., None]], axis=2),
    ]
    vertices = np.concatenate(rings, axis=1).reshape(-1, 3)
    faces = (np.arange(count)[:, None, None] * 12 + STONE_FACES).reshape(-1, 4)
    uv = vertices[faces.ravel()][:, :2]
    tints = np.repeat(
        varied(rng, count, low=0.55, high=1.2, hue=0.05), len(STONE_FACES), axis=0
    )
    builder.add(material, vertices, faces, uv=uv, tint=tints, smooth=True)


@dataclass(frozen=True, slots=True)
class Slope:
    """One side of a roof: its lower left corner, the way along the eaves and the way up."""

    corner: tuple[float, float, float]
    along: tuple[float, float, float]
    up: tuple[float, float, float]


def tile(
    builder: MeshBuilder, material: Material, slope: Slope, rng: np.random.Generator
) -> None:
    """Overlapping clay tiles with a rounded back, each its own colour."""
    along, up = np.array(slope.along), np.array(slope.up)
    columns = max(2, round(float(np.linalg.norm(along)) / 0.27))
    rows = max(2, round(float(np.linalg.norm(up)) / 0.36))
    normal = np.cross(along, up)
    normal /= np.linalg.norm(normal)
    column, row = (grid.ravel() for grid in np.meshgrid(np.arange(columns), np.arange(rows)))
    corners = []
    for across, lift in ((0.0, 0.0), (0.5, 0.07), (1.0, 0.0)):
        for ahead, overlap in ((0.0, 0.045), (1.12, 0.01)):
            place = (
                np.array(slope.corner)
                + ((column + across) / columns)[:, None] * along
                + np.minimum((row + ahead) / rows, 1.02)[:, None] * up
            )
            sag = rng.normal(0, 0.004, (len(column), 1))
            corners.append(place + normal * (lift + overlap + sag))
    vertices = np.stack(corners, axis=1).reshape(-1, 3)
    first = np.arange(len(column))[:, None] * 6
    faces = np.concatenate([first + np.array([0, 2, 3, 1]), first + np.array([2, 4, 5, 3])])
    uv = np.tile([(0, 0), (0.2, 0), (0.2, 0.36), (0, 0.36)], (len(faces), 1))
    tints = varied(rng, len(column), low=0.55, high=1.25, hue=0.1)
    builder.add(material, vertices, faces, uv=uv, tint=np.concatenate([tints, tints]))
