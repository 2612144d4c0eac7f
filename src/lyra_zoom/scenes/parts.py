"""Things that stand in scenes, each put together from a few primitives."""

from __future__ import annotations

import numpy as np

from lyra_zoom.scenes import layout, palette
from lyra_zoom.scenes.stage import Cut, Stage, turned


def leafy(stage: Stage, size: float) -> Cut:
    """Ragged foliage for a crown of this radius."""
    return Cut(layout.LEAFY, size * stage.rng.uniform(0.06, 0.16), stage.rng.uniform(0.3, 0.5))


def tree(stage: Stage, x: float, z: float, height: float, autumn: bool = False) -> None:
    """A trunk with several ragged crowns."""
    rng = stage.rng
    base = stage.height_at(x, z)
    bark = stage.use(palette.wood(rng))
    leaf = stage.use(palette.leaves(rng, autumn))
    crown = height * rng.uniform(0.2, 0.36)
    thick = height * rng.uniform(0.015, 0.04)
    stage.post(x, z, height * 0.75, (thick * 0.6, thick), bark, base=base - 0.1)
    for _ in range(rng.integers(2, 6)):
        offset = rng.normal(0, crown * 0.55, 3)
        middle = (x + offset[0], -base - height * 0.72 + offset[1] * 0.7, z + offset[2])
        if rng.random() < 0.5:
            stage.rod((x, -base - height * 0.4, z), middle, (thick * 0.6, thick * 0.2), bark)
        size = crown * rng.uniform(0.5, 1.0)
        half = (size, size * rng.uniform(0.6, 1.0), size)
        stage.ball(middle, half, leaf, cut=leafy(stage, size))


def conifer(stage: Stage, x: float, z: float, height: float) -> None:
    """A stack of cones."""
    rng = stage.rng
    base = stage.height_at(x, z)
    leaf = stage.use(palette.leaves(rng))
    width = height * rng.uniform(0.13, 0.24)
    stage.post(
        x, z, height * 0.3, (0.02 * height, 0.025 * height), stage.use(palette.wood(rng)), base
    )
    for k in range(3):
        foot = base + height * (0.12 + 0.27 * k)
        wide = width * (1 - 0.27 * k)
        stage.post(x, z, height * 0.4, (0.01, wide), leaf, foot)


def bush(stage: Stage, x: float, z: float, size: float, autumn: bool = False) -> None:
    """A few ragged balls on the ground."""
    rng = stage.rng
    leaf = stage.use(palette.leaves(rng, autumn))
    for _ in range(rng.integers(1, 4)):
        r = size * rng.uniform(0.5, 1.0)
        dx, dz = rng.normal(0, size * 0.4, 2)
        base = stage.height_at(x + dx, z + dz)
        stage.ball(
            (x + dx, -base - r * 0.6, z + dz), (r, r * 0.9, r), leaf, cut=leafy(stage, r)
        )


def boulder(stage: Stage, x: float, z: float, size: float) -> None:
    """A rock that is half in the ground."""
    rng = stage.rng
    stone = stage.use(palette.rock(rng))
    base = stage.height_at(x, z)
    for _ in range(rng.integers(1, 4)):
        half = size * rng.uniform(0.4, 1.0, 3)
        at = (
            x + rng.normal(0, size * 0.3),
            -base - half[1] * 0.4,
            z + rng.normal(0, size * 0.3),
        )
        stage.ball(at, half, stone, turned(*rng.uniform(-0.5, 0.5, 3)))


def person(stage: Stage, x: float, z: float, base: float = 0.0, size: float = 1.75) -> None:
    """Legs, coat, arms and head."""
    rng = stage.rng
    coat, trousers = stage.use(palette.cloth(rng)), stage.use(palette.cloth(rng))
    skin = stage.use(
        palette.Material(
            texture=layout.PLAIN,
            a=palette.near(rng, (0.45, 0.25, 0.17), 0.5),
            b=(0.5, 0.3, 0.2),
            scale=0.1,
            amount=0.1,
        )
    )
    s, step = size / 1.75, rng.uniform(0, 0.3)
    yaw = rng.uniform(-3, 3)
    ux, uz = np.sin(yaw), np.cos(yaw)
    for side in (-1, 1):
        foot = (x + side * (0.1 * uz + step * ux), -base, z + side * (-0.1 * ux + step * uz))
        hip = (x + side * 0.09 * uz * s, -base - 0.85 * s, z - side * 0.09 * ux * s)
        stage.rod(hip, foot, (0.1 * s, 0.06 * s), trousers)
        shoulder = (x + side * 0.23 * uz * s, -base - 1.42 * s, z - side * 0.23 * ux * s)
        hand = (
            x + side * 0.3 * uz * s + 0.2 * ux * rng.normal(),
            -base - rng.uniform(0.75, 1.2) * s,
            z - side * 0.3 * ux * s,
        )
        stage.rod(shoulder, hand, (0.065 * s, 0.045 * s), coat)
    stage.ball((x, -base - 1.15 * s, z), (0.25 * s, 0.38 * s, 0.17 * s), coat, turned(yaw))
    stage.ball((x, -base - 1.62 * s, z), (0.1 * s, 0.135 * s, 0.11 * s), skin)
    hair = stage.use(palette.wood(rng))
    stage.ball(
        (x, -base - 1.66 * s, z + 0.02), (0.11 * s, 0.12 * s, 0.115 * s), hair, turned(yaw)
    )


