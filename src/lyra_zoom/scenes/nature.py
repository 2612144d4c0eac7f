"""Land without streets: hills, mountains, woods, lakes, gorges, views from the air."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lyra_zoom.scenes import palette, parts, surroundings
from lyra_zoom.scenes.outdoors import far_away, glance
from lyra_zoom.scenes.stage import Eye, Stage

CELLS = 160


def rough_ground(rng: np.random.Generator, cells: int, roughness: float) -> np.ndarray:
    """Fractal heights from summed octaves of smooth noise, mean 0, spread about 1."""
    total = np.zeros((cells, cells))
    step, size = 1.0, 2
    while size < cells:
        grid = rng.normal(0, 1, (size + 3, size + 3))
        at = np.linspace(0, size, cells)
        i, f = at.astype(int), at - at.astype(int)
        f = f * f * (3 - 2 * f)
        across = grid[:, i] * (1 - f) + grid[:, i + 1] * f
        total += step * (across[i] * (1 - f[:, None]) + across[i + 1] * f[:, None])
        step *= roughness
        size *= 2
    return (total - total.mean()) / (total.std() + 1e-9)


def land(stage: Stage, extent: float, relief: float, roughness: float) -> np.ndarray:
    """Terrain of this width ahead of the camera, lowered to 0 where the camera stands."""
    rng = stage.rng
    stage.use(palette.ground(rng))
    stage.use(palette.rock(rng))
    heights = rough_ground(rng, CELLS, roughness)
    if rng.random() < 0.4:
        heights = 1.6 - np.abs(heights) * 2  # ridges instead of domes
    cell = extent / CELLS
    z = (np.arange(CELLS) * cell)[:, None]
    x = (np.arange(CELLS) * cell - extent / 2)[None]
    rise = np.clip((np.hypot(z, x) - extent * 0.04) / (extent * rng.uniform(0.15, 0.6)), 0, 1)
    heights = heights * relief * rise
    if rng.random() < 0.5:  # a valley ahead
        heights += (
            relief
            * 1.5
            * rise
            * np.clip(np.abs(x) / (extent * rng.uniform(0.1, 0.4)) - 0.4, 0, 1.5)
        )
    if rng.random() < 0.6:  # mountains at the end
        heights += relief * rng.uniform(0.5, 4) * np.clip(z / extent * 2 - 0.7, 0, 1) ** 1.5
    stage.terrain(heights, cell, (-extent / 2, -extent * 0.04))
    return heights


def plants(stage: Stage, extent: float) -> None:
    """Trees, conifers, bushes and boulders over the terrain, more of them near the camera."""
    rng = stage.rng
    autumn = rng.random() < 0.2
    put: list[Callable[..., None]] = [parts.tree, parts.conifer, parts.bush, parts.boulder]
    weights = rng.dirichlet([1, 1, 1, 0.7])
    for _ in range(rng.integers(3, 45)):
        z = extent * rng.uniform(0.02, 1) ** 1.7 * 0.6 + 3
        x = rng.normal(0, 0.35) * z
        kind = put[rng.choice(4, p=weights)]
        size = (
            rng.uniform(0.4, 1.4) if kind in (parts.bush, parts.boulder) else rng.uniform(3, 13)
        )
        if kind is parts.tree or kind is parts.bush:
            kind(stage, x, z, size, autumn)
        else:
            kind(stage, x, z, size)


def landscape(stage: Stage) -> Eye:
    """Hills and mountains, with or without a lake, trees and a cabin."""
    rng = stage.rng
    extent = float(np.exp(rng.uniform(np.log(60), np.log(4000))))
    relief = extent * rng.uniform(0.01, 0.09)
    land(stage, extent, relief, rng.uniform(0.38, 0.6))
    if rng.random() < 0.45:
        stage.floor(stage.use(palette.water(rng)), -relief * rng.uniform(0.0, 0.5) - 0.2)
    plants(stage, min(extent, 250))
    for _ in range(rng.integers(0, 4)):
        x, z = rng.normal(0, 12), rng.uniform(10, 70)
        parts.house(
            stage,
            x,
            z,
            (rng.uniform(4, 9), rng.uniform(2.5, 5), rng.uniform(4, 9)),
            rng.uniform(-2, 2),
        )
    for _ in range(rng.integers(0, 3)):
        x, z = rng.normal(0, 2), rng.uniform(2.5, 12)
        parts.person(stage, x, z, stage.height_at(x, z))
    if rng.random() < 0.25:
        surroundings.blades(stage)
    far_away(stage, extent)
    eye = rng.choice([1.7, rng.uniform(0.4, 3), rng.uniform(0.1, 1) * relief + 2])
    at = (0.0, -stage.height_at(0, 0) - eye, 0.0)
    return Eye(at=at, yaw=rng.normal(0, 0.25), **glance(rng))


def forest(stage: Stage) -> Eye:
    """Trunks near and far, undergrowth, a path."""
    rng = stage.rng
    land(stage, rng.uniform(50, 160), rng.uniform(0.2, 4), 0.45)
    bark, autumn = [stage.use(palette.wood(rng)) for _ in range(3)], rng.random() < 0.3
    leaf = [stage.use(palette.leaves(rng, autumn)) for _ in range(3)]
    for _ in range(rng.integers(15, 70)):
        z = rng.uniform(0.05, 1) ** 1.4 * 45
        x = rng.normal(0, 0.5) * (z + 3)
        r, base = rng.uniform(0.06, 0.35), stage.height_at(x, z)
        lean = rng.normal(0, 0.5, 2)
        top = (x + lean[0], -base - rng.uniform(6, 18), z + lean[1])
        stage.rod(top, (x, -base + 0.3, z), (r * 0.6, r), bark[rng.integers(3)])
        if rng.random() < 0.6:
            size = rng.uniform(0.8, 2.6)
            crown = (top[0], top[1] * rng.uniform(0.5, 1), top[2])
            stage.ball(
                crown,
                (size, size * 0.8, size),
                leaf[rng.integers(3)],
                cut=parts.leafy(stage, size),
            )
    for _ in range(rng.integers(0, 14)):
        parts.bush(stage, rng.normal(0, 5), rng.uniform(1.5, 20), rng.uniform(0.2, 1.1), autumn)
    for _ in range(rng.integers(0, 5)):
        parts.boulder(stage, rng.normal(0, 3), rng.uniform(1.5, 12), rng.uniform(0.2, 1.2))
    at = (0.0, -stage.height_at(0, 0) - rng.uniform(0.3, 2.2), 0.0)
    return Eye(at=at, yaw=rng.normal(0, 0.3), **glance(rng, 0.2))


def gorge(stage: Stage) -> Eye:
    """Rock walls close on both sides, boulders, a stream; sometimes a cave roof above."""
    rng = stage.rng
    stage.floor(stage.use(palette.water(rng) if rng.random() < 0.5 else palette.ground(rng)))
    wide, depth = rng.uniform(1.5, 9), rng.uniform(15, 80)
    stone = [stage.use(palette.rock(rng)) for _ in range(3)]
    for side in (-1, 1):
        for _ in range(rng.integers(5, 18)):
            half = (
                np.array([rng.uniform(1, 4), rng.uniform(2, 14), rng.uniform(1, 6)]) * wide / 4
            )
            x = side * (wide + half[0] * rng.uniform(0.3, 1.2))
            stage.ball(
                (x, -rng.uniform(0, half[1] * 0.8), rng.uniform(-2, depth)),
                half,
                stone[rng.integers(3)],
            )
    if rng.random() < 0.35:
        tall = rng.uniform(2, 5)
        for _ in range(rng.integers(4, 12)):
            half = rng.uniform(1.5, 5, 3)
            at = (rng.normal(0, wide), -tall - half[1] * 0.8, rng.uniform(-2, depth * 0.5))
            stage.ball(at, half, stone[rng.integers(3)])
    for _ in range(rng.integers(1, 10)):
        parts.boulder(
            stage, rng.normal(0, wide * 0.6), rng.uniform(1.5, 20), rng.uniform(0.2, 1.3)
        )
    for _ in range(rng.integers(0, 8)):
        parts.bush(stage, rng.normal(0, wide), rng.uniform(2, 25), rng.uniform(0.2, 1.0))
    if rng.random() < 0.4:
        x, z = rng.normal(0, 1), rng.uniform(2.5, 10)
        parts.person(stage, x, z)
    far_away(stage, depth * 1.3)
    at = (rng.normal(0, wide * 0.2), -rng.uniform(0.4, 2.5), 0.0)
    return Eye(at=at, yaw=rng.normal(0, 0.3), **glance(rng, 0.25))


def from_above(stage: Stage) -> Eye:
    """Roofs, fields or hills from a tower or a drone."""
    rng = stage.rng
    if rng.random() < 0.5:
        relief = rng.uniform(2, 25)
        land(stage, rng.uniform(150, 500), relief, 0.5)
        plants(stage, 200)
        tall = relief * 2 + rng.uniform(8, 60)
    else:
        stage.floor(
            stage.use(palette.paving(rng) if rng.random() < 0.5 else palette.ground(rng))
        )
        block, tall = rng.uniform(10, 22), rng.uniform(12, 70)
        highest = rng.uniform(4, tall)
        for i in range(-4, 5):
            for j in range(9):
                if rng.random() < 0.75:
                    size = (
                        block * rng.uniform(0.4, 0.85),
                        highest * rng.uniform(0.3, 1),
                        block * 0.7,
                    )
                    parts.house(
                        stage, (i + rng.normal(0, 0.1)) * block, (j + 0.5) * block, size, 0.0
                    )
        for _ in range(rng.integers(0, 12)):
            parts.tree(stage, rng.normal(0, 30), rng.uniform(5, 90), rng.uniform(3, 9))
    far_away(stage, 300)
    pitch = -rng.uniform(0.05, 0.75)
    return Eye(
        at=(0.0, -tall, -5.0),
        yaw=rng.uniform(-0.6, 0.6),
        pitch=pitch,
        roll=rng.normal(0, 0.03),
        fov_x=rng.uniform(0.7, 1.48),
    )
