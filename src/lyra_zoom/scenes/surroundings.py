"""What lines a way: railings in perspective, stairs, blades of grass before the lens."""

from __future__ import annotations

import numpy as np

from lyra_zoom.scenes import palette, parts
from lyra_zoom.scenes.stage import Stage


def railings(stage: Stage) -> None:
    """Posts and bars, or a fence, that run away from the camera on one side or on both."""
    rng = stage.rng
    for side in (-1, 1):
        if rng.random() < 0.45:
            continue
        x, drift, end = side * rng.uniform(0.7, 3), rng.normal(0, 0.12), rng.uniform(5, 40)
        if rng.random() < 0.4:
            parts.fence(stage, (x, 0.4), (x + drift * end, end))
            continue
        wood, tall = stage.use(palette.wood(rng)), rng.uniform(0.8, 1.3)
        thick, gap = rng.uniform(0.03, 0.09), rng.uniform(0.8, 2.5)
        for k in range(min(14, int(end / gap))):
            z = 0.6 + k * gap
            stage.post(x + drift * z, z, tall + 0.08, (thick, thick), wood)
        for level in np.linspace(1, 0.3, int(rng.integers(1, 4))):
            up = -tall * level
            stage.rod(
                (x, up, 0.0), (x + drift * end, up, end), (thick * 0.7, thick * 0.7), wood
            )


def stairs(stage: Stage) -> None:
    """Steps that go up ahead, with or without walls beside them."""
    rng = stage.rng
    stone = stage.use(palette.wall(rng))
    wide, rise, tread = rng.uniform(1.2, 8), rng.uniform(0.12, 0.2), rng.uniform(0.25, 0.45)
    x, z, count = rng.normal(0, 1), rng.uniform(1.5, 10), int(rng.integers(3, 16))
    for k in range(count):
        deep = (count - k) * tread
        stage.block(x, z + k * tread + deep / 2, (wide, rise, deep), stone, 0.0, k * rise)
    if rng.random() < 0.5:
        beside = stage.use(palette.wall(rng))
        for side in (-1, 1):
            size = (0.3, count * rise + rng.uniform(0.1, 1), count * tread)
            stage.block(x + side * wide / 2, z + count * tread / 2, size, beside)


def blades(stage: Stage) -> None:
    """Grass, reeds or stalks close to the lens, some with seed heads or flowers."""
    rng = stage.rng
    leaf = [stage.use(palette.leaves(rng)) for _ in range(2)]
    flower = stage.use(palette.cloth(rng))
    tall, thick, near = rng.uniform(0.3, 1.3), rng.uniform(0.003, 0.012), rng.uniform(0.5, 1.2)
    wind = rng.normal(0, 0.2)
    for _ in range(rng.integers(20, 90)):
        z = near + rng.exponential(1.5)
        x = rng.normal(0, 0.5) * (z + 0.5)
        base, up = stage.height_at(x, z), tall * rng.uniform(0.6, 1.2)
        bend = (wind + rng.normal(0, 0.12)) * up
        middle = (x + bend * 0.35, -base - up * 0.6, z + rng.normal(0, 0.05))
        tip = (x + bend, -base - up, z + rng.normal(0, 0.1))
        green = leaf[int(rng.integers(2))]
        stage.rod(middle, (x, -base, z), (thick, thick * 1.4), green)
        stage.rod(tip, middle, (thick * 0.3, thick), green)
        if rng.random() < 0.15:
            size = rng.uniform(0.02, 0.07)
            stage.ball(tip, (size, size * rng.uniform(0.4, 1.5), size), flower)
