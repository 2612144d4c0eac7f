"""Families under open sky without houses: hills, lake, mountains, forest."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from photograph.boats import Boat, build_boat
from photograph.landscape import value_noise
from photograph.mesh import MeshBuilder, varied
from photograph.nodes import Material, Mesh
from photograph.plants import Ball, foliage, tree, tufts

from training.blender import props, surfaces
from training.blender.shards import Kind
from training.blender.stage import Ground, Site, Spot, Spots, around, height_at, scatter
from training.blender.surfaces import of_kind

GRID = 260


@dataclass(frozen=True, slots=True, kw_only=True)
class Terrain:
    """A height field: fractal noise, level round the origin, ridged or rounded."""

    seed: int
    cell_m: float
    relief_m: float
    flat_m: float
    ridged: bool = False
    sink_m: float = 0.0
    """How far the middle is pushed down, for a lake."""

    def __call__(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Height at places."""
        broad = value_noise(x / self.cell_m + 11.3, y / self.cell_m + 5.1, self.seed, 6)
        if self.ridged:
            broad = 0.55 - 1.5 * np.abs(broad) + 0.25 * broad
        away = np.hypot(x, y)
        rise = 1 - np.exp(-((away / self.flat_m) ** 2))
        fine = 0.25 * value_noise(x / 7, y / 7, self.seed + 50, 3)
        bowl = self.sink_m * np.exp(-((away / (1.6 * self.flat_m)) ** 4))
        return self.relief_m * (0.06 + rise) * broad + fine - bowl + 0.35 * self.relief_m * rise

    def build(self, material: Material, half_m: float) -> None:
        """The ground as a mesh, finest in the middle."""
        t = np.linspace(-1, 1, GRID)
        axis = np.sign(t) * half_m * (0.06 * np.abs(t) + 0.94 * np.abs(t) ** 2.6)
        x, y = np.meshgrid(axis, axis)
        vertices = np.stack([x, y, self(x, y)], -1)
        b = MeshBuilder()
        b.sheet(material, vertices, uv=vertices[..., :2], smooth=True)
        b.stand("terrain")


def conifer(site: Site, leaf: Material, bark: Material, height: float) -> Mesh:
    """A spruce: whorls of drooping boughs."""
    b, rng = MeshBuilder(), site.rng
    b.tube(bark, [(0, 0, -0.5), (0, 0, height)], [0.016 * height + 0.04, 0.01])
    whorls, boughs, needles = 22, 9, 12
    level = np.repeat(np.linspace(site.u(0.05, 0.3), 0.98, whorls), boughs * needles)
    reach = (1 - level) * height * site.u(0.2, 0.3) + 0.12
    angle = np.repeat(rng.uniform(0, 2 * np.pi, whorls * boughs), needles)
    t = rng.uniform(0.05, 1, whorls * boughs * needles)
    out = reach * t * np.repeat(rng.uniform(0.65, 1.1, whorls * boughs), needles)
    z = level * height - 0.42 * out * t + rng.normal(0, 0.05, len(t))
    places = np.stack([np.cos(angle) * out, np.sin(angle) * out, z], 1)
    tints = varied(rng, len(t), low=0.5, high=1.1) * (0.55 + 0.5 * t[:, None])
    b.cards(leaf, places, 0.034 * height, rng=rng, tints=tints, aspect=0.33)
    return b.mesh("conifer")


def bush(site: Site, leaf: Material, radius: float) -> Mesh:
    """A low ball of leaves."""
    b = MeshBuilder()
    foliage(
        b, leaf, Ball((0, 0, 0.5 * radius), radius, leaves=900, leaf_m=0.13 * radius), site.rng
    )
    return b.mesh("bush")


def bare_tree(site: Site, height: float) -> Mesh:
    """A tree in winter."""
    b = MeshBuilder()
    size = (height * 0.33, height * 0.02)
    props.branches(b, site, site.palette.bark(), np.zeros(3), np.array([0, 0, 1.0]), size)
    return b.mesh("bare tree")


def grass(site: Site, leaf: Material, high: float) -> Mesh:
    """A patch of grass, one metre across."""
    b = MeshBuilder()
    places = np.column_stack([site.rng.uniform(-0.5, 0.5, (60, 2)), np.zeros(60)])
    tufts(b, leaf, places, site.rng, blades=9, height=high)
    return b.mesh("grass")


def vegetation(site: Site) -> list[Mesh]:
    """Trees of one climate."""
    p = site.palette
    leaf, bark = p.leaf(), p.bark()
    broad = [
        tree(leaf, bark, site.rng, height=site.u(5, 11), crown=site.u(1.5, 3.5))
        for _ in range(2)
    ]
    spruce = [conifer(site, p.leaf(), bark, site.u(7, 15)) for _ in range(2)]
    kind = site.n(0, 3)
    if kind == 0:
        return broad
    if kind == 1:
        return spruce
    if kind == 2:
        return [*broad, *spruce]
    return [bare_tree(site, site.u(5, 9)), bare_tree(site, site.u(4, 7)), *broad[:1]]


