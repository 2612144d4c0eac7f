"""Town houses: fronts with windows and doors, tiled roofs, gables, dormers, chimneys.

A house stands in its local frame: its front runs along x from 0 to its width and faces -y.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from photograph.masonry import Slope, tile
from photograph.mesh import MeshBuilder, varied
from photograph.nodes import Material

WALL_M = 0.3
REVEAL_M = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseMaterials:
    """Everything a house is made of."""

    wall: Material
    trim: Material
    frame: Material
    shutter: Material
    door: Material
    glass: Material
    lit: Material
    roof: Material
    chimney: Material
    awning: Material
    leaf: Material
    petal: Material


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Sizes and choices of one house; metres."""

    width: float
    depth: float = 8.0
    floors: int = 3
    bays: int = 3
    storey: float = 2.9
    gable: bool = False
    shop: bool = True
    shutters: bool = True
    detailed: bool = True

    @property
    def eaves(self) -> float:
        """Height of the wall's top."""
        return self.floors * self.storey


@dataclass(frozen=True, slots=True)
class Opening:
    """A hole in the front: centre, sill height, width, height."""

    x: float
    z: float
    width: float
    height: float


def build_house(
    b: MeshBuilder, house: House, m: HouseMaterials, rng: np.random.Generator
) -> None:
    """One house in the current local frame."""
    body_y = WALL_M + house.depth / 2
    b.box(m.wall, (house.width / 2, body_y, 0), (house.width, house.depth, house.eaves))
    b.box(m.trim, (house.width / 2, -0.04, 0), (house.width, 0.1, 0.45), tint=(0.55, 0.53, 0.5))
    door = int(rng.integers(house.bays))
    for floor in range(house.floors):
        for bay in range(house.bays):
            build_bay(b, house, m, rng, (floor, bay, door))
        if floor:
            ledge = (house.width, 0.16, 0.1)
            b.box(m.trim, (house.width / 2, -0.03, floor * house.storey - 0.05), ledge)
    if house.shop and house.detailed:
        build_awning(b, house, m, rng)
    (gable_roof if house.gable else eaves_roof)(b, house, m, rng)
    pipe = [(0.16, -0.12, 0.0), (0.16, -0.12, house.eaves)]
    b.tube(m.frame, pipe, 0.05, sides=8, tint=(0.4, 0.4, 0.38))


def build_bay(
    b: MeshBuilder,
    house: House,
    m: HouseMaterials,
    rng: np.random.Generator,
    where: tuple[int, int, int],
) -> None:
    """The wall of one bay of one floor, with its door, shop window or window."""
    floor, bay, door = where
    pitch = house.width / house.bays
    x, z = (bay + 0.5) * pitch, floor * house.storey
    is_door, is_shop = floor == 0 and bay == door, house.shop and floor == 0
    if is_door:
        hole = Opening(x, z + 0.12, 1.1, 2.25)
    elif is_shop:
        hole = Opening(x, z + 0.55, pitch * 0.74, house.storey * 0.58)
    else:
        hole = Opening(x, z + house.storey * 0.29, min(1.05, pitch * 0.46), house.storey * 0.54)
    wall_around(b, m.wall, hole, pitch, (z, house.storey))
    surround(b, m.trim, hole)
    if is_door:
        build_door(b, m, hole, rng)
        return
    build_window(b, m, hole, rng)
    if house.shutters and not is_shop:
        build_shutters(b, m, hole, rng)
    if house.detailed and not is_shop and rng.random() < 0.6:
        build_flower_box(b, m, hole, rng)


def wall_around(
    b: MeshBuilder, wall: Material, hole: Opening, pitch: float, rise: tuple[float, float]
) -> None:
    """Four pieces of wall that leave the opening free."""
    z, storey = rise
    side = (pitch - hole.width) / 2
    for sign in (-1, 1):
        x = hole.x + sign * (hole.width + side) / 2
        b.box(wall, (x, WALL_M / 2, z), (side, WALL_M, storey))
    above = z + storey - hole.z - hole.height
    b.box(wall, (hole.x, WALL_M / 2, z), (hole.width, WALL_M, hole.z - z))
    b.box(wall, (hole.x, WALL_M / 2, hole.z + hole.height), (hole.width, WALL_M, above))


def surround(b: MeshBuilder, trim: Material, hole: Opening) -> None:
    """Stone sill, jambs and lintel, standing a little proud of the wall."""
    b.box(trim, (hole.x, -0.05, hole.z - 0.1), (hole.width + 0.36, 0.24, 0.1))
    b.box(trim, (hole.x, -0.02, hole.z + hole.height), (hole.width + 0.3, 0.12, 0.18))
    for sign in (-1, 1):
        x = hole.x + sign * (hole.width / 2 + 0.07)
        b.box(trim, (x, -0.01, hole.z), (0.14, 0.09, hole.height))


