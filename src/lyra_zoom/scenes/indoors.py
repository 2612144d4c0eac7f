"""Under a roof: furnished rooms, corridors and halls."""

from __future__ import annotations

import numpy as np

from lyra_zoom.scenes import kitchen, layout, palette, parts
from lyra_zoom.scenes.outdoors import glance
from lyra_zoom.scenes.stage import Cut, Eye, Stage, one_of

Half = tuple[float, float, float]


def shell(stage: Stage, half: Half) -> None:
    """Walls, floor and ceiling of a room whose floor is at 0, with windows or without."""
    rng = stage.rng
    stage.roofed = True
    hx, hy, hz = half
    wall = one_of(rng, [palette.wall, palette.cloth, palette.pale])(rng)
    cut = None
    if rng.random() < 0.4:
        cut = Cut(
            layout.WINDOWS, rng.uniform(1.2, 2.6), rng.uniform(0.3, 0.6), rng.uniform(0.9, 1.4)
        )
        stage.floor(stage.use(palette.ground(rng)), -rng.uniform(0.5, 6))
    paint = stage.use(wall)
    thin = 0.05
    for side in (-1, 1):
        opening = cut if cut is not None and rng.random() < 0.4 else None
        stage.box((side * (hx + thin), -hy, 0), (thin, hy, hz + thin), paint, None, opening)
        stage.rows[-1][layout.HOLLOW] = 1
    for z in (-hz - thin, hz + thin):
        opening = cut if cut is not None and z > 0 and rng.random() < 0.5 else None
        paint_end = paint if rng.random() < 0.7 else stage.use(palette.wall(rng))
        stage.box((0, -hy, z), (hx, hy, thin), paint_end, None, opening)
        stage.rows[-1][layout.HOLLOW] = 1
    top = stage.use(
        palette.cloth(rng)
        if rng.random() < 0.25
        else palette.Material(
            texture=layout.PLASTER,
            a=palette.near(rng, (0.75, 0.74, 0.7), 0.2),
            b=(0.7, 0.7, 0.7),
            amount=0.1,
        )
    )
    stage.box((0, -2 * hy - thin, 0), (hx, thin, hz), top)
    under = (
        palette.wood(rng)
        if rng.random() < 0.5
        else one_of(rng, [palette.paving, palette.cloth])(rng)
    )
    stage.box((0, thin, 0), (hx, thin, hz), stage.use(under))
    if rng.random() < 0.4:
        skirting = stage.use(palette.wood(rng))
        for side in (-1, 1):
            stage.box((side * hx, -0.06, 0), (0.02, 0.06, hz), skirting)
        stage.box((0, -0.06, hz), (hx, 0.06, 0.02), skirting)


def on_walls(stage: Stage, half: Half) -> None:
    """Pictures, doors, lamps, curtains and a radiator."""
    rng = stage.rng
    hx, hy, hz = half
    for _ in range(rng.integers(0, 8)):
        w, h, up = rng.uniform(0.15, 0.8), rng.uniform(0.15, 0.6), rng.uniform(1.2, 1.2 * hy)
        material = stage.use(palette.pictures(rng))
        side = rng.integers(3)
        if side == 2:
            stage.box((rng.uniform(-hx, hx) * 0.9, -up, hz - 0.02), (w, h, 0.02), material)
        else:
            stage.box(
                ((2 * side - 1) * (hx - 0.02), -up, rng.uniform(-0.2, 0.9) * hz),
                (0.02, h, w),
                material,
            )
    for _ in range(rng.integers(0, 3)):
        door, x = stage.use(palette.wood(rng)), rng.uniform(-0.8, 0.8) * hx
        if rng.random() < 0.5:
            stage.block(x, hz - 0.03, (0.9, 2.0, 0.06), door)
        else:
            stage.block(
                rng.choice([-1, 1]) * (hx - 0.03),
                rng.uniform(-0.2, 0.8) * hz,
                (0.06, 2.0, 0.9),
                door,
            )
    if rng.random() < 0.4:
        curtain, x = stage.use(palette.cloth(rng)), rng.uniform(-0.7, 0.7) * hx
        for k in range(8):
            stage.post(x + k * 0.11, hz - 0.12, 2 * hy * 0.9, (0.06, 0.06), curtain)
    for _ in range(rng.integers(0, 4)):
        at = (rng.uniform(-0.7, 0.7) * hx, -2 * hy, rng.uniform(-0.3, 0.8) * hz)
        drop = rng.uniform(0.05, 0.9)
        stage.rod(
            at, (at[0], at[1] + drop, at[2]), (0.012, 0.012), stage.use(palette.metal(rng))
        )
        size = rng.uniform(0.08, 0.25)
        stage.ball(
            (at[0], at[1] + drop, at[2]), (size, size * 0.7, size), stage.use(palette.lamp(rng))
        )


