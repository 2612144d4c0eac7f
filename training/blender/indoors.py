"""Families with a roof: rooms with furniture, halls and corridors."""

from __future__ import annotations

import math

import numpy as np
from photograph.mesh import MeshBuilder
from photograph.plants import Ball, foliage

from training.blender import furniture, props, surfaces
from training.blender.shards import Kind
from training.blender.stage import Site, Spot, Spots, level, within
from training.blender.surfaces import of_kind
from training.blender.weather import lamp, panel

WALL_M = 0.2


def shell_light(site: Site, half: float, tall: float) -> None:
    """Light that fills a room: ceiling panels or a hanging lamp."""
    colour = (1.0, site.u(0.75, 1.0), site.u(0.5, 0.95))
    area = 4 * half * half
    if site.palette.is_night or site.chance(0.5):
        for _ in range(site.n(1, 3)):
            place = (
                site.u(-0.6, 0.6) * half,
                site.u(-0.6, 0.6) * half,
                tall - site.u(0.1, 0.6),
            )
            lamp(place, site.u(4, 10) * area**0.7, colour)
    panel(
        (0, 0, tall - 0.02), (half * 1.2, half * 1.2), site.u(0.6, 3) * area, (0, 0, 0), colour
    )


def window_light(site: Site, half: float, tall: float) -> None:
    """Soft light from one side, as from a window beside the camera."""
    if site.palette.is_night:
        return
    side = site.n(0, 3) * math.pi / 2
    place = (-(half - 0.1) * math.sin(side), (half - 0.1) * math.cos(side), tall * 0.55)
    watts = site.u(10, 45) * half * half
    panel(
        place,
        (site.u(0.8, 2), site.u(0.8, 1.6)),
        watts,
        (-math.pi / 2, 0, side),
        (0.85, 0.93, 1.0),
    )


def room(site: Site) -> Spots:
    """A furnished room with windows, a door, pictures, lamps and a carpet."""
    b, p = MeshBuilder(), site.palette
    hx, hy, tall = site.u(1.7, 4.5), site.u(1.8, 5.5), site.u(2.3, 3.6)
    b.quad(p.floor(), [(-hx, -hy, 0), (hx, -hy, 0), (hx, hy, 0), (-hx, hy, 0)])
    b.quad(p.ceiling(), [(-hx, hy, tall), (hx, hy, tall), (hx, -hy, tall), (-hx, -hy, tall)])
    paint, accent, trim = p.inner_wall(), p.inner_wall(), of_kind(p.wood(), Kind.WALL)
    for k in range(4):
        width, away = (2 * hx, hy) if k % 2 == 0 else (2 * hy, hx)
        with b.at(0, 0, 0, 90 * k), b.at(0, away):
            _room_wall(b, site, (width, tall), (accent if k == 0 else paint, trim))
    if site.chance(0.25):
        for x in np.arange(-hx + 0.5, hx, site.u(0.6, 1.2)):
            b.box(trim, (float(x), 0, tall - 0.2), (0.14, 2 * hy, 0.2))
    if site.chance(0.6):
        b.box(
            p.textile(),
            (site.u(-0.5, 0.5), site.u(-0.5, 0.5), 0.001),
            (site.u(1.2, hx * 1.6), site.u(1.2, hy * 1.4), 0.012),
            turn_deg=site.u(-20, 20),
        )
    _furnish(b, site, hx, hy)
    _outside(b, site)
    half = math.sqrt(hx * hy)
    shell_light(site, half, tall)
    for _ in range(site.n(0, 2)):
        x, y, drop = site.u(-0.5, 0.5) * hx, site.u(-0.5, 0.5) * hy, site.u(0.3, 1.1)
        b.tube(p.metal(), [(x, y, tall), (x, y, tall - drop)], 0.008, sides=5)
        r = site.u(0.1, 0.3)
        b.lathe(
            p.glow(3.0),
            (x, y, tall - drop - 0.15),
            [(r, 0), (r * site.u(0.2, 1), 0.2), (0, 0.2)],
            sides=20,
        )
    b.stand("room")

    def draw(rng: np.random.Generator) -> Spot:
        angle = float(rng.uniform(-math.pi, math.pi))
        x, y = 0.86 * hx * math.sin(angle), 0.86 * hy * math.cos(angle)
        near = float(rng.uniform(0.3, 1.0))
        yaw = math.degrees(math.atan2(-x, -y)) + float(rng.normal(0, 25))
        return Spot(x * near, y * near, 0.0, yaw)

    return draw