def clumps(
    site: Site, count: int, reach_m: float, ground: Ground, least_m: float = -1e9
) -> np.ndarray:
    """Places in clumps, none under `least_m` of height, none at the very middle."""
    places = site.rng.normal(0, reach_m, (count, 2))
    density = value_noise(places[:, 0] / 30, places[:, 1] / 30, site.n(0, 9999))
    dry = ground(places[:, 0], places[:, 1]) > least_m
    return places[(density > site.u(-0.1, 0.1)) & dry & (np.hypot(*places.T) > 3)]


def dress(site: Site, ground: Ground, least_m: float = -1e9) -> None:
    """Rocks, bushes, grass, a fence, people, animals, poles near the middle."""
    b, p = MeshBuilder(), site.palette
    if site.chance(0.7):
        stone = surfaces.rock(
            p.earthy(0.3, 0.5), p.earthy(0.1, 0.25), p.earthy(), size_m=1.0, snow_line_m=1e6
        )
        rocks = [
            props.rock_mesh(site, of_kind(stone, Kind.THING)).mesh("rock") for _ in range(3)
        ]
        scatter(
            site,
            rocks,
            clumps(site, site.n(8, 60), 14, ground, least_m - 0.3),
            ground,
            (0.15, 1.8),
        )
    leaf = p.leaf()
    scatter(
        site,
        [bush(site, leaf, site.u(0.3, 1.0)) for _ in range(2)],
        clumps(site, site.n(0, 60), 18, ground, least_m),
        ground,
        (0.4, 1.6),
    )
    if site.chance(0.6):
        blades = [grass(site, p.leaf(), site.u(0.1, 0.5)) for _ in range(2)]
        scatter(site, blades, clumps(site, site.n(100, 500), 7, ground, least_m), ground)
    wood, metal = p.wood(), p.metal()
    for _ in range(site.n(0, 9)):
        x, y = (float(v) for v in site.rng.normal(0, 10, 2))
        z = height_at(ground, x, y)
        if z < least_m:
            continue
        with b.at(x, y, z, site.u(0, 360)):
            kind = site.n(0, 4)
            if kind == 0:
                props.person(b, site)
            elif kind == 1:
                props.animal(b, site)
            elif kind == 2:
                props.pole(b, site, site.u(2, 7), wood)
            elif kind == 3:
                props.fence(b, site, site.u(3, 12), wood)
            else:
                props.railing(b, site, [(0, 0), (site.u(2, 7), 0)], metal)
    with b.at(0, 0, -60):
        props.ball(b, wood, (0, 0, 0), 0.1)
    b.stand("dressing")


def hills(site: Site) -> Spots:
    """Rolling land with meadows, clumps of trees, a hut."""
    ground = Terrain(
        seed=site.n(0, 99999),
        cell_m=site.u(90, 260),
        relief_m=site.u(6, 45),
        flat_m=site.u(12, 60),
    )
    ground.build(site.palette.meadow(Kind.TERRAIN), site.u(500, 2500))
    scatter(
        site, vegetation(site), clumps(site, site.n(150, 1800), site.u(40, 140), ground), ground
    )
    dress(site, ground)
    return around((0.0, 0.0), 2, 22, ground)


def lake(site: Site) -> Spots:
    """Water in a bowl of land, boats, reeds."""
    flat = site.u(25, 120)
    ground = Terrain(
        seed=site.n(0, 99999),
        cell_m=site.u(80, 250),
        relief_m=site.u(10, 70),
        flat_m=flat,
        sink_m=site.u(3, 9),
    )
    ground.build(site.palette.meadow(Kind.TERRAIN), site.u(700, 3000))
    b = MeshBuilder()
    deep = site.palette.colour(0.02, 0.1, 0.7)
    sheet = surfaces.water(
        deep, ripple=site.u(0.0, 0.35), size_m=site.u(0.4, 3), roughness=site.u(0.01, 0.12)
    )
    b.quad(sheet, [(-4000, -4000, 0), (4000, -4000, 0), (4000, 4000, 0), (-4000, 4000, 0)])
    for _ in range(site.n(0, 4)):
        boat = Boat(
            length=site.u(3, 8),
            beam=site.u(1.2, 2.4),
            open_boat=site.chance(0.6),
            mast=site.u(4, 9) * site.n(0, 1),
        )
        with b.at(site.u(-0.7, 0.7) * flat, site.u(-0.7, 0.7) * flat, 0, site.u(0, 360)):
            build_boat(b, boat, site.palette.boat(), site.rng)
    b.stand("water")
    places = clumps(site, site.n(300, 1500), flat * 1.8 + 40, ground, 0.6)
    scatter(site, vegetation(site), places, ground)
    shore = _shore(site, ground, 3 * flat)
    reeds = [grass(site, site.palette.leaf(), site.u(0.5, 1.4))]
    scatter(site, reeds, shore + site.rng.normal(0, 1.0, shore.shape), ground)
    rocks = surfaces.rock(
        site.palette.earthy(),
        site.palette.earthy(),
        site.palette.earthy(),
        size_m=1.0,
        snow_line_m=1e6,
    )
    scatter(
        site,
        [props.rock_mesh(site, of_kind(rocks, Kind.THING)).mesh("rock")],
        shore[::3],
        ground,
        (0.2, 1.6),
    )

    def draw(rng: np.random.Generator) -> Spot:
        x, y = (float(v) for v in shore[int(rng.integers(len(shore)))] * 1.03)
        inward = math.degrees(math.atan2(-x, -y)) + float(rng.normal(0, 28))
        return Spot(x, y, max(0.05, height_at(ground, x, y)), inward)

    return draw


