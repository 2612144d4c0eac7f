"""Families among houses: street, square, tower, and the view from above."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from photograph.houses import House, build_house
from photograph.landscape import build_church
from photograph.materials import stone
from photograph.mesh import MeshBuilder
from photograph.nodes import Mesh
from photograph.plants import cypress, tree
from photograph.street import (
    StreetMaterials,
    build_bench,
    build_cart,
    build_lamp,
    build_pot,
    build_table,
)

from training.blender import props
from training.blender.country import Terrain
from training.blender.shards import Kind
from training.blender.stage import Site, Spots, around, level, scatter, within
from training.blender.surfaces import of_kind
from training.blender.weather import lamp


def draw_house(site: Site, width: float) -> House:
    """Sizes of a house of that width."""
    return House(
        width=width,
        depth=site.u(6, 11),
        floors=site.n(1, 5),
        bays=max(1, round(width / site.u(2.0, 3.4))),
        storey=site.u(2.6, 3.6),
        gable=site.chance(0.35),
        shop=site.chance(0.5),
        shutters=site.chance(0.4),
        detailed=site.chance(0.4),
    )


def row_of_houses(
    b: MeshBuilder, site: Site, start: tuple[float, float], turn_deg: float, length: float
) -> None:
    """Houses side by side along a line; their fronts face the line's right-hand side."""
    along = math.radians(turn_deg)
    makes = [site.palette.house() for _ in range(3)]
    walls = [site.palette.wall() for _ in range(4)]
    done = 0.0
    while done < length:
        width = site.u(5, 13)
        make = replace(makes[site.n(0, 2)], wall=walls[site.n(0, 3)])
        x, y = start[0] + done * math.cos(along), start[1] + done * math.sin(along)
        with b.at(x, y, 0, turn_deg):
            build_house(b, draw_house(site, width), make, site.rng)
        done += width + (site.u(1, 6) if site.chance(0.15) else 0)


def trees(site: Site) -> list[Mesh]:
    """Two or three kinds of trees to instance."""
    leaf, bark = site.palette.leaf(), site.palette.bark()
    made = [
        tree(leaf, bark, site.rng, height=site.u(4, 9), crown=site.u(1.3, 3.2)),
        tree(site.palette.leaf(), bark, site.rng, height=site.u(3, 7), crown=site.u(1.0, 2.5)),
    ]
    return [*made, cypress(leaf, bark, site.rng)] if site.chance(0.3) else made


def street_lamp(
    b: MeshBuilder, site: Site, m: StreetMaterials, place: tuple[float, float]
) -> None:
    """A lantern that shines at night."""
    build_lamp(b, m, place)
    if site.palette.is_night:
        lamp((*place, 3.7), site.u(90, 260), (1.0, 0.72, 0.42))


def furnish(
    b: MeshBuilder, site: Site, x: tuple[float, float], y: tuple[float, float], count: int
) -> None:
    """People, benches, tables, pots, carts, lamps, cars, poles, thrown down at random."""
    m = site.palette.street()
    for _ in range(count):
        place, turn, kind = (site.u(*x), site.u(*y)), site.u(0, 360), site.n(0, 10)
        if kind > 4:
            with b.at(*place, 0, turn):
                _moving_thing(b, site, kind)
        elif kind == 0:
            build_bench(b, m, place, turn)
        elif kind == 1:
            street_lamp(b, site, m, place)
        elif kind == 2:
            build_pot(b, m, place, site.u(0.4, 0.9), site.rng)
        elif kind == 3:
            build_table(b, m, place, site.rng)
        else:
            build_cart(b, m, place, turn)


def _moving_thing(b: MeshBuilder, site: Site, kind: int) -> None:
    """A car, a pole, an animal, a railing or somebody."""
    if kind == 5:
        props.car(b, site)
    elif kind == 6:
        props.pole(b, site, site.u(2, 7), site.palette.metal())
    elif kind == 7:
        props.animal(b, site)
    elif kind == 8:
        props.railing(b, site, [(0, 0), (site.u(2, 6), 0)], site.palette.metal())
    else:
        props.person(b, site)


