"""The harbour family: quay, boats, ropes, a town behind."""

from __future__ import annotations

import numpy as np
from photograph.boats import Boat, build_boat
from photograph.cargo import (
    build_barrel,
    build_basket,
    build_bollard,
    build_crate,
    build_lobster_pot,
    coil_rope,
    hang_rope,
)
from photograph.materials import planks
from photograph.mesh import MeshBuilder

from training.blender import props, surfaces
from training.blender.stage import Site, Spots, level, scatter, within
from training.blender.town import furnish, row_of_houses, trees


def harbour(site: Site) -> Spots:
    """A quay along x = 0, water on its left, houses on its right and beyond."""
    b, drop = MeshBuilder(), site.u(0.5, 2.2)
    deep = site.palette.colour(0.02, 0.12, 0.7)
    water = surfaces.water(
        deep, ripple=site.u(0.05, 0.6), size_m=site.u(0.5, 2.5), roughness=site.u(0.02, 0.15)
    )
    b.quad(
        water,
        [(-1500, -300, -drop), (1500, -300, -drop), (1500, 2500, -drop), (-1500, 2500, -drop)],
    )
    deck, depth = site.palette.paving(), site.u(8, 40)
    length = site.u(30, 90)
    b.box(deck, (depth / 2, length / 2 - 30, -4), (depth, length + 60, 4.0))
    b.box(site.palette.paving(), (0.25, length / 2 - 30, -0.3), (0.5, length + 60, 0.36))
    if site.chance(0.75):
        row_of_houses(b, site, (site.u(6, min(depth, 16)), length), -90, length + 20)
    if site.chance(0.7):
        far = length + site.u(5, 120)
        b.box(deck, (-60, far + 30, -4), (240, 60, 4.0 + site.u(0, 2)))
        row_of_houses(b, site, (-90, far + 3), 0, 120)
    _fleet(b, site, drop, length)
    _tackle(b, site, length)
    if site.chance(0.5):
        props.railing(b, site, [(0.3, -10), (0.3, site.u(10, length))], site.palette.metal())
    if site.chance(0.6):
        jetty(b, site, drop)
    furnish(b, site, (1.5, 6), (1, 30), site.n(3, 12))
    if site.chance(0.4):
        scatter(
            site,
            trees(site),
            np.stack([np.full(6, 5.0), site.rng.uniform(4, length, 6)], 1),
            level,
        )
    b.stand("harbour")
    return within((-1.5 if site.chance(0.3) else 0.8, 5), (-8, length * 0.4), level, (-75, 30))


def _fleet(b: MeshBuilder, site: Site, drop: float, length: float) -> None:
    makes = [site.palette.boat() for _ in range(3)]
    cargo = site.palette.cargo()
    for _ in range(site.n(3, 14)):
        size = site.u(3, 13)
        kind = site.n(0, 2)
        boat = Boat(
            length=size,
            beam=size * site.u(0.26, 0.4),
            freeboard=site.u(0.4, 0.5 + 0.06 * size),
            mast=size * site.u(0.9, 1.4) if kind == 1 else 0.0,
            cabin=site.u(1.2, 2.0) if kind == 2 and size > 5 else 0.0,
            open_boat=kind == 0,
        )
        berthed = site.chance(0.5)
        x = -boat.beam * 0.6 - 0.2 if berthed else -site.u(4, 45)
        y = site.u(0, length)
        with b.at(x, y, -drop, site.u(-4, 4) if berthed else site.u(0, 360)):
            build_boat(b, boat, makes[site.n(0, 2)], site.rng)
        if berthed:
            hang_rope(
                b,
                cargo,
                (0.3, y + size * 0.6, 0.3),
                (x, y + size * 0.45, -drop + boat.freeboard),
                site.u(0.05, 0.5),
            )


def _tackle(b: MeshBuilder, site: Site, length: float) -> None:
    m = site.palette.cargo()
    for y in np.arange(0, length, site.u(5, 12)):
        build_bollard(b, m, (0.5, float(y)))
    for _ in range(site.n(4, 22)):
        x, y, kind = site.u(1, 6), site.u(0, 22), site.n(0, 4)
        if kind == 0:
            build_barrel(b, m, (x, y), site.rng)
        elif kind == 1:
            side = site.u(0.4, 1.1)
            build_crate(
                b,
                m,
                (x, y, 0),
                (side, side * site.u(0.6, 1), side * site.u(0.5, 1)),
                site.u(0, 90),
                site.rng,
            )
        elif kind == 2:
            build_basket(b, m, (x, y), site.rng)
        elif kind == 3:
            build_lobster_pot(b, m, (x, y, 0), site.u(0, 180))
        else:
            coil_rope(b, m, (x, y), site.n(1, 3), site.rng)


def jetty(b: MeshBuilder, site: Site, drop: float) -> None:
    """A plank walk on piles, out over the water."""
    reach, wide, y = site.u(6, 30), site.u(1.2, 3.0), site.u(2, 25)
    deck, wood = planks("deck", site.palette.earthy()), site.palette.wood()
    angle = site.u(150, 210)
    with b.at(0, y, 0, angle):
        b.box(deck, (reach / 2, 0, -0.25), (reach, wide, 0.1))
        for x in np.arange(0.5, reach, site.u(1.5, 3)):
            for side in (-1, 1):
                top = site.u(-0.1, 1.0)
                b.tube(wood, [(x, side * wide / 2, -drop - 1), (x, side * wide / 2, top)], 0.1)
        if site.chance(0.5):
            for side in (-1, 1):
                ends = [(0, side * wide / 2), (reach, side * wide / 2)]
                props.railing(b, site, ends, wood)
