"""Things near the lens: still lifes, portraits, walls that fill the frame, tumbling clutter."""

from __future__ import annotations

import numpy as np

from lyra_zoom.scenes import layout, palette, parts
from lyra_zoom.scenes.indoors import furnish, on_walls, shell
from lyra_zoom.scenes.outdoors import far_away, glance, ridge_side
from lyra_zoom.scenes.stage import Cut, Eye, Stage, one_of, turned


def behind(stage: Stage) -> bool:
    """A backdrop: a room, a wall, or the open; returns whether it is indoors."""
    rng = stage.rng
    kind = rng.random()
    if kind < 0.55:
        half = (rng.uniform(1.5, 4), rng.uniform(1.2, 1.6), rng.uniform(1.5, 5))
        shell(stage, half)
        on_walls(stage, half)
        if rng.random() < 0.6:
            furnish(stage, half)
        return True
    stage.floor(stage.use(palette.ground(rng) if rng.random() < 0.6 else palette.paving(rng)))
    if kind < 0.75:
        x, z = rng.normal(0, 1), rng.uniform(1.5, 6)
        stage.box(
            (x, -2, z), (30, 12, 0.3), stage.use(palette.wall(rng)), turned(rng.normal(0, 0.5))
        )
        return False
    for _ in range(rng.integers(0, 8)):
        parts.bush(stage, rng.normal(0, 5), rng.uniform(2, 18), rng.uniform(0.3, 1.3))
    ridge_side(stage)
    far_away(stage, 40)
    return False


def still_life(stage: Stage) -> Eye:
    """Small things on a table, from close by, sometimes straight from above."""
    rng = stage.rng
    behind(stage)
    tall, wide, deep = (
        rng.choice([0.45, 0.75, 1.0]),
        rng.uniform(0.6, 2.2),
        rng.uniform(0.5, 1.2),
    )
    parts.table(stage, 0.0, 0.6, (wide, tall, deep), rng.normal(0, 0.2))
    count = rng.integers(2, 22)
    for _ in range(count):
        x, z = rng.uniform(-0.45, 0.45) * wide, 0.6 + rng.uniform(-0.45, 0.45) * deep
        parts.trinket(stage, x, z, tall, rng.uniform(0.05, 0.35))
    above = rng.uniform(0.05, 0.9)
    away = rng.uniform(0.0, 0.6)
    target_z = 0.6 + rng.uniform(-0.1, 0.3) * deep
    pitch = -np.arctan2(above - rng.uniform(0, 0.1), away + target_z) * rng.uniform(0.5, 1.2)
    x = rng.normal(0, 0.2)
    at = (x, -tall - above, -away)
    return Eye(
        at=at,
        yaw=-x * 0.5 + rng.normal(0, 0.15),
        pitch=float(np.clip(pitch, -1.2, 0.2)),
        roll=rng.normal(0, 0.05),
        fov_x=rng.uniform(0.6, 1.2),
    )


def portrait(stage: Stage) -> Eye:
    """People, animals-like or large things in front of a backdrop."""
    rng = stage.rng
    behind(stage)
    for _ in range(rng.integers(1, 4)):
        parts.person(
            stage, rng.normal(0, 0.5), rng.uniform(0.7, 3), 0.0, rng.uniform(1.1, 1.95)
        )
    if rng.random() < 0.4:
        parts.plant(stage, rng.normal(0, 1), rng.uniform(0.7, 3), 0.0, rng.uniform(0.5, 1.8))
    if rng.random() < 0.4:
        parts.table(
            stage,
            rng.normal(0, 0.6),
            rng.uniform(0.4, 1.2),
            (1.2, 0.75, 0.7),
            rng.normal(0, 0.3),
        )
    at = (rng.normal(0, 0.2), -rng.uniform(0.8, 1.7), -rng.uniform(0, 1.2))
    return Eye(at=at, yaw=rng.normal(0, 0.15), **glance(rng))


