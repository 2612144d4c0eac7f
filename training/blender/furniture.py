"""Furniture and small goods; each in the local frame of its builder, front towards -y."""

from __future__ import annotations

import math

import numpy as np
from photograph.mesh import MeshBuilder, varied
from photograph.plants import Ball, foliage

from training.blender import surfaces
from training.blender.props import ball
from training.blender.stage import Site


def table(b: MeshBuilder, site: Site, size: tuple[float, float, float]) -> None:
    """A table of (width, depth, height), on four legs or one foot."""
    w, d, h = size
    wood, metal = site.palette.wood(), site.palette.metal()
    if site.chance(0.3):
        r = min(w, d) / 2
        b.lathe(wood, (0, 0, h - 0.04), [(0, 0), (r, 0), (r, 0.04), (0, 0.04)], sides=36)
        b.lathe(
            metal, (0, 0, 0), [(r * 0.5, 0), (r * 0.5, 0.03), (0.04, 0.06), (0.04, h)], sides=16
        )
        return
    thick = site.u(0.03, 0.08)
    b.box(wood, (0, 0, h - thick), (w, d, thick))
    leg = site.u(0.03, 0.09)
    for x in (-1, 1):
        for y in (-1, 1):
            b.box(wood, (x * (w / 2 - leg), y * (d / 2 - leg), 0), (leg, leg, h - thick))
    b.box(wood, (0, 0, h - thick - 0.08), (w - 2 * leg, d - 2 * leg, 0.08))


def chair(b: MeshBuilder, site: Site) -> None:
    """A chair: legs, a seat, a back of slats, rods or cloth; its back towards +y."""
    frame, seat = site.palette.wood(), site.palette.thing()
    w, h, leg = site.u(0.38, 0.52), site.u(0.4, 0.5), site.u(0.02, 0.045)
    top = h + site.u(0.3, 0.6)
    for x in (-1, 1):
        for y, high in ((-1, h), (1, top)):
            b.box(frame, (x * (w / 2 - leg / 2), y * (w / 2 - leg / 2), 0), (leg, leg, high))
    b.box(seat, (0, 0, h), (w, w, site.u(0.025, 0.09)))
    style = site.n(0, 2)
    for k in range(4 if style == 0 else 0):
        b.box(frame, (0, w / 2 - leg / 2, h + 0.12 + k * (top - h - 0.15) / 4), (w, 0.02, 0.05))
    for k in range(6 if style == 1 else 0):
        b.tube(
            frame,
            [
                (-w / 2 + (k + 0.5) * w / 6, w / 2 - leg / 2, h),
                (-w / 2 + (k + 0.5) * w / 6, w / 2, top),
            ],
            0.01,
        )
    if style:
        b.box(
            seat if style == 2 else frame,
            (0, w / 2 - leg / 2, top - 0.3 * style),
            (w, 0.03, 0.3 * style - 0.02),
        )


def sofa(b: MeshBuilder, site: Site) -> None:
    """A sofa or armchair with cushions."""
    cloth, w, d = site.palette.textile(), site.u(0.8, 2.4), site.u(0.75, 1.0)
    arm = site.u(0.1, 0.25)
    b.box(cloth, (0, 0, 0.08), (w, d, 0.25))
    b.box(cloth, (0, d / 2 - 0.1, 0.1), (w, 0.2, site.u(0.6, 0.85)))
    for x in (-1, 1):
        b.box(cloth, (x * (w / 2 - arm / 2), 0, 0.08), (arm, d, site.u(0.45, 0.6)))
    seats = max(1, round((w - 2 * arm) / 0.65))
    for k in range(seats):
        x = -w / 2 + arm + (k + 0.5) * (w - 2 * arm) / seats
        b.box(
            cloth,
            (x, -0.08, 0.33),
            ((w - 2 * arm) / seats - 0.02, d - 0.25, 0.14),
            tint=varied(site.rng),
        )
        if site.chance(0.6):
            b.box(
                site.palette.textile(),
                (x, d / 2 - 0.27, 0.47),
                (0.42, 0.14, 0.36),
                turn_deg=site.u(-15, 15),
            )