def _outside(b: MeshBuilder, site: Site) -> None:
    """What windows show: ground below and leaves or walls beyond."""
    low, far = -site.u(0.2, 9.0), 120.0
    ground = [(-far, -far, low), (far, -far, low), (far, far, low), (-far, far, low)]
    b.quad(site.palette.meadow(), ground)
    wall, leaf = site.palette.wall(), site.palette.leaf()
    for _ in range(site.n(3, 10)):
        angle, away = site.u(0, 2 * math.pi), site.u(12, 50)
        x, y, size = away * math.cos(angle), away * math.sin(angle), site.u(2, 6)
        if site.chance(0.4):
            b.box(wall, (x, y, low), (2 * size, 2 * size, 2 * size), turn_deg=site.u(0, 90))
        else:
            foliage(b, leaf, Ball((x, y, low + size), size, leaves=500, leaf_m=0.5), site.rng)


def _room_wall(b: MeshBuilder, site: Site, size: tuple[float, float], made: tuple) -> None:
    """One wall along x whose inside is at y = 0, with a window, a door or pictures."""
    width, tall = size
    paint, trim = made
    kind = site.n(0, 3)
    wide = min(width * 0.7, site.u(0.8, 3.0)) if kind else 0.9
    sill = site.u(0.0, 0.95) if kind == 1 else 0.0
    high = min(tall - sill - 0.2, site.u(1.0, 2.2)) if kind == 1 else 2.05
    x = site.u(-0.5, 0.5) * (width - wide - 0.2)
    if kind >= 2:
        b.box(paint, (0, WALL_M / 2, 0), (width + 2 * WALL_M, WALL_M, tall))
        for _ in range(site.n(0, 3)):
            w, h = site.u(0.3, 1.1), site.u(0.3, 0.9)
            px = site.u(-0.4, 0.4) * width
            b.box(trim, (px, -0.015, 1.1), (w + 0.08, 0.03, h + 0.08))
            b.box(
                surfaces.picture(site.n(0, 96), site.u(1, 6)), (px, -0.025, 1.14), (w, 0.03, h)
            )
    else:
        left, right = x - wide / 2 + width / 2, width / 2 - x - wide / 2
        b.box(
            paint,
            (-width / 2 + left / 2 - WALL_M / 2, WALL_M / 2, 0),
            (left + WALL_M, WALL_M, tall),
        )
        b.box(
            paint,
            (width / 2 - right / 2 + WALL_M / 2, WALL_M / 2, 0),
            (right + WALL_M, WALL_M, tall),
        )
        b.box(paint, (x, WALL_M / 2, 0), (wide, WALL_M, sill))
        b.box(paint, (x, WALL_M / 2, sill + high), (wide, WALL_M, tall - sill - high))
        if kind == 1:
            _window(b, site, (x, sill, wide, high), trim)
        else:
            b.box(trim, (x, 0.1, 0), (wide, 0.05, high))
            props.ball(b, site.palette.metal(), (x + wide * 0.4, 0.05, 1.0), 0.03)
    b.box(trim, (0, -0.01, 0), (width, 0.02, 0.1))


def _window(
    b: MeshBuilder, site: Site, hole: tuple[float, float, float, float], trim: object
) -> None:
    """Frame and bars in a hole (x, sill, width, height), curtains, the light that comes in."""
    x, sill, wide, high = hole
    for k in np.linspace(-0.5, 0.5, site.n(2, 4)):
        b.box(trim, (x + k * (wide - 0.05), 0.12, sill), (0.05, 0.05, high))
    for k in (0.0, 0.5, 1.0)[:: site.n(1, 2)]:
        b.box(trim, (x, 0.12, sill + k * (high - 0.05)), (wide, 0.05, 0.05))
    b.box(trim, (x, 0.0, sill - 0.05), (wide + 0.2, 0.25, 0.05))
    if site.chance(0.5):
        cloth = site.palette.textile()
        for side in (-1, 1):
            drape = site.u(0.15, 0.45) * wide
            t = np.linspace(0, 1, 25)
            px = x + side * (wide / 2 + 0.15 - drape * t)
            py = -0.08 + 0.04 * np.sin(t * 26)
            low = max(0.02, sill - site.u(0, 0.6))
            rows = np.stack(
                [np.stack([px, py, 0 * t + z], 1) for z in (low, sill + high + 0.12)]
            )
            uv = np.stack([np.stack([t, 0 * t], 1), np.stack([t, 0 * t + high], 1)])
            b.sheet(cloth, rows, uv=uv, smooth=True)
    local = b._local  # the lamp is no part of the mesh
    place = (local @ np.array([x, -0.25, sill + high / 2, 1.0]))[:3]
    turn = math.atan2(local[1, 0], local[0, 0])
    if not site.palette.is_night:
        centre = (float(place[0]), float(place[1]), float(place[2]))
        watts = site.u(15, 60) * wide * high
        panel(centre, (wide, high), watts, (-math.pi / 2, 0, turn), (0.85, 0.93, 1.0))