def build_door(
    b: MeshBuilder, m: HouseMaterials, hole: Opening, rng: np.random.Generator
) -> None:
    """A panelled door on a stone step."""
    tint = varied(rng)
    b.box(m.door, (hole.x, REVEAL_M, hole.z), (hole.width, 0.06, hole.height), tint=tint)
    for low in (0.2, 1.2):
        for sign in (-1, 1):
            place = (hole.x + sign * hole.width * 0.23, REVEAL_M - 0.04, hole.z + low)
            b.box(m.door, place, (hole.width * 0.34, 0.04, 0.8), tint=tint * 0.7)
    b.box(m.trim, (hole.x, -0.25, hole.z - 0.12), (hole.width + 0.7, 0.7, 0.13))


def build_window(
    b: MeshBuilder, m: HouseMaterials, hole: Opening, rng: np.random.Generator
) -> None:
    """Glass behind a cross of glazing bars; now and then somebody is at home."""
    left, right = hole.x - hole.width / 2, hole.x + hole.width / 2
    low, high, y = hole.z, hole.z + hole.height, REVEAL_M
    pane = [(left, y, low), (right, y, low), (right, y, high), (left, y, high)]
    is_lit = rng.random() < 0.12
    curtain = rng.random() < 0.4
    tint = varied(rng, low=3.0, high=7.0) if curtain else (1.0, 1.0, 1.0)
    b.quad(m.lit if is_lit else m.glass, pane, tint=tint)
    bars = 2 if hole.width < 1.3 else 4
    for k in np.linspace(-0.5, 0.5, bars + 1):
        x = hole.x + k * (hole.width - 0.06)
        b.box(m.frame, (x, y - 0.04, low), (0.06, 0.07, hole.height))
    for k in (0.0, 0.64, 1.0):
        z = low + k * (hole.height - 0.06)
        b.box(m.frame, (hole.x, y - 0.045, z), (hole.width, 0.07, 0.06))


def build_shutters(
    b: MeshBuilder, m: HouseMaterials, hole: Opening, rng: np.random.Generator
) -> None:
    """Louvred shutters, folded back against the wall."""
    width = hole.width * 0.48
    for sign in (-1, 1):
        x = hole.x + sign * (hole.width / 2 + 0.15 + width / 2)
        tint = varied(rng, low=0.85, high=1.1, hue=0.03)
        size = (width, 0.05, hole.height)
        b.box(m.shutter, (x, -0.06, hole.z), size, tint=tint)
        slats = np.arange(0.08, hole.height - 0.12, 0.09)
        for z in slats:
            b.box(m.shutter, (x, -0.1, hole.z + z), (width * 0.8, 0.04, 0.05), tint=tint * 0.8)


def build_flower_box(
    b: MeshBuilder, m: HouseMaterials, hole: Opening, rng: np.random.Generator
) -> None:
    """Geraniums under the window."""
    width = hole.width + 0.1
    b.box(m.shutter, (hole.x, -0.22, hole.z), (width, 0.2, 0.18), tint=(0.7, 0.6, 0.5))
    centre, spread = (hole.x, -0.24, hole.z + 0.25), (width * 0.28, 0.07, 0.08)
    green = rng.normal(size=(220, 3)) * spread + centre
    b.cards(m.leaf, green, 0.05, rng=rng, tints=varied(rng, 220))
    bloom = rng.normal(size=(70, 3)) * spread + centre + np.array([0, -0.05, 0.06])
    b.cards(m.petal, bloom, 0.04, rng=rng, tints=varied(rng, 70), aspect=0.8)


def build_awning(
    b: MeshBuilder, house: House, m: HouseMaterials, rng: np.random.Generator
) -> None:
    """A striped canvas over the shop, with a scalloped edge."""
    out, low, high = -1.35, house.storey - 0.75, house.storey - 0.12
    stripes = int(house.width * 0.9 / 0.3)
    colour = varied(rng, low=0.35, high=0.7, hue=0.25)
    edges = house.width * (0.05 + 0.9 * np.linspace(0, 1, stripes + 1))
    for k in range(stripes):
        x0, x1 = float(edges[k]), float(edges[k + 1])
        tint = colour if k % 2 else np.ones(3)
        b.quad(
            m.awning,
            [(x0, out, low), (x1, out, low), (x1, -0.02, high), (x0, -0.02, high)],
            tint=tint,
        )
        drop = low - 0.22
        middle = (x0 + x1) / 2
        corners = [(x0, out, drop + 0.05), (middle, out, drop), (x1, out, drop + 0.05)]
        vertices = [*corners, (x1, out, low), (x0, out, low)]
        uv = [(0, 0), (0.15, 0), (0.3, 0), (0.3, 0.2), (0, 0.2)]
        b.add(m.awning, vertices, [(0, 1, 2, 3, 4)], uv=uv, tint=tint)