def car(stage: Stage, x: float, z: float, yaw: float) -> None:
    """Body, cabin with dark glass, four wheels, lights."""
    rng = stage.rng
    body = stage.use(palette.metal(rng))
    glass = stage.use(
        palette.Material(
            texture=layout.PLAIN, a=(0.02, 0.02, 0.03), b=(0.03, 0.03, 0.04), gloss=0.8
        )
    )
    tyre = stage.use(
        palette.Material(texture=layout.PLAIN, a=(0.02, 0.02, 0.02), b=(0.03, 0.03, 0.03))
    )
    length, tall = rng.uniform(3.6, 5.2), rng.uniform(1.35, 2.1)
    back = turned(yaw).T
    stage.block(x, z, (1.75, tall * 0.45, length), body, yaw, 0.25)
    stage.block(
        x, z, (1.6, tall * 0.42, length * rng.uniform(0.45, 0.7)), glass, yaw, 0.25 + tall * 0.4
    )
    stage.block(x, z, (1.62, 0.06, length * 0.5), body, yaw, 0.2 + tall * 0.83)
    for sx in (-1, 1):
        for sz in (-1, 1):
            a, b = (back @ (sx * w, 0, sz * length * 0.32) for w in (0.7, 0.9))
            stage.rod(
                (x + a[0], -0.33, z + a[2]), (x + b[0], -0.33, z + b[2]), (0.33, 0.33), tyre
            )


def lamp_post(stage: Stage, x: float, z: float) -> None:
    """A thin post with a lantern or an arm."""
    rng = stage.rng
    iron = stage.use(palette.metal(rng))
    height = rng.uniform(2.5, 8)
    stage.post(x, z, height, (0.04, 0.08), iron)
    shine = stage.use(palette.lamp(rng))
    if rng.random() < 0.5:
        stage.ball((x, -height, z), (0.18, 0.22, 0.18), shine)
    else:
        arm = rng.uniform(-1.5, 1.5)
        stage.rod((x, -height, z), (x + arm, -height - 0.3, z), (0.04, 0.03), iron)
        stage.box((x + arm, -height - 0.3, z), (0.25, 0.06, 0.1), shine)


def fence(stage: Stage, start: tuple[float, float], end: tuple[float, float]) -> None:
    """A railing, a wall or a hedge between two places."""
    rng = stage.rng
    (x0, z0), (x1, z1) = start, end
    length, yaw = np.hypot(x1 - x0, z1 - z0), np.arctan2(-(z1 - z0), x1 - x0)
    x, z, tall = (x0 + x1) / 2, (z0 + z1) / 2, rng.uniform(0.6, 1.8)
    kind = rng.random()
    if kind < 0.6:
        material = stage.use(palette.metal(rng) if rng.random() < 0.5 else palette.wood(rng))
        cut = Cut(layout.RAILING, rng.uniform(0.1, 0.35), rng.uniform(0.12, 0.4), tall * 0.09)
        stage.card((x, -tall / 2, z), (length / 2, tall / 2), material, yaw, cut)
    elif kind < 0.85:
        stage.block(x, z, (length, tall, 0.25), stage.use(palette.wall(rng)), yaw)
    else:
        stage.block(x, z, (length, tall, 0.6), stage.use(palette.leaves(rng)), yaw)


