"""Built places under the sky: streets, squares, harbours, gardens, undersides of bridges."""

from __future__ import annotations

import numpy as np

from lyra_zoom.scenes import layout, palette, parts, surroundings
from lyra_zoom.scenes.stage import Cut, Eye, Stage, one_of

TILT = 0.14
"""Usual spread of the camera's pitch in radians; some pictures have far more."""


def glance(rng: np.random.Generator, spread: float = TILT) -> dict[str, float]:
    """How a camera is held: mostly level, sometimes far up or down, slightly rolled."""
    wild = rng.random() < 0.25
    pitch = rng.uniform(-0.52, 0.52) if wild else rng.normal(0, spread)
    return {
        "pitch": float(np.clip(pitch, -0.55, 0.55)),
        "roll": float(rng.normal(0, 0.03)),
        "fov_x": float(rng.uniform(0.7, 1.48)),
    }


def far_away(stage: Stage, distance: float) -> None:
    """Layers of hills or roofs behind everything else."""
    rng = stage.rng
    for k in range(rng.integers(0, 4)):
        z = distance * (1.6 ** (k + 1))
        tall = z * rng.uniform(0.02, 0.25)
        material = palette.rock(rng) if rng.random() < 0.5 else palette.leaves(rng)
        cut = Cut(
            layout.RIDGE, z * rng.uniform(0.1, 0.7), tall * 0.8, tall * rng.uniform(0, 0.25)
        )
        number = stage.use(material)
        for yaw in (0.0, 1.57, -1.57):
            at = (z * np.sin(yaw), -0.0, z * np.cos(yaw))
            stage.card(at, (z * 1.5, tall * 3), number, yaw, cut)


def ridge_side(stage: Stage) -> None:
    """Trees at random along both sides of the way ahead."""
    rng = stage.rng
    for _ in range(rng.integers(0, 9)):
        x = rng.choice([-1, 1]) * rng.uniform(4, 18)
        z = rng.uniform(4, 50)
        parts.tree(stage, x, z, rng.uniform(3, 11), rng.random() < 0.2)


def traffic(stage: Stage, width: float, depth: float) -> None:
    """Cars, people, posts and bins between the houses."""
    rng = stage.rng
    for _ in range(rng.integers(0, 6)):
        x = rng.choice([-1, 1]) * width * rng.uniform(0.15, 0.45)
        parts.car(
            stage,
            x,
            rng.uniform(3, depth * 0.7),
            rng.choice([0.0, 0.0, 1.57]) + rng.normal(0, 0.05),
        )
    for _ in range(rng.integers(0, 7)):
        parts.person(stage, rng.uniform(-width / 2, width / 2), rng.uniform(2, depth * 0.5))
    for _ in range(rng.integers(0, 7)):
        parts.lamp_post(stage, rng.choice([-1, 1]) * width * 0.42, rng.uniform(2, depth))
    for _ in range(rng.integers(0, 4)):
        x, z = rng.choice([-1, 1]) * width * 0.4, rng.uniform(2, depth * 0.4)
        parts.trinket(stage, x, z, 0.0, rng.uniform(0.4, 1.2))
    if rng.random() < 0.3:
        material = stage.use(palette.metal(rng))
        for _ in range(rng.integers(1, 5)):
            z, tall = rng.uniform(3, 30), rng.uniform(4, 9)
            stage.rod(
                (-width, -tall, z),
                (width, -tall + rng.normal(), z + rng.normal()),
                (0.02, 0.02),
                material,
            )


def street(stage: Stage) -> Eye:
    """Two rows of houses, a road between them."""
    rng = stage.rng
    width, depth = rng.uniform(4, 24), rng.uniform(25, 140)
    stage.floor(stage.use(palette.paving(rng)))
    kerb = stage.use(palette.paving(rng))
    for side in (-1, 1):
        if width > 7:
            stage.box((side * width * 0.45, -0.05, depth / 2), (width * 0.1, 0.1, depth), kerb)
        if rng.random() < 0.15:
            continue
        z = -rng.uniform(0, 10)
        while z < depth:
            w, h, d = rng.uniform(5, 18), rng.uniform(3, 22), rng.uniform(6, 12)
            if rng.random() < 0.88:
                x = side * (width / 2 + d / 2 + rng.choice([0.0, rng.uniform(0, 4)]))
                parts.house(stage, x, z + w / 2, (d, h, w * 0.98), 0.0)
            z += w + (rng.uniform(1, 8) if rng.random() < 0.3 else 0)
    if rng.random() < 0.4:
        parts.house(stage, rng.normal(0, 3), depth, (width * 2, rng.uniform(4, 20), 8), 0.0)
    traffic(stage, width, depth)
    if rng.random() < 0.5:
        ridge_side(stage)
    far_away(stage, depth * 1.5)
    eye = rng.choice([1.6, rng.uniform(0.3, 2.5), rng.uniform(4, 15)], p=[0.5, 0.35, 0.15])
    yaw = rng.normal(0, 0.25) if rng.random() < 0.7 else rng.uniform(-1.6, 1.6)
    return Eye(at=(rng.uniform(-0.35, 0.35) * width, -eye, 0.0), yaw=yaw, **glance(rng))