def furnish(stage: Stage, half: Half) -> None:
    """Tables with things on them, seats, shelves, a bed, plants, people, odds and ends."""
    lay_tables(stage, half)
    place_seats(stage, half)
    scatter(stage, half)


def lay_tables(stage: Stage, half: Half) -> None:
    """Tables with things on them and chairs around them."""
    rng = stage.rng
    hx, _, hz = half
    for _ in range(rng.integers(1, 5)):
        x, z, yaw = (
            rng.uniform(-0.8, 0.8) * hx,
            rng.uniform(-0.4, 0.85) * hz,
            rng.choice([0, 1.57, rng.uniform(-2, 2)]),
        )
        size = (rng.uniform(0.5, 2.2), rng.choice([0.45, 0.74, 0.9]), rng.uniform(0.5, 1.1))
        parts.table(stage, x, z, size, yaw)
        for _ in range(rng.integers(0, 7)):
            dx, dz = (
                rng.uniform(-0.35, 0.35) * min(size[0], size[2]),
                rng.uniform(-0.35, 0.35) * size[2],
            )
            parts.trinket(stage, x + dx, z + dz, size[1], rng.uniform(0.1, 0.4))
        for _ in range(rng.integers(0, 4)):
            a = rng.uniform(-3, 3)
            parts.chair(
                stage,
                x + np.cos(a) * (size[0] / 2 + 0.3),
                z + np.sin(a) * (size[2] / 2 + 0.3),
                a - 1.57,
            )


def place_seats(stage: Stage, half: Half) -> None:
    """Sofas, shelves along the walls, a bed."""
    rng = stage.rng
    hx, _, hz = half
    for _ in range(rng.integers(0, 3)):
        parts.sofa(
            stage,
            rng.uniform(-0.8, 0.8) * hx,
            rng.uniform(-0.2, 0.9) * hz,
            rng.choice([0, 1.57, -1.57, 3.14]),
        )
    if rng.random() < 0.3:
        kitchen.counter(stage, half)
    for _ in range(rng.integers(0, 5)):
        if rng.random() < 0.5:
            parts.shelf(stage, rng.uniform(-0.9, 0.9) * hx, hz - 0.25, 0.0)
        else:
            side = rng.choice([-1, 1])
            parts.shelf(stage, side * (hx - 0.25), rng.uniform(-0.3, 0.8) * hz, side * 1.57)
    if rng.random() < 0.25:
        x, z, cover = (
            rng.uniform(-0.5, 0.5) * hx,
            rng.uniform(0, 0.7) * hz,
            stage.use(palette.cloth(rng)),
        )
        stage.block(x, z, (1.6, 0.5, 2.0), cover)
        for dx in (-0.4, 0.4):
            stage.ball(
                (x + dx, -0.55, z + 0.75), (0.33, 0.12, 0.22), stage.use(palette.cloth(rng))
            )