def house(
    stage: Stage, x: float, z: float, size: tuple[float, float, float], yaw: float
) -> None:
    """Walls with windows and a gabled or flat roof."""
    rng = stage.rng
    w, h, d = size
    base = stage.height_at(x, z)
    stage.block(
        x, z, (w, h + 3, d), stage.use(palette.windows(rng, rng.random() < 0.3)), yaw, base - 3
    )
    if rng.random() < 0.65:
        tiles = stage.use(
            palette.Material(
                texture=layout.TILES,
                a=palette.pick(rng, palette.WALLS),
                b=palette.pick(rng, palette.STONES),
                scale=0.3,
            )
        )
        slope, half = rng.uniform(0.35, 0.9), w / 2
        rise, along = half * np.tan(slope), half / np.cos(slope)
        for side in (-1, 1):
            lean = turned(yaw).T @ turned(roll=side * slope).T
            at = turned(yaw).T @ np.array([side * half / 2, 0, 0])
            stage.box(
                (x + at[0], -base - h - rise / 2, z + at[2]),
                (along / 2 + 0.3, 0.12, d / 2 + 0.3),
                tiles,
                lean.T,
            )
    else:
        stage.block(x, z, (w + 0.4, 0.4, d + 0.4), stage.use(palette.wall(rng)), yaw, base + h)


def table(
    stage: Stage, x: float, z: float, size: tuple[float, float, float], yaw: float
) -> None:
    """A top on four legs or on a block; width, height, depth."""
    rng = stage.rng
    w, h, d = size
    top = stage.use(palette.wood(rng) if rng.random() < 0.7 else palette.cloth(rng))
    stage.block(x, z, (w, 0.04, d), top, yaw, h - 0.04)
    leg = stage.use(palette.wood(rng) if rng.random() < 0.6 else palette.metal(rng))
    if rng.random() < 0.2:
        stage.block(x, z, (w * 0.9, h - 0.04, d * 0.9), leg, yaw)
        return
    for sx in (-1, 1):
        for sz in (-1, 1):
            at = turned(yaw).T @ np.array([sx * (w / 2 - 0.06), 0, sz * (d / 2 - 0.06)])
            stage.post(x + at[0], z + at[2], h - 0.04, (0.03, 0.025), leg)


def chair(stage: Stage, x: float, z: float, yaw: float) -> None:
    """A seat with legs and a back."""
    rng = stage.rng
    seat = stage.use(palette.cloth(rng) if rng.random() < 0.5 else palette.wood(rng))
    w, h = rng.uniform(0.4, 0.55), rng.uniform(0.42, 0.5)
    table(stage, x, z, (w, h, w), yaw)
    at = turned(yaw).T @ np.array([0, 0, w / 2])
    stage.block(x + at[0], z + at[2], (w, rng.uniform(0.35, 0.6), 0.05), seat, yaw, h + 0.08)
    if rng.random() < 0.3:
        stage.block(x, z, (w + 0.1, 0.15, w + 0.1), seat, yaw, h)


def sofa(stage: Stage, x: float, z: float, yaw: float) -> None:
    """Seat, back, arms and cushions."""
    rng = stage.rng
    cover = stage.use(palette.cloth(rng))
    w, d = rng.uniform(1.0, 2.4), rng.uniform(0.8, 1.0)
    back = turned(yaw).T
    stage.block(x, z, (w, 0.42, d), cover, yaw)
    at = back @ np.array([0, 0, d / 2 - 0.1])
    stage.block(x + at[0], z + at[2], (w, 0.85, 0.22), cover, yaw)
    for side in (-1, 1):
        at = back @ np.array([side * (w / 2 - 0.1), 0, 0])
        stage.block(x + at[0], z + at[2], (0.22, 0.6, d), cover, yaw)
    for _ in range(rng.integers(0, 4)):
        at = back @ np.array([rng.uniform(-w / 3, w / 3), 0, d * 0.2])
        half = (0.22, 0.2, 0.08)
        stage.ball(
            (x + at[0], -0.58, z + at[2]), half, stage.use(palette.cloth(rng)), turned(yaw, 0.4)
        )


def shelf(stage: Stage, x: float, z: float, yaw: float) -> None:
    """An open bookcase or a closed cupboard."""
    rng = stage.rng
    w, h, d = rng.uniform(0.6, 2.0), rng.uniform(0.8, 2.3), rng.uniform(0.25, 0.6)
    if rng.random() < 0.4:
        stage.block(x, z, (w, h, d), stage.use(palette.wood(rng)), yaw)
        return
    frame, spines = stage.use(palette.wood(rng)), stage.use(palette.books(rng))
    back = turned(yaw).T
    at = back @ np.array([0, 0, 0.06])
    stage.block(x + at[0], z + at[2], (w, h, d - 0.12), spines, yaw)
    for k in range(int(h / 0.35) + 1):
        stage.block(x, z, (w, 0.03, d), frame, yaw, k * 0.35)
    for side in (-1, 1):
        at = back @ np.array([side * w / 2, 0, 0])
        stage.block(x + at[0], z + at[2], (0.04, h, d), frame, yaw)