def square(stage: Stage) -> Eye:
    """An open place with columns, an arcade or a statue, buildings behind."""
    rng = stage.rng
    far = rng.uniform(9, 50)
    stage.floor(stage.use(palette.paving(rng)))
    for k in range(rng.integers(1, 4)):
        w = rng.uniform(8, 30)
        parts.house(
            stage,
            rng.uniform(-25, 25),
            far + k * 8,
            (w, rng.uniform(5, 22), 10),
            rng.normal(0, 0.3),
        )
    stone = stage.use(palette.wall(rng))
    kind = rng.random()
    if kind < 0.4:
        w, h = rng.uniform(3, 7), rng.uniform(4, 9)
        z, count = rng.uniform(3, far * 0.8), int(rng.integers(1, 7))
        opening = (w * rng.uniform(0.25, 0.44), h * rng.uniform(0.6, 0.9))
        start = rng.uniform(-w * count, 0) if count > 1 else rng.normal(0, 1)
        for k in range(count):
            stage.arch(start + k * w, z, (w, h, rng.uniform(0.5, 1.5)), opening, stone)
    elif kind < 0.8:
        h, r, gap = rng.uniform(2.5, 8), rng.uniform(0.12, 0.5), rng.uniform(1.2, 4)
        z, slant = rng.uniform(2, far * 0.7), rng.choice([0.0, rng.normal(0, 1)])
        for k in range(rng.integers(2, 12)):
            x = (k - 4) * gap
            stage.post(x, z + slant * x, h, (r * 0.85, r), stone)
            stage.block(x, z + slant * x, (r * 3, r, r * 3), stone, 0.0, h)
        if slant == 0.0:
            stage.block(0.0, z, (gap * 16, h * 0.2, r * 3), stone, 0.0, h + r)
    for _ in range(rng.integers(0, 3)):
        x, z, s = rng.normal(0, 5), rng.uniform(2.5, far * 0.7), rng.uniform(0.8, 2)
        stage.block(x, z, (s, s, s), stone, rng.uniform(-1, 1))
        parts.person(stage, x, z, s, rng.uniform(1.5, 3))
    traffic(stage, 16, far)
    ridge_side(stage)
    if rng.random() < 0.35:
        surroundings.stairs(stage)
    if rng.random() < 0.3:
        parts.fence(
            stage,
            (rng.uniform(-9, -2), rng.uniform(1.5, 6)),
            (rng.uniform(2, 9), rng.uniform(1.5, 6)),
        )
    far_away(stage, far + 30)
    at = (rng.normal(0, 2), -rng.uniform(0.4, 2.2), 0.0)
    return Eye(at=at, yaw=rng.normal(0, 0.3), **glance(rng))


def harbour(stage: Stage) -> Eye:
    """Water with a quay or a jetty, boats, posts and barrels, houses across."""
    rng = stage.rng
    stage.floor(stage.use(palette.water(rng)), -0.3)
    boards, across = stage.use(palette.wood(rng)), rng.uniform(15, 120)
    stage.box(
        (rng.normal(0, 1), 0.1, rng.uniform(0, 8)),
        (rng.uniform(1, 8), 0.12, rng.uniform(3, 14)),
        boards,
    )
    if rng.random() < 0.6:
        quay = stage.use(palette.paving(rng))
        stage.box((rng.choice([-1, 1]) * rng.uniform(8, 16), 0.0, 20), (6, 0.4, 60), quay)
    for _ in range(rng.integers(0, 8)):
        parts.boat(stage, rng.normal(0, 10), rng.uniform(5, across), rng.uniform(-2, 2))
    wood = stage.use(palette.wood(rng))
    for _ in range(rng.integers(0, 10)):
        x, z = rng.normal(0, 4), rng.uniform(1.2, 14)
        r = rng.uniform(0.05, 0.2)
        stage.post(x, z, rng.uniform(0.8, 3), (r, r), wood, -1.0)
    for _ in range(rng.integers(0, 5)):
        put = parts.barrel if rng.random() < 0.7 else parts.boulder
        put(stage, rng.normal(0, 2.5), rng.uniform(1.2, 7), 0.3)
    if rng.random() < 0.4:
        surroundings.railings(stage)
    if rng.random() < 0.8:
        bank = stage.use(palette.ground(rng))
        stage.box((0, 0, across + 100), (300, rng.uniform(0.5, 2), 100), bank)
        for _ in range(rng.integers(2, 12)):
            x, size = rng.uniform(-50, 50), (rng.uniform(5, 14), rng.uniform(4, 14), 8.0)
            parts.house(stage, x, across + rng.uniform(6, 25), size, rng.normal(0, 0.4))
        for _ in range(rng.integers(0, 8)):
            parts.tree(
                stage, rng.uniform(-40, 40), across + rng.uniform(2, 20), rng.uniform(4, 12)
            )
    far_away(stage, across * 2)
    at = (rng.normal(0, 1), -rng.uniform(0.6, 4), 0.0)
    return Eye(at=at, yaw=rng.normal(0, 0.25), **glance(rng))