def _shore(site: Site, ground: Ground, reach_m: float) -> np.ndarray:
    """Places where the land first rises from the water, seen from the middle."""
    away = np.linspace(2, reach_m, 400)
    angle = site.rng.uniform(0, 2 * np.pi, 160)
    x, y = np.outer(np.sin(angle), away), np.outer(np.cos(angle), away)
    dry = ground(x, y) > 0.05
    first = np.where(dry.any(axis=1), dry.argmax(axis=1), len(away) - 1)
    rows = np.arange(len(angle))
    return np.stack([x[rows, first], y[rows, first]], 1)


def mountains(site: Site) -> Spots:
    """Ridges and summits, woods below, snow above."""
    relief = site.u(500, 2400)
    ground = Terrain(
        seed=site.n(0, 99999),
        cell_m=site.u(700, 1900),
        relief_m=relief,
        flat_m=site.u(120, 600),
        ridged=site.chance(0.75),
    )
    p = site.palette
    green = (site.u(0.05, 0.2), site.u(0.1, 0.2), site.u(0.03, 0.07))
    line = relief * site.u(0.1, 1.1)
    stone = surfaces.rock(
        p.earthy(0.25, 0.5),
        p.earthy(0.08, 0.2),
        green,
        size_m=site.u(30, 120),
        snow_line_m=line,
    )
    ground.build(of_kind(stone, Kind.TERRAIN), site.u(5000, 9000))
    scatter(
        site, vegetation(site), clumps(site, site.n(300, 2500), site.u(80, 350), ground), ground
    )
    dress(site, ground)
    return around((0.0, 0.0), 2, 30, ground)


def forest(site: Site) -> Spots:
    """Among trunks, or at the wood's edge with a path."""
    ground = Terrain(
        seed=site.n(0, 99999),
        cell_m=site.u(30, 90),
        relief_m=site.u(1, 9),
        flat_m=site.u(8, 30),
    )
    ground.build(site.palette.meadow(Kind.TERRAIN), 400)
    b, bark, leaf = MeshBuilder(), site.palette.bark(), site.palette.leaf()
    edge = site.u(-40, 8) if site.chance(0.6) else -1e9
    for x, y in site.rng.uniform(-45, 45, (site.n(40, 260), 2)):
        if y < edge or math.hypot(x, y) < 1.5:
            continue
        high, thick = site.u(9, 22), site.u(0.08, 0.45)
        lean = site.rng.normal(0, 0.3, 2)
        foot = np.array([x, y, height_at(ground, x, y) - 0.2])
        top = foot + np.array([lean[0], lean[1], high])
        b.tube(
            bark,
            [foot, foot * 0.97 + top * 0.03, top],
            [thick * 1.5, thick, thick * 0.35],
            sides=9,
        )
        for _ in range(site.n(2, 7)):
            start = foot + (top - foot) * site.u(0.25, 0.9)
            way = np.append(site.rng.normal(0, 1.1, 2), site.u(0, 0.9))
            b.tube(bark, [start, start + way], [thick * 0.22, 0.01], sides=5)
        if site.chance(0.7):
            centre = (float(top[0]), float(top[1]), float(top[2]))
            foliage(b, leaf, Ball(centre, site.u(1.5, 3.2), leaves=420, leaf_m=0.3), site.rng)
    b.stand("trunks")
    young = clumps(site, site.n(20, 160), 24, ground)
    scatter(site, vegetation(site), young[young[:, 1] > edge], ground, (0.2, 0.9))
    dress(site, ground)
    return around((0.0, 0.0), 1, 16, ground)