def plant(stage: Stage, x: float, z: float, base: float, size: float) -> None:
    """A pot with a ragged ball or with long leaves."""
    rng = stage.rng
    leaf = stage.use(palette.leaves(rng))
    stage.post(
        x, z, size * 0.4, (size * 0.22, size * 0.16), stage.use(palette.cloth(rng)), base
    )
    if rng.random() < 0.5:
        middle = (x, -base - size * 0.75, z)
        stage.ball(middle, (size * 0.4,) * 3, leaf, cut=leafy(stage, size * 0.4))
        return
    for _ in range(rng.integers(6, 16)):
        a, reach, up = (
            rng.uniform(0, 6.28),
            size * rng.uniform(0.2, 0.6),
            size * rng.uniform(0.5, 1.1),
        )
        tip = (x + reach * np.cos(a), -base - up, z + reach * np.sin(a))
        stage.rod((x, -base - size * 0.4, z), tip, (size * 0.025, size * 0.005), leaf)
        stage.ball(
            tip,
            (size * 0.13, size * 0.03, size * 0.06),
            leaf,
            turned(a, rng.uniform(-0.6, 0.6)),
        )


def trinket(stage: Stage, x: float, z: float, base: float, size: float) -> None:
    """Something small that stands on a surface: box, ball, bottle, bowl, book pile, plant."""
    rng = stage.rng
    skin = rng.choice(["cloth", "picture", "metal", "wood"])
    make = {
        "cloth": palette.cloth,
        "picture": palette.pictures,
        "metal": palette.metal,
        "wood": palette.wood,
    }
    material = stage.use(make[str(skin)](rng))
    kind = rng.integers(7)
    yaw = rng.uniform(-3, 3)
    if kind == 0:
        stage.block(x, z, size * rng.uniform(0.3, 1.0, 3), material, yaw, base)
    elif kind == 1:
        r = size * rng.uniform(0.2, 0.45)
        stage.ball((x, -base - r, z), (r, r, r), material)
    elif kind == 2:
        r = size * rng.uniform(0.12, 0.25)
        stage.post(x, z, size * 0.65, (r, r), material, base)
        stage.post(x, z, size * 0.2, (r * 0.35, r), material, base + size * 0.65)
        stage.post(x, z, size * 0.2, (r * 0.35, r * 0.35), material, base + size * 0.85)
    elif kind == 3:
        r = size * rng.uniform(0.25, 0.5)
        stage.post(
            x, z, size * rng.uniform(0.2, 0.5), (r, r * rng.uniform(0.4, 1)), material, base
        )
    elif kind == 4:
        for k in range(rng.integers(1, 6)):
            cover = stage.use(palette.cloth(rng))
            stage.block(
                x,
                z,
                (size * 0.7, size * 0.1, size),
                cover,
                yaw + rng.normal(0, 0.15),
                base + k * size * 0.1,
            )
    elif kind == 5:
        plant(stage, x, z, base, size)
    else:
        half = size * rng.uniform(0.15, 0.5, 3)
        stage.ball((x, -base - half[1], z), half, material, turned(yaw))


def barrel(stage: Stage, x: float, z: float, base: float = 0.0) -> None:
    """Two cones that bulge in the middle."""
    rng = stage.rng
    material = stage.use(palette.wood(rng))
    r, h = rng.uniform(0.25, 0.4), rng.uniform(0.7, 1.1)
    stage.post(x, z, h / 2, (r * 1.15, r * 0.9), material, base)
    stage.post(x, z, h / 2, (r * 0.9, r * 1.15), material, base + h / 2)


def boat(stage: Stage, x: float, z: float, yaw: float) -> None:
    """A hull, perhaps a cabin and a mast with lines."""
    rng = stage.rng
    length = rng.uniform(3, 12)
    hull = stage.use(palette.metal(rng) if rng.random() < 0.5 else palette.wood(rng))
    stage.ball((x, -0.1, z), (length * 0.16, length * 0.11, length / 2), hull, turned(yaw))
    if rng.random() < 0.6:
        size = (length * 0.2, length * 0.2, length * 0.3)
        stage.block(x, z, size, stage.use(palette.windows(rng)), yaw, length * 0.06)
    if rng.random() < 0.7:
        mast, top = stage.use(palette.wood(rng)), length * rng.uniform(0.7, 1.4)
        stage.post(x, z, top, (0.03, 0.06), mast, 0.3)
        for side in (-1, 1):
            at = turned(yaw).T @ np.array([0, 0, side * length * 0.45])
            stage.rod((x, -top, z), (x + at[0], -0.5, z + at[2]), (0.012, 0.012), mast)