def eaves_roof(
    b: MeshBuilder, house: House, m: HouseMaterials, rng: np.random.Generator
) -> None:
    """A ridge along the street, a cornice, dormers and chimneys."""
    w, rise, over = house.width, house.depth * 0.42, 0.35
    half = house.depth / 2 + WALL_M
    front = Slope((0, -over, house.eaves), (w, 0, 0), (0, half + over, rise))
    back = Slope((w, 2 * half + over, house.eaves), (-w, 0, 0), (0, -half - over, rise))
    tile(b, m.roof, front, rng)
    tile(b, m.roof, back, rng)
    for x in (0.0, w):
        triangle = [
            (x, 0, house.eaves),
            (x, 2 * half, house.eaves),
            (x, half, house.eaves + rise),
        ]
        b.add(m.wall, triangle, [(0, 1, 2)], uv=[(0, 0), (8, 0), (4, 3)])
    b.box(m.trim, (w / 2, -0.14, house.eaves - 0.22), (w, 0.4, 0.2))
    b.tube(
        m.frame,
        [(0, -over - 0.05, house.eaves), (w, -over - 0.05, house.eaves)],
        0.07,
        tint=(0.4, 0.4, 0.38),
    )
    for x in np.linspace(0, w, house.bays + 1)[1:-1]:
        build_dormer(b, house, m, rng, float(x))
    build_chimney(b, m, (w * float(rng.uniform(0.1, 0.3)), half, house.eaves + rise), rng)


def build_dormer(
    b: MeshBuilder, house: House, m: HouseMaterials, rng: np.random.Generator, x: float
) -> None:
    """A small gabled window in the roof."""
    y, z, width, height = 0.75, house.eaves + 0.55, 1.15, 1.15
    b.box(m.wall, (x, y + 1.0, z - 0.3), (width, 2.0, height + 0.3))
    build_window_plain(b, m, Opening(x, z + 0.12, width * 0.6, height * 0.8), y)
    peak = (x, y - 0.15, z + height + 0.5)
    for sign in (-1, 1):
        eave = (x + sign * (width / 2 + 0.12), y - 0.15, z + height - 0.08)
        along, up = (0, 2.6 * sign, 0), tuple(np.subtract(peak, eave))
        corner = eave if sign > 0 else (eave[0], eave[1] + 2.6, eave[2])
        tile(b, m.roof, Slope(corner, along, (up[0], up[1], up[2])), rng)
    front = [
        (x - width / 2, y, z + height),
        (x + width / 2, y, z + height),
        (x, y, z + height + 0.42),
    ]
    b.add(m.wall, front, [(0, 1, 2)], uv=[(0, 0), (1.1, 0), (0.55, 0.4)])


def build_window_plain(b: MeshBuilder, m: HouseMaterials, hole: Opening, y: float) -> None:
    """A window set on a wall at `y` instead of into it."""
    b.box(m.frame, (hole.x, y - 0.02, hole.z), (hole.width + 0.12, 0.1, hole.height + 0.1))
    for sign in (-1, 1):
        for low in (0.06, 0.52):
            place = (hole.x + sign * hole.width / 4, y - 0.05, hole.z + low * hole.height)
            b.box(m.glass, place, (hole.width * 0.44, 0.06, hole.height * 0.42))


def gable_roof(
    b: MeshBuilder, house: House, m: HouseMaterials, rng: np.random.Generator
) -> None:
    """A ridge away from the street behind a stepped gable."""
    w, rise, deep = house.width, house.width * 0.62, house.depth + WALL_M
    peak = house.eaves + rise
    left = Slope((-0.05, deep, house.eaves), (0, -deep, 0), (w / 2 + 0.05, 0, rise))
    right = Slope((w + 0.05, 0, house.eaves), (0, deep, 0), (-w / 2 - 0.05, 0, rise))
    tile(b, m.roof, left, rng)
    tile(b, m.roof, right, rng)
    steps = 4
    for k in range(steps):
        half = w / 2 * (1 - k / steps)
        low = house.eaves + rise * k / steps + (0.3 if k else 0.0)
        high = house.eaves + rise * (k + 1) / steps + 0.3
        b.box(m.wall, (w / 2, WALL_M / 2, low), (2 * half, WALL_M, high - low))
        for sign in (-1, 1):
            place = (w / 2 + sign * (half - 0.18), WALL_M / 2, high)
            b.box(m.trim, place, (0.46, WALL_M + 0.08, 0.07))
    b.box(m.trim, (w / 2, WALL_M / 2, peak + 0.3), (w / steps + 0.2, WALL_M + 0.16, 0.14))
    build_window_plain(b, m, Opening(w / 2, house.eaves + rise * 0.18, 0.9, 1.2), 0.0)
    b.box(m.trim, (w / 2, -0.03, house.eaves - 0.05), (w, 0.16, 0.12))
    build_chimney(b, m, (w / 2, deep * 0.7, peak), rng)


def build_chimney(
    b: MeshBuilder,
    m: HouseMaterials,
    ridge: tuple[float, float, float],
    rng: np.random.Generator,
) -> None:
    """A brick stack with pots, standing through the ridge."""
    x, y, z = ridge
    height = float(rng.uniform(0.9, 1.5))
    b.box(m.chimney, (x, y, z - 1.2), (0.95, 0.6, height + 1.2))
    b.box(m.trim, (x, y, z + height), (1.1, 0.75, 0.12))
    for k in (-0.28, 0.0, 0.28):
        pot = [(0.11, 0.0), (0.13, 0.1), (0.1, 0.4), (0.12, 0.45), (0.0, 0.45)]
        b.lathe(m.roof, (x + k, y, z + height + 0.12), pot, sides=12, tint=varied(rng))