def _furnish(b: MeshBuilder, site: Site, hx: float, hy: float) -> None:
    """Furniture along the walls facing inwards, a table and seats in the middle."""
    for k in range(4):
        width, away = (hx, hy) if k % 2 == 0 else (hy, hx)
        x = -width + 0.7
        while x < width - 0.9:
            step = site.u(0.8, 2.2)
            if site.chance(0.65):
                with b.at(0, 0, 0, 90 * k), b.at(x + step / 2, away):
                    _wall_piece(b, site, step)
            x += step + site.u(0.05, 0.6)
    if site.chance(0.75):
        with b.at(site.u(-0.4, 0.4) * hx, site.u(-0.4, 0.4) * hy, 0, site.u(-30, 30)):
            w, d = site.u(0.6, 1.8), site.u(0.5, 1.0)
            high = site.u(0.38, 0.78)
            furniture.table(b, site, (w, d, high))
            for _ in range(site.n(0, 5)):
                with b.at(site.u(-0.35, 0.35) * w, site.u(-0.3, 0.3) * d, high, site.u(0, 360)):
                    (
                        furniture.books
                        if site.chance(0.3)
                        else lambda b, s: furniture.vessel(b, s, s.u(0.1, 0.35))
                    )(b, site)
            for k in range(4 if high > 0.55 else 0):
                if site.chance(0.7):
                    away = (d if k % 2 == 0 else w) / 2 + 0.12
                    with b.at(0, 0, 0, 90 * k), b.at(0, away, 0, site.u(-15, 15)):
                        furniture.chair(b, site)
    if site.chance(0.25):
        with b.at(site.u(-0.6, 0.6) * hx, site.u(-0.6, 0.6) * hy, 0, site.u(0, 360)):
            (props.person if site.chance(0.8) else props.animal)(b, site)


def _wall_piece(b: MeshBuilder, site: Site, width: float) -> None:
    """One piece of furniture with its back to a wall at y = 0."""
    kind = site.n(0, 6)
    with b.at(0, -0.25 if kind in (0, 1, 4) else -0.5):
        if kind == 0:
            furniture.shelf(b, site, (width * 0.95, site.u(0.22, 0.38), site.u(0.7, 2.2)))
        elif kind == 1:
            high = site.u(0.45, 2.0)
            furniture.cabinet(b, site, (width * 0.95, site.u(0.35, 0.48), high))
            if high < 1.2:
                with b.at(site.u(-0.3, 0.3) * width, 0, high + 0.03):
                    furniture.vessel(b, site, site.u(0.15, 0.45))
        elif kind == 2:
            furniture.sofa(b, site)
        elif kind == 3:
            with b.at(0, -0.65):
                furniture.bed(b, site)
        elif kind == 4:
            furniture.potted_plant(b, site, site.u(0.5, 1.7))
        elif kind == 5:
            furniture.floor_lamp(b, site)
        else:
            with b.at(0, 0, 0, site.u(-40, 40)):
                furniture.chair(b, site)