def build_ground(site: Site, half_m: float, *, meadow: bool = False) -> None:
    """A level sheet of paving or grass."""
    b = MeshBuilder()
    material = site.palette.meadow() if meadow else site.palette.paving()
    b.quad(
        material,
        [
            (-half_m, -half_m, 0),
            (half_m, -half_m, 0),
            (half_m, half_m, 0),
            (-half_m, half_m, 0),
        ],
    )
    b.stand("ground")


def backdrop(site: Site, near_m: float = 70.0) -> None:
    """What lies behind the last house: woods, hills, far blocks; sometimes nothing."""
    if site.chance(0.15):
        return
    relief = site.u(15, 120)
    land = Terrain(
        seed=site.n(0, 99999),
        cell_m=site.u(120, 400),
        relief_m=relief,
        flat_m=site.u(180, 450),
        sink_m=0.12 * relief + 2,
    )

    land.build(site.palette.meadow(Kind.TERRAIN), site.u(1500, 4000))
    count = site.n(20, 160)
    angle, away = (
        site.rng.uniform(0, 2 * np.pi, count),
        near_m + site.rng.exponential(60, count),
    )
    places = np.stack([np.sin(angle) * away, np.cos(angle) * away], 1)
    scatter(site, trees(site), places, level, (0.8, 1.8))
    b, walls = MeshBuilder(), [site.palette.wall(), site.palette.wall()]
    roof = of_kind(site.palette.metal(), Kind.ROOF)
    for _ in range(site.n(0, 25)):
        turn, far, size = site.u(0, 360), site.u(near_m, 260), site.u(6, 16)
        with b.at(0, 0, 0, turn), b.at(0, far, 0, site.u(-30, 30)):
            high = site.u(0.5, 2.0) * size
            b.box(walls[site.n(0, 1)], (0, 0, -2), (size * 1.4, size, high + 2))
            b.lathe(roof, (0, 0, high), [(size, 0), (0, site.u(0, 0.5) * size)], sides=4)
    b.box(roof, (0, 0, -90), (1, 1, 1))
    b.stand("backdrop")


def street(site: Site) -> Spots:
    """Two rows of houses, pavements with kerbs, cars at the side, wires across."""
    b, width = MeshBuilder(), site.u(5, 16)
    half, length = width / 2, site.u(40, 110)
    build_ground(site, 160)
    walk = site.u(1.0, 3.0)
    pavement = site.palette.paving()
    for side in (-1, 1):
        middle = side * (half - walk / 2)
        b.box(pavement, (middle, length / 2 - 15, 0), (walk, length + 30, 0.14))
    row_of_houses(b, site, (half, length), -90, length + 10)
    if site.chance(0.85):
        row_of_houses(b, site, (-half, -10), 90, length + 10)
    if site.chance(0.7):
        row_of_houses(b, site, (-30, length + site.u(4, 30)), 0, 60)
    furnish(b, site, (-half + 0.6, half - 0.6), (-4, min(length, 45)), site.n(6, 22))
    for y in np.arange(2, length, site.u(5, 8)):
        for side in (-1, 1):
            if site.chance(0.45):
                with b.at(side * (half - walk - 1.0), float(y), 0, 90 + site.u(-4, 4)):
                    props.car(b, site)
    m = site.palette.street()
    for y in np.arange(3, length, site.u(9, 18)):
        street_lamp(b, site, m, (half - walk * 0.4, float(y)))
        if site.chance(0.5):
            props.wire(
                b,
                m.iron,
                (-half, float(y), 6.0),
                (half, float(y) + site.u(-3, 3), 6.2),
                site.u(0.1, 0.9),
            )
    if site.chance(0.5):
        spots = np.stack(
            [
                site.rng.choice([-1, 1], 10) * (half - walk * 0.7),
                site.rng.uniform(0, length, 10),
            ],
            1,
        )
        scatter(site, trees(site), spots, level, (0.5, 0.9))
    b.stand("street")
    backdrop(site)
    return within((-half * 0.75, half * 0.75), (-6, length * 0.5), level, (-50, 50))