def garden(stage: Stage) -> Eye:
    """A house, bushes, trees, a fence and things on the lawn, close by."""
    rng = stage.rng
    stage.floor(stage.use(palette.ground(rng)))
    autumn = rng.random() < 0.25
    if rng.random() < 0.7:
        size = (rng.uniform(5, 14), rng.uniform(3, 8), rng.uniform(5, 9))
        parts.house(stage, rng.normal(0, 7), rng.uniform(9, 28), size, rng.uniform(-1, 1))
    if rng.random() < 0.6:
        path = stage.use(palette.paving(rng))
        stage.box((rng.normal(0, 1.5), 0.0, 8), (rng.uniform(0.4, 1.2), 0.02, 12), path)
    for _ in range(rng.integers(2, 12)):
        parts.bush(stage, rng.normal(0, 5), rng.uniform(1.5, 16), rng.uniform(0.2, 1.2), autumn)
    for _ in range(rng.integers(1, 9)):
        parts.tree(stage, rng.normal(0, 8), rng.uniform(3, 30), rng.uniform(2.5, 9), autumn)
    for _ in range(rng.integers(0, 4)):
        x, z = rng.normal(0, 2.5), rng.uniform(1.5, 8)
        one_of(rng, [parts.chair, parts.sofa])(stage, x, z, rng.uniform(-3, 3))
    for _ in range(rng.integers(0, 8)):
        parts.trinket(
            stage, rng.normal(0, 2.5), rng.uniform(1.2, 8), 0.0, rng.uniform(0.2, 0.9)
        )
    for _ in range(rng.integers(0, 3)):
        parts.person(stage, rng.normal(0, 3), rng.uniform(1.8, 9))
    if rng.random() < 0.35:
        surroundings.blades(stage)
    if rng.random() < 0.5:
        z = rng.uniform(2, 14)
        parts.fence(stage, (-12, z + rng.normal(0, 2)), (12, z + rng.normal(0, 2)))
    far_away(stage, 60)
    at = (rng.normal(0, 1), -rng.uniform(0.3, 2.0), 0.0)
    return Eye(at=at, yaw=rng.normal(0, 0.3), **glance(rng, 0.2))


def overhead(stage: Stage) -> Eye:
    """Something above: under a bridge, an arcade, a pergola, a gate, a veranda."""
    rng = stage.rng
    stage.floor(stage.use(palette.paving(rng) if rng.random() < 0.6 else palette.ground(rng)))
    stone, roof = stage.use(palette.wall(rng)), stage.use(palette.wood(rng))
    tall, depth, wide = rng.uniform(2.4, 6), rng.uniform(3, 30), rng.uniform(1.5, 6)
    stage.box((0, -tall - 0.3, depth * 0.3), (wide * 1.3, 0.3, depth), roof)
    gap, r = rng.uniform(1.2, 4), rng.uniform(0.08, 0.4)
    for side in (-1, 1):
        if rng.random() < 0.3:
            stage.box((side * wide, -tall / 2, depth * 0.3), (0.2, tall / 2, depth), stone)
            continue
        for k in range(int(depth * 1.3 / gap) + 1):
            stage.post(side * wide, k * gap, tall, (r, r), stone)
    if rng.random() < 0.5:
        opening = (wide * rng.uniform(0.4, 0.85), tall * rng.uniform(0.7, 0.95))
        stage.arch(
            0.0, depth * rng.uniform(0.3, 1.2), (wide * 4, tall * 1.3, 0.6), opening, stone
        )
    if rng.random() < 0.5:
        surroundings.railings(stage)
    beams = stage.use(palette.wood(rng))
    for k in range(rng.integers(0, 12)):
        stage.box((0, -tall + 0.08, k * gap), (wide * 1.2, 0.1, 0.08), beams)
    for _ in range(rng.integers(0, 4)):
        parts.person(stage, rng.uniform(-wide, wide), rng.uniform(2, depth + 8))
    for _ in range(rng.integers(0, 5)):
        size = (rng.uniform(5, 14), rng.uniform(3, 12), 8.0)
        parts.house(
            stage, rng.normal(0, 20), depth * 1.4 + rng.uniform(8, 40), size, rng.normal(0, 0.4)
        )
    ridge_side(stage)
    far_away(stage, depth * 2 + 40)
    at = (rng.uniform(-0.5, 0.5) * wide, -rng.uniform(0.4, 0.8) * tall, 0.0)
    return Eye(at=at, yaw=rng.normal(0, 0.35), **glance(rng))