def hall(site: Site) -> Spots:
    """A corridor, an arcade or a warehouse: long, with a rhythm of doors or columns."""
    b, p = MeshBuilder(), site.palette
    half, length, tall = site.u(0.9, 7.0), site.u(9, 45), site.u(2.3, 6.5)
    b.quad(p.floor(), [(-half, -6, 0), (half, -6, 0), (half, length, 0), (-half, length, 0)])
    wall, trim = p.inner_wall(), of_kind(p.wood(), Kind.WALL)
    if site.chance(0.35):
        _vault(b, p.ceiling(), half, length, tall)
    else:
        b.quad(
            p.ceiling(),
            [(-half, length, tall), (half, length, tall), (half, -6, tall), (-half, -6, tall)],
        )
    for side in (-1, 1):
        b.box(wall, (side * (half + 0.1), length / 2 - 3, 0), (0.2, length + 6, tall))
    for y in (-6.1, length + 0.1):
        b.box(wall, (0, y, 0), (2 * half + 0.4, 0.2, tall + half))
    b.box(trim, (0, length - 0.03, 0), (min(1.6, half), 0.06, 2.1))
    step, style = site.u(1.8, 4.5), site.n(0, 3)
    metal, glow = p.metal(), p.glow(6.0)
    for y in np.arange(0, length, step):
        place = float(y)
        for side in (-1, 1):
            _bay(b, site, (side * half, place, step), (tall, style), (trim, wall, metal))
        b.box(glow, (0, place, tall - 0.06), (0.3, site.u(0.3, 1.2), 0.05))
        panel(
            (0, place, tall - 0.1),
            (half * 0.9, step * 0.6),
            site.u(8, 30) * half,
            (0, 0, 0),
            (1, 0.93, 0.82),
        )
    _fill_hall(b, site, half, length)
    b.stand("hall")
    return within((-half * 0.75, half * 0.75), (-4, length * 0.4), level, (-35, 35))


def _fill_hall(b: MeshBuilder, site: Site, half: float, length: float) -> None:
    """People and furniture standing about."""
    for _ in range(site.n(1, 10)):
        with b.at(site.u(-0.7, 0.7) * half, site.u(2, length * 0.8), 0, site.u(0, 360)):
            kind = site.n(0, 5)
            if kind <= 1:
                props.person(b, site)
            elif kind == 2:
                furniture.chair(b, site)
            elif kind == 3:
                furniture.cabinet(b, site, (site.u(0.4, 1.0), 0.4, site.u(0.5, 1.8)))
            elif kind == 4:
                furniture.potted_plant(b, site, site.u(0.6, 1.8))
            else:
                b.box(
                    site.palette.thing(),
                    (0, 0, 0),
                    (site.u(0.4, 1.3), site.u(0.4, 1.3), site.u(0.4, 1.5)),
                )


def _vault(b: MeshBuilder, material: object, half: float, length: float, tall: float) -> None:
    """A round ceiling that springs from the walls."""
    t = np.linspace(0, math.pi, 17)
    rows = np.stack(
        [
            np.stack([half * np.cos(t), 0 * t + y, tall + 0.8 * half * np.sin(t)], 1)
            for y in (-6, length)
        ]
    )
    uv = np.stack([np.stack([t * half, 0 * t + y], 1) for y in (-6, length)])
    b.sheet(material, rows, uv=uv, smooth=True)


def _bay(
    b: MeshBuilder,
    site: Site,
    where: tuple[float, float, float],
    form: tuple[float, int],
    made: tuple,
) -> None:
    """One bay of a hall's side: a door, a column, a shelf or a pilaster."""
    x, y, step = where
    tall, style = form
    trim, wall, metal = made
    inward = -math.copysign(1.0, x)
    if style == 0:
        b.box(trim, (x + inward * 0.02, y, 0), (0.06, 0.95, 2.05))
        b.box(wall, (x + inward * 0.02, y, 2.05), (0.08, 1.15, 0.1))
    elif style == 1:
        r = min(0.35, abs(x) * 0.15)
        b.lathe(
            wall,
            (x + inward * 2.5 * r, y, 0),
            [
                (r * 1.4, 0),
                (r * 1.4, 0.2),
                (r, 0.3),
                (r * 0.85, tall - 0.4),
                (r * 1.4, tall - 0.1),
                (r * 1.4, tall),
            ],
            sides=24,
        )
    elif style == 2:
        turn = 90 if x > 0 else -90
        with b.at(x + inward * 0.3, y, 0, -turn):
            if site.chance(0.75):
                furniture.shelf(b, site, (min(step * 0.9, 2.4), 0.4, min(tall - 0.2, 2.4)))
    else:
        b.box(wall, (x + inward * 0.1, y, 0), (0.2, 0.4, tall))
        b.box(metal, (x + inward * 0.25, y + step / 2, tall * 0.6), (0.1, 0.3, 0.3))
