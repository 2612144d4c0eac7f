"""Where a scene is put together: primitives, materials, terrain; metres, ground at y = 0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

import numpy as np

from lyra_zoom.scenes import layout
from lyra_zoom.scenes.hit_kernels import terrain_height
from lyra_zoom.scenes.palette import Material

ENDLESS = 1e7

Triple: TypeAlias = Sequence[float] | np.ndarray
"""Three numbers: a place, or half a size, in metres."""

T = TypeVar("T")


def one_of(rng: np.random.Generator, options: Sequence[T]) -> T:
    """One of the options, each as likely."""
    return options[int(rng.integers(len(options)))]


@dataclass(frozen=True, slots=True)
class Cut:
    """Which part of a surface is missing; see `layout` for the kinds and their numbers."""

    kind: int
    a: float
    b: float = 0.0
    c: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Eye:
    """The scene's own camera: where it stands and how it looks (pitch above 0 looks up)."""

    at: Triple
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    fov_x: float = 1.0


def turned(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> np.ndarray:
    """World-to-local rotation: yaw turns right, pitch looks up, roll leans right; radians."""
    cy, sy, cp, sp, cr, sr = (
        np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll),
    )  # fmt: skip
    about_y = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    about_z = np.array([[cr, sr, 0], [-sr, cr, 0], [0, 0, 1]])
    return about_z @ about_x @ about_y


UPRIGHT = np.array([[1.0, 0, 0], [0, 0, 1.0], [0, -1.0, 0]])
"""Local axes of a plane that stands and faces the viewer: its z goes up, its x right."""