def near_wall(stage: Stage) -> Eye:
    """A wall at a slant with doors, ledges, pipes, plants and things that lean on it."""
    rng = stage.rng
    stage.floor(stage.use(palette.paving(rng)))
    slant, far = rng.uniform(-1.25, 1.25), rng.uniform(1.0, 6)
    wall = stage.use(palette.windows(rng) if rng.random() < 0.3 else palette.wall(rng))
    rotation = turned(slant)
    back = rotation.T

    def put(
        along: float, up: float, out: float, half: tuple[float, float, float], material: int
    ) -> None:
        at = back @ np.array([along, 0, far - out])
        stage.box((at[0], -up, at[2]), half, material, rotation)

    put(0, 4, -0.3, (60, 12, 0.3), wall)
    for _ in range(rng.integers(1, 12)):
        w, h, out = rng.uniform(0.1, 1.1), rng.uniform(0.05, 1.2), rng.uniform(0.02, 0.5)
        material = stage.use(
            one_of(rng, [palette.wood, palette.pictures, palette.wall, palette.metal])(rng)
        )
        put(rng.normal(0, 3), rng.uniform(0.1, 3.5), out / 2, (w, h, out / 2), material)
    for _ in range(rng.integers(0, 5)):
        at = back @ np.array([rng.normal(0, 3), 0, far - 0.15])
        stage.post(at[0], at[2], 9, (0.06, 0.06), stage.use(palette.metal(rng)))
    for _ in range(rng.integers(0, 6)):
        at = back @ np.array([rng.normal(0, 3), 0, far - rng.uniform(0.3, 1.5)])
        parts.trinket(stage, at[0], at[2], 0.0, rng.uniform(0.3, 1.2))
    for _ in range(rng.integers(0, 3)):
        at = back @ np.array([rng.normal(0, 2), 0, far - rng.uniform(0.4, 2)])
        parts.person(stage, at[0], at[2])
    at3 = (rng.normal(0, 0.3), -rng.uniform(0.4, 2), 0.0)
    return Eye(at=at3, yaw=rng.normal(0, 0.3), **glance(rng, 0.25))


def clutter(stage: Stage) -> Eye:
    """Blocks, balls, rods, cards at any place and angle: nothing is up, nothing is ground."""
    rng = stage.rng
    if rng.random() < 0.4:
        shell(stage, (rng.uniform(2, 7), rng.uniform(1.5, 4), rng.uniform(3, 9)))
    else:
        back = (0.0, 0.0, rng.uniform(6, 25))
        stage.box(
            back,
            (60, 60, 0.2),
            stage.use(palette.wall(rng)),
            turned(rng.normal(0, 0.5), rng.normal(0, 0.5)),
        )
        if rng.random() < 0.6:
            stage.floor(stage.use(palette.paving(rng)), -rng.uniform(0.5, 4))
    make = [
        palette.cloth,
        palette.pictures,
        palette.wood,
        palette.metal,
        palette.wall,
        palette.rock,
        palette.leaves,
    ]
    for _ in range(rng.integers(6, 45)):
        z = rng.uniform(1.2, 14)
        at = np.array([rng.normal(0, 0.45) * z, -1.5 + rng.normal(0, 0.4) * z, z])
        size = rng.uniform(0.05, 0.22) * z
        half = size * np.exp(rng.normal(0, 0.5, 3))
        material = stage.use(make[rng.integers(len(make))](rng))
        rotation = turned(*rng.uniform(-3, 3, 3))
        kind = rng.integers(5)
        if kind <= 1:
            stage.box(at, half, material, rotation)
        elif kind == 2:
            stage.ball(
                at,
                half,
                material,
                rotation,
                parts.leafy(stage, size) if rng.random() < 0.2 else None,
            )
        elif kind == 3:
            end = at + rng.normal(0, 3, 3) * size
            stage.rod(at, end, (half[0] * 0.3, half[1] * 0.3), material)
        else:
            cut = one_of(
                rng, [None, Cut(layout.DISC, size), Cut(layout.GRILLE, size * 0.4, 0.3)]
            )
            stage.card(at, (2 * size, 2 * size), material, rng.uniform(-1.2, 1.2), cut)
    eye = (rng.normal(0, 0.3), -rng.uniform(1, 2), 0.0)
    return Eye(at=eye, yaw=rng.normal(0, 0.2), **glance(rng, 0.2))