def scatter(stage: Stage, half: Half) -> None:
    """Plants, people, things on the floor, a rug."""
    rng = stage.rng
    hx, _, hz = half
    for _ in range(rng.integers(0, 3)):
        parts.plant(
            stage,
            rng.uniform(-0.9, 0.9) * hx,
            rng.uniform(-0.3, 0.9) * hz,
            0.0,
            rng.uniform(0.4, 1.6),
        )
    for _ in range(rng.choice([0, 0, 0, 1, 2])):
        parts.person(stage, rng.uniform(-0.8, 0.8) * hx, rng.uniform(-0.2, 0.9) * hz)
    for _ in range(rng.integers(0, 7)):
        parts.trinket(
            stage,
            rng.uniform(-0.9, 0.9) * hx,
            rng.uniform(-0.5, 0.9) * hz,
            0.0,
            rng.uniform(0.15, 0.7),
        )
    if rng.random() < 0.3:
        rug = stage.use(palette.cloth(rng))
        stage.box(
            (rng.normal(0, 0.5), 0.0, rng.uniform(0, 0.5) * hz),
            (hx * 0.4, 0.012, hz * 0.3),
            rug,
        )


def room(stage: Stage) -> Eye:
    """A furnished room seen from standing, sitting or from a shelf."""
    rng = stage.rng
    half = (rng.uniform(1.4, 5), rng.uniform(1.15, 1.8), rng.uniform(1.5, 5.5))
    shell(stage, half)
    on_walls(stage, half)
    furnish(stage, half)
    eye = rng.uniform(0.35, 2 * half[1] - 0.3) if rng.random() < 0.4 else rng.uniform(1.0, 1.7)
    at = (rng.uniform(-0.8, 0.8) * half[0], -eye, -half[2] * rng.uniform(0.2, 0.95))
    held = glance(rng, 0.25)
    held["pitch"] -= 0.1 + 0.25 * max(0.0, eye - 1.2)
    yaw = -at[0] / half[0] * rng.uniform(-0.1, 0.8) + rng.normal(0, 0.35)
    return Eye(at=at, yaw=yaw, **held)


def hall(stage: Stage) -> Eye:
    """A corridor, a nave or an underground car park: a long space with a rhythm."""
    rng = stage.rng
    half = (rng.uniform(0.8, 9), rng.uniform(1.1, 4.5), rng.uniform(6, 30))
    shell(stage, half)
    on_walls(stage, half)
    stone, gap = stage.use(palette.wall(rng)), rng.uniform(1.5, 5)
    kind, inset, r = rng.random(), rng.uniform(0.5, 0.95), rng.uniform(0.08, 0.45)
    for k in range(int(2 * half[2] / gap)):
        z = -half[2] + (k + 0.5) * gap
        if kind < 0.4:
            for side in (-1, 1):
                stage.post(side * half[0] * inset, z, 2 * half[1], (r, r), stone)
        elif kind < 0.7 and z > -half[2] * 0.7:
            size = (2 * half[0], 2 * half[1], rng.uniform(0.2, 0.6))
            stage.arch(0.0, z, size, (half[0] * inset, 2 * half[1] * 0.92), stone)
        elif kind < 0.9:
            stage.box((0, -2 * half[1] + 0.15, z), (half[0], 0.15, 0.12), stone)
    door = stage.use(palette.wood(rng))
    for k in range(rng.integers(0, 8)):
        stage.block(rng.choice([-1, 1]) * half[0], -half[2] + k * 3.0, (0.08, 2.0, 0.9), door)
    for _ in range(rng.integers(0, 9)):
        x, z = rng.uniform(-0.9, 0.9) * half[0], rng.uniform(-0.7, 0.9) * half[2]
        one_of(rng, [parts.person, parts.person, parts.barrel])(stage, x, z)
    for _ in range(rng.integers(0, 5)):
        x, z = rng.uniform(-0.9, 0.9) * half[0], rng.uniform(-0.8, 0.9) * half[2]
        one_of(rng, [parts.chair, parts.sofa, parts.shelf])(
            stage, x, z, rng.choice([-1.57, 0, 1.57])
        )
    at = (
        rng.uniform(-0.6, 0.6) * half[0],
        -rng.uniform(0.3, 0.9) * 2 * half[1],
        -half[2] * rng.uniform(0.6, 0.95),
    )
    return Eye(at=at, yaw=rng.normal(0, 0.25), **glance(rng))