@dataclass
class Stage:
    """A scene in the making; every method adds something and draws chance from `rng`."""

    rng: np.random.Generator
    rows: list[np.ndarray] = field(default_factory=list)
    materials: list[np.ndarray] = field(default_factory=list)
    heights: np.ndarray = field(default_factory=lambda: np.zeros((1, 1)))
    place: np.ndarray = field(default_factory=lambda: np.array([0.0, 0.0, 1.0]))
    roofed: bool = False

    def use(self, material: Material) -> int:
        """Keep a material and return its number."""
        self.materials.append(material.row(int(self.rng.integers(1 << 20))))
        return len(self.materials) - 1

    def _add(
        self, kind: int, centre: Triple, half: Triple, material: int,
        rotation: np.ndarray | None, cut: Cut | None,
    ) -> np.ndarray:  # fmt: skip
        row = np.zeros(layout.PRIMITIVE_COLUMNS)
        row[layout.KIND], row[layout.MATERIAL] = kind, material
        if cut is not None:
            row[[layout.CUT, layout.CUT_A, layout.CUT_B, layout.CUT_C]] = (
                cut.kind,
                cut.a,
                cut.b,
                cut.c,
            )
        row[layout.CENTRE : layout.CENTRE + 3] = centre
        row[layout.ROTATION : layout.ROTATION + 9] = (
            np.eye(3) if rotation is None else rotation
        ).ravel()
        row[layout.HALF : layout.HALF + 3] = half
        reach = np.array(half, float)
        if kind == layout.FRUSTUM:
            widest = max(half[0], half[2])
            reach = np.array([widest, half[1], 0.0])
        row[layout.RADIUS] = reach.max() if kind == layout.ELLIPSOID else np.linalg.norm(reach)
        row[layout.SEED] = self.rng.integers(1 << 20)
        self.rows.append(row)
        return row

    def box(
        self, centre: Triple, half: Triple, material: int,
        rotation: np.ndarray | None = None, cut: Cut | None = None,
    ) -> None:  # fmt: skip
        """A block around its centre."""
        self._add(layout.BOX, centre, half, material, rotation, cut)

    def block(
        self, x: float, z: float, size: Triple, material: int, yaw: float = 0.0,
        base: float = 0.0,
    ) -> None:  # fmt: skip
        """A block of width, height and depth that stands `base` metres above the ground."""
        w, h, d = size
        self.box((x, -base - h / 2, z), (w / 2, h / 2, d / 2), material, turned(yaw))

    def room(self, centre: Triple, half: Triple, material: int) -> None:
        """A block that is looked at from inside."""
        self._add(layout.BOX, centre, half, material, None, None)[layout.HOLLOW] = 1

    def ball(
        self, centre: Triple, half: Triple, material: int,
        rotation: np.ndarray | None = None, cut: Cut | None = None,
    ) -> None:  # fmt: skip
        """An ellipsoid."""
        self._add(layout.ELLIPSOID, centre, half, material, rotation, cut)

    def post(
        self, x: float, z: float, height: float, radii: tuple[float, float], material: int,
        base: float = 0.0,
    ) -> None:  # fmt: skip
        """An upright cylinder or cone; radii at the top and at the bottom."""
        half = (radii[0], height / 2, radii[1])
        self._add(layout.FRUSTUM, (x, -base - height / 2, z), half, material, None, None)

    def rod(
        self,
        start: Triple,
        end: Triple,
        radii: tuple[float, float],
        material: int,
    ) -> None:
        """A cylinder or cone between two points; radii at the start and at the end."""
        a, b = np.array(start, float), np.array(end, float)
        length = float(np.linalg.norm(b - a))
        down = (b - a) / length
        side = np.cross(down, [0.0, 0.0, 1.0] if abs(down[2]) < 0.9 else [1.0, 0.0, 0.0])
        side /= np.linalg.norm(side)
        rotation = np.stack([side, down, np.cross(side, down)])
        half = (radii[0], length / 2, radii[1])
        self._add(layout.FRUSTUM, (a + b) / 2, half, material, rotation, None)

    def floor(self, material: int, height: float = 0.0, half: float = ENDLESS) -> None:
        """A level plane; endless unless `half` is given."""
        self._add(layout.PLANE, (0.0, -height, 0.0), (half, 1.0, half), material, None, None)

    def card(
        self, centre: Triple, half: tuple[float, float], material: int, yaw: float = 0.0,
        cut: Cut | None = None,
    ) -> None:  # fmt: skip
        """A thin standing rectangle that faces the viewer when `yaw` is 0."""
        rotation = UPRIGHT @ turned(yaw)
        self._add(layout.PLANE, centre, (half[0], 1.0, half[1]), material, rotation, cut)

    def arch(
        self, x: float, z: float, size: Triple, opening: tuple[float, float], material: int,
        yaw: float = 0.0,
    ) -> None:  # fmt: skip
        """A standing block with a round-topped opening: its half-width and full height."""
        w, h, d = size
        half = (w / 2, h / 2, d / 2)
        row = self._add(layout.ARCH, (x, -h / 2, z), half, material, turned(yaw), None)
        row[layout.EXTRA_A], row[layout.EXTRA_B] = opening[0], h / 2 - opening[1] + opening[0]

    def terrain(self, heights: np.ndarray, cell: float, corner: tuple[float, float]) -> None:
        """A height field in metres; `heights[0, 0]` lies at `corner` (x, z)."""
        self.heights = np.ascontiguousarray(heights, np.float64)
        self.place = np.array([corner[0], corner[1], cell])

    def height_at(self, x: float, z: float) -> float:
        """Height of the terrain at a place, 0 where there is none."""
        if self.heights.shape[0] == 1:
            return 0.0
        height = float(terrain_height(self.heights, self.place, x, z))
        return height if height > -9e3 else 0.0

    def clear_around(self, at: Triple, margin: float) -> None:
        """Take away what the camera at this point would stand in or touch with its lens."""
        point = np.array(at, float)
        self.rows = [row for row in self.rows if not _touches(row, point, margin)]


def _touches(row: np.ndarray, point: np.ndarray, margin: float) -> bool:
    if row[layout.HOLLOW] or row[layout.RADIUS] > 1e6 or int(row[layout.KIND]) == layout.ARCH:
        return False
    rotation = row[layout.ROTATION : layout.ROTATION + 9].reshape(3, 3)
    local = np.abs(rotation @ (point - row[layout.CENTRE : layout.CENTRE + 3]))
    half = row[layout.HALF : layout.HALF + 3].copy()
    if int(row[layout.KIND]) == layout.FRUSTUM:
        half[[0, 2]] = max(half[0], half[2])
    if int(row[layout.KIND]) == layout.PLANE:
        half[1] = 0.0
    return bool((local < half + margin).all())
