"""Families close to the camera: garden, thin things, table top."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from photograph.cargo import build_barrel, build_basket, build_crate
from photograph.mesh import MeshBuilder, varied
from photograph.plants import Ball, foliage
from photograph.street import build_bench, build_chair, build_pot, build_table

from training.blender import furniture, props, surfaces
from training.blender.country import bare_tree, bush, dress, grass
from training.blender.indoors import shell_light, window_light
from training.blender.stage import Site, Spots, around, level, scatter
from training.blender.town import backdrop, build_ground, row_of_houses, trees


def garden(site: Site) -> Spots:
    """Beds, pots, flowers, a fence or hedge, seats, a wall behind."""
    b, p = MeshBuilder(), site.palette
    build_ground(site, 120, meadow=site.chance(0.7))
    m, cargo = p.street(), p.cargo()
    for _ in range(site.n(2, 9)):
        build_pot(b, m, (site.u(-3, 3), site.u(-3, 3)), site.u(0.2, 0.7), site.rng)
    for _ in range(site.n(3, 10)):
        with b.at(site.u(-4, 4), site.u(-4, 4), 0, site.u(0, 360)):
            furniture.potted_plant(b, site, site.u(0.4, 1.6))
    makers = (
        lambda x, y: build_bench(b, m, (x, y), site.u(0, 360)),
        lambda x, y: build_table(b, m, (x, y), site.rng),
        lambda x, y: build_chair(b, m, (x, y), site.u(0, 360)),
        lambda x, y: build_barrel(b, cargo, (x, y), site.rng),
        lambda x, y: build_basket(b, cargo, (x, y), site.rng),
        lambda x, y: build_crate(b, cargo, (x, y, 0), (0.6, 0.5, 0.4), site.u(0, 90), site.rng),
    )
    for _ in range(site.n(2, 7)):
        makers[site.n(0, len(makers) - 1)](site.u(-5, 5), site.u(-5, 5))
    for _ in range(site.n(1, 4)):
        flower_bed(b, site)
    wood = p.wood()
    for _ in range(site.n(1, 3)):
        angle = site.u(0, 360)
        with b.at(0, 0, 0, angle), b.at(-8, site.u(5, 10)):
            if site.chance(0.5):
                props.fence(b, site, 16, wood)
            elif site.chance(0.5):
                b.box(p.wall(), (8, 0.2, 0), (16, 0.35, site.u(0.8, 2.6)))
            else:
                row_of_houses(b, site, (0, 2), 0, 16)
    scatter(
        site,
        [bush(site, p.leaf(), site.u(0.3, 0.9))],
        site.rng.normal(0, 6, (site.n(3, 22), 2)),
        level,
    )
    scatter(
        site,
        [grass(site, p.leaf(), site.u(0.06, 0.3))],
        site.rng.normal(0, 3, (site.n(40, 260), 2)),
        level,
    )
    scatter(site, trees(site), site.rng.normal(0, 14, (site.n(0, 12), 2)), level)
    if site.chance(0.4):
        with b.at(site.u(-2, 2), site.u(-2, 2), 0, site.u(0, 360)):
            (props.person if site.chance(0.6) else props.animal)(b, site)
    b.stand("garden")
    backdrop(site, 25)
    return around((0.0, 0.0), 0.6, 5.0, level)


def flower_bed(b: MeshBuilder, site: Site) -> None:
    """Stems with flowers at their tops."""
    leaf, petal = site.palette.leaf(), site.palette.petal()
    x, y, high = site.u(-3, 3), site.u(-3, 3), site.u(0.2, 1.0)
    for _ in range(site.n(10, 45)):
        foot = np.array([x + site.rng.normal(0, 0.5), y + site.rng.normal(0, 0.5), 0.0])
        sway = site.rng.normal(0, 0.08, 2)
        tip = foot + np.array([sway[0], sway[1], high * site.u(0.6, 1.2)])
        b.tube(leaf, [foot, tip], 0.006, sides=4)
        head = tip + site.rng.normal(0, 0.022, (18, 3))
        b.cards(petal, head, 0.035, rng=site.rng, tints=varied(site.rng, 18), aspect=0.8)
        green = (
            foot
            + (tip - foot) * site.rng.uniform(0.1, 0.8, (10, 1))
            + site.rng.normal(0, 0.04, (10, 3))
        )
        b.cards(leaf, green, 0.06, rng=site.rng, tints=varied(site.rng, 10))


def thin(site: Site) -> Spots:
    """Poles, wires, ropes, railings, ladders, scaffolds, nets and bare branches."""
    b, p = MeshBuilder(), site.palette
    build_ground(site, 150, meadow=site.chance(0.5))
    metal, wood = p.metal(), p.wood()
    tops = []
    for _ in range(site.n(5, 18)):
        x, y, high = site.u(-9, 9), site.u(-9, 9), site.u(1.5, 7)
        with b.at(x, y, 0, site.u(0, 360)):
            props.pole(b, site, high, metal if site.chance(0.5) else wood)
        tops.append((x, y, high))
    for start, end in pairwise(tops):
        for _ in range(site.n(0, 3)):
            props.wire(
                b,
                metal,
                (start[0], start[1], start[2] * site.u(0.5, 1)),
                end,
                site.u(0.05, 1.2),
            )
    for _ in range(site.n(1, 4)):
        corners = [(site.u(-8, 8), site.u(-8, 8)) for _ in range(site.n(2, 4))]
        props.railing(b, site, corners, metal)
    for _ in range(site.n(0, 3)):
        with b.at(site.u(-6, 6), site.u(-6, 6), 0, site.u(0, 360)):
            scaffold(b, site)
    for _ in range(site.n(0, 3)):
        with b.at(site.u(-6, 6), site.u(-6, 6), 0, site.u(0, 360)):
            (props.person if site.chance(0.5) else props.animal)(b, site)
    scatter(
        site,
        [bare_tree(site, site.u(3, 7)) for _ in range(2)],
        site.rng.normal(0, 7, (site.n(1, 9), 2)),
        level,
    )
    if site.chance(0.6):
        with b.at(0, 0, 0, site.u(0, 360)):
            row_of_houses(b, site, (-20, site.u(10, 25)), 0, 40)
    scatter(site, trees(site), site.rng.normal(0, 30, (site.n(0, 14), 2)), level)
    if site.chance(0.4):
        dress(site, level)
    b.stand("thin things")
    backdrop(site, 35)
    return around((0.0, 0.0), 1.5, 10, level)


def scaffold(b: MeshBuilder, site: Site) -> None:
    """A frame of tubes with a ladder, a net or planks in it."""
    tube, wood = site.palette.metal(), site.palette.wood()
    w, d, floors = site.u(1, 3), site.u(0.6, 1.5), site.n(1, 4)
    step = site.u(1.4, 2.1)
    for x in (-w / 2, w / 2):
        for y in (-d / 2, d / 2):
            b.tube(tube, [(x, y, 0), (x, y, floors * step)], 0.025, sides=7)
    for k in range(1, floors + 1):
        z = k * step
        for y in (-d / 2, d / 2):
            b.tube(tube, [(-w / 2, y, z), (w / 2, y, z)], 0.022, sides=6)
        for x in (-w / 2, w / 2):
            b.tube(tube, [(x, -d / 2, z), (x, d / 2, z)], 0.022, sides=6)
        if site.chance(0.5):
            b.box(wood, (0, 0, z), (w, d * 0.6, 0.04))
        b.tube(tube, [(-w / 2, -d / 2, z - step), (w / 2, -d / 2, z)], 0.015, sides=5)
    for z in np.arange(0.3, floors * step, 0.3):
        b.tube(
            wood, [(w / 2 + 0.1, -0.2, float(z)), (w / 2 + 0.1, 0.2, float(z))], 0.014, sides=5
        )
    if site.chance(0.4):
        for k in np.linspace(0, 1, 13):
            x = (k - 0.5) * w
            b.tube(wood, [(x, d / 2, 0), (x, d / 2, step)], 0.005, sides=4)
            b.tube(wood, [(-w / 2, d / 2, k * step), (w / 2, d / 2, k * step)], 0.005, sides=4)


def table(site: Site) -> Spots:
    """Small things on a table, a shelf or a wall behind, window light."""
    b, p = MeshBuilder(), site.palette
    w, d, high = site.u(0.9, 2.2), site.u(0.6, 1.2), site.u(0.4, 0.95)
    half, tall = site.u(1.8, 3.5), site.u(2.3, 3.2)
    b.quad(p.floor(), [(-half, -half, 0), (half, -half, 0), (half, half, 0), (-half, half, 0)])
    b.quad(
        p.ceiling(),
        [(-half, half, tall), (half, half, tall), (half, -half, tall), (-half, -half, tall)],
    )
    wall = p.inner_wall()
    for k in range(4):
        with b.at(0, 0, 0, 90 * k):
            b.box(wall, (0, half + 0.05, 0), (2 * half + 0.2, 0.1, tall))
            if site.chance(0.5):
                b.box(
                    surfaces.picture(site.n(0, 96), site.u(1, 5)),
                    (site.u(-1, 1), half - 0.02, 1.2),
                    (site.u(0.3, 1.2), 0.03, site.u(0.3, 0.9)),
                )
    with b.at(site.u(-0.5, 0.5) * half, half - 0.2):
        furniture.shelf(b, site, (site.u(0.6, 1.6), 0.3, site.u(0.8, 2.0)))
    furniture.table(b, site, (w, d, high))
    if site.chance(0.35):
        side = min(w, d) * site.u(0.6, 1.1)
        b.box(p.textile(), (0, 0, high + 0.002), (side, side, 0.004), turn_deg=site.u(0, 45))
    for _ in range(site.n(4, 16)):
        place = (site.u(-0.42, 0.42) * w, site.u(-0.42, 0.42) * d)
        with b.at(*place, high + 0.004, site.u(0, 360)):
            _small_thing(b, site)
    for _ in range(site.n(0, 4)):
        angle = site.n(0, 3) * 90
        with (
            b.at(0, 0, 0, angle),
            b.at(site.u(-0.3, 0.3), -max(w, d) / 2 - 0.15, 0, 180 + site.u(-20, 20)),
        ):
            furniture.chair(b, site)
    b.stand("table")
    shell_light(site, half, tall)
    window_light(site, half, tall)

    def on_table(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.full_like(x + y, high)

    return around((site.u(-0.2, 0.2) * w, site.u(-0.2, 0.2) * d), 0.3, 1.2, on_table)


def _small_thing(b: MeshBuilder, site: Site) -> None:
    kind = site.n(0, 6)
    if kind <= 2:
        furniture.vessel(b, site, site.u(0.08, 0.34))
    elif kind == 3:
        furniture.books(b, site)
    elif kind == 4:
        furniture.potted_plant(b, site, site.u(0.2, 0.5))
    elif kind == 5:
        size = (site.u(0.05, 0.25), site.u(0.05, 0.2), site.u(0.03, 0.2))
        b.box(surfaces.picture(site.n(0, 96), 6.0), (0, 0, 0), size)
    else:
        for _ in range(site.n(1, 6)):
            r = site.u(0.025, 0.06)
            angle, away = site.u(0, 2 * math.pi), site.u(0, 0.12)
            props.ball(
                b, site.palette.thing(), (away * math.cos(angle), away * math.sin(angle), r), r
            )
    if site.chance(0.1):
        foliage(
            b, site.palette.leaf(), Ball((0, 0, 0.35), 0.12, leaves=160, leaf_m=0.05), site.rng
        )