def shelf(b: MeshBuilder, site: Site, size: tuple[float, float, float]) -> None:
    """Open shelves of (width, depth, height) with books, boxes and jars."""
    w, d, h = size
    wood = site.palette.wood()
    goods = [site.palette.thing(), site.palette.textile(), surfaces.picture(site.n(0, 96), 8.0)]
    for x in (-1, 1):
        b.box(wood, (x * (w / 2 - 0.015), 0, 0), (0.03, d, h))
    b.box(wood, (0, d / 2 - 0.01, 0), (w, 0.02, h))
    floors = max(2, round(h / site.u(0.28, 0.45)))
    for k in range(floors + 1):
        z = k * (h - 0.03) / floors
        b.box(wood, (0, 0, z), (w, d, 0.03))
        x = -w / 2 + 0.05
        while k < floors and x < w / 2 - 0.08:
            thick = site.u(0.02, 0.06) if site.chance(0.85) else site.u(0.1, 0.25)
            high = min(h / floors - 0.06, site.u(0.14, 0.32))
            if x + thick < w / 2 - 0.04 and not site.chance(0.12):
                good = goods[int(site.rng.integers(3))]
                tint = varied(site.rng, low=0.3, high=1.6, hue=0.35)
                b.box(
                    good,
                    (x + thick / 2, -0.02, z + 0.03),
                    (thick * 0.94, d * site.u(0.5, 0.85), high),
                    tint=tint,
                )
            x += thick


def bed(b: MeshBuilder, site: Site) -> None:
    """A bed with its head towards +y."""
    w, cloth, wood = site.u(0.9, 1.8), site.palette.textile(), site.palette.wood()
    b.box(wood, (0, 0, 0.1), (w, 2.05, 0.2))
    b.box(cloth, (0, -0.02, 0.3), (w - 0.04, 2.0, 0.2))
    b.box(wood, (0, 1.04, 0), (w, 0.06, site.u(0.7, 1.2)))
    b.box(site.palette.textile(), (0, -0.25, 0.48), (w + 0.05, 1.5, 0.06))
    for x in (-0.25, 0.25):
        b.box(
            site.palette.textile(),
            (x * w, 0.75, 0.5),
            (w * 0.42, 0.4, 0.13),
            turn_deg=site.u(-12, 12),
        )


def cabinet(b: MeshBuilder, site: Site, size: tuple[float, float, float]) -> None:
    """A chest, sideboard or wardrobe of (width, depth, height) with doors or drawers."""
    w, d, h = size
    wood, knob = site.palette.wood(), site.palette.metal()
    b.box(wood, (0, 0, 0.06), (w, d, h - 0.06))
    b.box(wood, (0, 0, h), (w + 0.04, d + 0.04, 0.03))
    rows, columns = site.n(1, 4), max(1, round(w / site.u(0.4, 0.8)))
    for r in range(rows):
        for c in range(columns):
            cw, ch = w / columns, (h - 0.1) / rows
            x, z = -w / 2 + (c + 0.5) * cw, 0.08 + r * ch
            b.box(
                wood,
                (x, -d / 2 - 0.008, z + 0.01),
                (cw - 0.03, 0.02, ch - 0.03),
                tint=varied(site.rng, low=0.85, high=1.1, hue=0.02),
            )
            ball(b, knob, (x + 0.3 * cw * site.n(-1, 1), -d / 2 - 0.03, z + ch / 2), 0.018)


def floor_lamp(b: MeshBuilder, site: Site) -> tuple[float, float, float]:
    """A standing lamp; returns where its light is."""
    metal, high = site.palette.metal(), site.u(1.2, 1.8)
    b.lathe(metal, (0, 0, 0), [(0.15, 0), (0.15, 0.02), (0.012, 0.04), (0.012, high)], sides=18)
    shade = [(site.u(0.15, 0.25), high - 0.1), (site.u(0.08, 0.2), high + 0.2)]
    b.lathe(site.palette.glow(2.0), (0, 0, 0), shade, sides=24)
    return (0.0, 0.0, high)