def square(site: Site) -> Spots:
    """Houses and trees at all angles round a place full of things."""
    b = MeshBuilder()
    build_ground(site, 200, meadow=site.chance(0.35))
    for _ in range(site.n(2, 7)):
        angle, away = site.u(0, 360), site.u(14, 50)
        x, y = away * math.sin(math.radians(angle)), away * math.cos(math.radians(angle))
        with b.at(x, y, 0, -angle + site.u(-25, 25)):
            row_of_houses(b, site, (-8, 0), 0, site.u(5, 22))
    furnish(b, site, (-12, 12), (-12, 12), site.n(10, 26))
    places = site.rng.normal(0, 18, (site.n(3, 26), 2))
    scatter(site, trees(site), places[np.hypot(*places.T) > 4], level)
    if site.chance(0.3):
        build_fountain(b, site)
    b.stand("square")
    backdrop(site)
    return around((site.u(-3, 3), site.u(-3, 3)), 3, 16, level)


def build_fountain(b: MeshBuilder, site: Site) -> None:
    """A basin with a column or a statue in it."""
    granite, r = stone("granite", site.palette.earthy()), site.u(1.0, 3.0)
    b.lathe(
        granite,
        (0, 0, 0),
        [(r, 0), (r, 0.5), (r - 0.25, 0.5), (r - 0.25, 0.1), (0, 0.1)],
        sides=40,
    )
    b.lathe(
        granite,
        (0, 0, 0),
        [(0.5, 0), (0.5, 0.6), (0.2, 0.8), (0.15, 2.0), (0.6, 2.2), (0, 2.25)],
        sides=24,
    )
    with b.at(0, 0, 2.2):
        props.person(b, site)


def tower(site: Site) -> Spots:
    """High fronts close by: blocks of flats, a church, columns."""
    b = MeshBuilder()
    build_ground(site, 200)
    for _ in range(site.n(2, 5)):
        angle, away = site.u(-100, 100), site.u(9, 30)
        x, y = away * math.sin(math.radians(angle)), away * math.cos(math.radians(angle))
        width = site.u(8, 22)
        house = House(
            width=width,
            depth=site.u(8, 16),
            floors=site.n(4, 14),
            bays=max(2, round(width / site.u(2.2, 3.6))),
            storey=site.u(2.6, 3.8),
            gable=site.chance(0.3),
            shop=site.chance(0.5),
            shutters=site.chance(0.3),
            detailed=False,
        )
        with b.at(x, y, 0, -angle + site.u(-30, 30)), b.at(-width / 2, 0):
            build_house(b, house, site.palette.house(), site.rng)
    if site.chance(0.5):
        walls = site.palette.wall(), of_kind(site.palette.metal(), Kind.ROOF)
        build_church(b, site.palette.house(), (site.u(-8, 8), site.u(12, 30)), *walls)
    furnish(b, site, (-7, 7), (0, 9), site.n(2, 10))
    if site.chance(0.5):
        scatter(site, trees(site), site.rng.normal(0, 9, (6, 2)), level)
    b.stand("tower")
    backdrop(site)
    return within((-5, 5), (-4, 3), level, (-55, 55))


def above(site: Site) -> Spots:
    """Streets, roofs and gardens to look down at."""
    b = MeshBuilder()
    build_ground(site, 260, meadow=site.chance(0.5))
    gap = site.u(16, 30)
    asphalt = site.palette.paving()
    for k in (-1, 0, 1, 2):
        row_of_houses(b, site, (-45, k * gap), 0, site.u(40, 95))
        b.box(asphalt, (0, k * gap - gap * 0.3, -0.3), (240, 5, 0.32))
    furnish(b, site, (-30, 30), (-30, 40), site.n(20, 45))
    for _ in range(site.n(5, 20)):
        with b.at(
            site.u(-40, 40), site.n(-1, 2) * gap - gap * 0.3 + 1.2, 0.02, site.n(0, 1) * 180
        ):
            props.car(b, site)
    scatter(site, trees(site), site.rng.uniform(-50, 60, (site.n(20, 90), 2)), level)
    b.stand("town")
    backdrop(site, 120)
    return within((-30, 30), (-45, 10), level, (-60, 60))