def potted_plant(b: MeshBuilder, site: Site, size_m: float) -> None:
    """A plant in a pot: a ball of leaves or long blades."""
    s, leaf = size_m, site.palette.leaf()
    pot = [(0.11, 0), (0.17, 0.3), (0.18, 0.3), (0.16, 0.26), (0, 0.26)]
    b.lathe(site.palette.thing(), (0, 0, 0), [(r * s, z * s) for r, z in pot], sides=24)
    if site.chance(0.5):
        for _ in range(site.n(2, 5)):
            x, y = site.rng.normal(0, 0.12 * s, 2)
            centre = (float(x), float(y), s * site.u(0.5, 0.9))
            b.tube(site.palette.bark(), [(0, 0, 0.25 * s), centre], 0.012 * s, sides=5)
            foliage(
                b,
                leaf,
                Ball(centre, site.u(0.15, 0.3) * s, leaves=250, leaf_m=0.06 * s),
                site.rng,
            )
        return
    for _ in range(site.n(9, 26)):
        angle, out, up = site.u(0, 6.28), site.u(0.1, 0.5), site.u(0.4, 1.0)
        way = np.array([math.cos(angle), math.sin(angle), 0.0])
        side = np.array([-way[1], way[0], 0.0]) * site.u(0.015, 0.05)
        t = np.linspace(0, 1, 6)[:, None]
        middle = (way * out * t**1.5 + [0, 0, 1] * (0.27 + up * (t - 0.45 * t**2.5))) * s
        width = side * np.sin(np.pi * (0.15 + 0.85 * t)) * s
        sheet = np.stack([middle - width, middle + width])
        uv = np.stack(
            [np.stack([t[:, 0], 0 * t[:, 0]], -1), np.stack([t[:, 0], 0 * t[:, 0] + 1], -1)]
        )
        b.sheet(leaf, sheet, uv=uv, tint=varied(site.rng, low=0.6), smooth=True)


def vessel(b: MeshBuilder, site: Site, size_m: float) -> None:
    """A bottle, bowl, vase, cup or jar, turned from a random profile."""
    s, kind = size_m, site.n(0, 4)
    p = site.palette
    made = p.thing() if site.chance(0.6) else surfaces.tiles(
        p.colour(0.2, 0.9), p.colour(0.2, 0.9), p.colour(), size_m=(0.03, 0.02), gloss=0.9
    )  # fmt: skip
    profiles = {
        0: [
            (0, 0),
            (0.16, 0),
            (0.17, 0.5),
            (0.14, 0.62),
            (0.05, 0.72),
            (0.05, 0.95),
            (0.06, 1.0),
        ],
        1: [
            (0, 0),
            (0.2, 0),
            (0.22, 0.03),
            (0.45, 0.35),
            (0.46, 0.36),
            (0.42, 0.33),
            (0, 0.06),
        ],
        2: [(0, 0), (0.2, 0), (0.34, 0.3), (0.3, 0.6), (0.15, 0.8), (0.22, 1.0), (0.2, 0.98)],
        3: [(0, 0), (0.22, 0), (0.26, 0.5), (0.27, 0.5), (0.24, 0.48), (0.2, 0.05), (0, 0.05)],
        4: [(0, 0), (0.3, 0), (0.3, 0.7), (0.27, 0.75), (0.27, 0.9), (0, 0.92)],
    }
    b.lathe(made, (0, 0, 0), [(r * s, z * s) for r, z in profiles[kind]], sides=28)
    if kind == 3:
        t = np.linspace(-0.5 * math.pi, 0.5 * math.pi, 9)
        b.tube(
            made,
            np.stack([(0.25 + 0.13 * np.cos(t)) * s, 0 * t, (0.27 + 0.13 * np.sin(t)) * s], 1),
            0.025 * s,
            sides=7,
        )
    if kind == 1:
        for k in range(site.n(0, 9)):
            centre = (site.u(-0.2, 0.2) * s, site.u(-0.2, 0.2) * s, site.u(0.22, 0.4) * s)
            ball(b, p.petal() if k % 3 else made, centre, site.u(0.08, 0.12) * s)


def books(b: MeshBuilder, site: Site) -> None:
    """A pile of books, slightly turned."""
    z, page = 0.0, site.palette.thing()
    for k in range(site.n(1, 6)):
        w, d, h = site.u(0.12, 0.3), site.u(0.1, 0.22), site.u(0.012, 0.05)
        turn, cover = site.u(-25, 25), surfaces.picture(site.n(0, 96), site.u(3, 15))
        b.box(cover, (0, 0, z), (w, d, h * 0.12), turn_deg=turn)
        b.box(
            page if k % 2 else cover,
            (0, 0, z + h * 0.12),
            (w * 0.97, d * 0.97, h * 0.76),
            turn_deg=turn,
        )
        b.box(cover, (0, 0, z + h * 0.88), (w, d, h * 0.12), turn_deg=turn)
        z += h
