"""Trees, shrubs and tufts of grass made of single leaves."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from photograph.mesh import MeshBuilder, varied
from photograph.nodes import Material, Mesh


@dataclass(frozen=True, slots=True)
class Ball:
    """A ball of leaves: centre and radius in metres, how many leaves, how long each."""

    centre: tuple[float, float, float]
    radius: float
    leaves: int
    leaf_m: float


def foliage(b: MeshBuilder, leaf: Material, ball: Ball, rng: np.random.Generator) -> None:
    """A lumpy ball of leaves, darker inside."""
    out = rng.normal(size=(ball.leaves, 3))
    out /= np.linalg.norm(out, axis=1, keepdims=True)
    lumps = 1 + 0.22 * np.sin(out[:, :1] * 6 + out[:, 1:2] * 5 + ball.centre[0])
    depth = rng.uniform(0.35, 1.05, (ball.leaves, 1)) ** 0.6
    places = np.array(ball.centre) + out * ball.radius * lumps * depth * [1, 1, 0.85]
    tints = varied(rng, ball.leaves, low=0.6, high=1.2, hue=0.07) * (0.55 + 0.55 * depth)
    b.cards(leaf, places, ball.leaf_m, rng=rng, tints=tints)


def tree(
    leaf: Material, bark: Material, rng: np.random.Generator, *, height: float, crown: float
) -> Mesh:
    """A broad-leaved tree as a mesh to instance, rooted at the origin."""
    b = MeshBuilder()
    lean = rng.normal(0, 0.25, 2)
    fork = np.array([lean[0], lean[1], height * 0.42])
    thick = 0.026 * height
    trunk = [(0, 0, -0.3), (0, 0, 0.0), fork * [0.5, 0.5, 0.55], fork]
    b.tube(bark, trunk, [thick * 1.4, thick, thick * 0.8, thick * 0.65], sides=12)
    for k in range(16):
        angle = k * 2.4 + float(rng.uniform(-0.4, 0.4))
        spread = float(rng.uniform(0.15, 1.0)) ** 0.5
        level = height * float(rng.uniform(0.55, 0.9))
        ball = np.array(
            [
                math.cos(angle) * crown * 0.62 * spread,
                math.sin(angle) * crown * 0.62 * spread,
                level,
            ]
        )
        elbow = fork * 0.45 + ball * 0.55 - [0, 0, 0.1 * height * spread]
        b.tube(
            bark,
            [fork * float(rng.uniform(0.75, 1.0)), elbow, ball],
            [thick * 0.42, thick * 0.25, 0.015],
            sides=7,
        )
        place = (float(ball[0]), float(ball[1]), float(ball[2]))
        ball_m = crown * float(rng.uniform(0.32, 0.5))
        foliage(b, leaf, Ball(place, ball_m, leaves=750, leaf_m=0.11), rng)
    return b.mesh("tree")


def far_tree(leaf: Material, bark: Material, rng: np.random.Generator) -> Mesh:
    """A tree for hillsides: few, large leaves; about seven metres tall."""
    b = MeshBuilder()
    b.tube(bark, [(0, 0, -0.5), (0, 0, 3.5)], [0.25, 0.15], sides=6)
    for _ in range(7):
        x, y = rng.normal(0, 1.1, 2)
        place = (float(x), float(y), float(rng.uniform(3.2, 6.0)))
        ball_m = float(rng.uniform(1.1, 1.8))
        foliage(b, leaf, Ball(place, ball_m, leaves=170, leaf_m=0.42), rng)
    return b.mesh("far tree")


def cypress(leaf: Material, bark: Material, rng: np.random.Generator) -> Mesh:
    """A slim, tall evergreen; about nine metres."""
    b = MeshBuilder()
    b.tube(bark, [(0, 0, -0.5), (0, 0, 8.0)], [0.18, 0.05], sides=6)
    level = rng.uniform(0.03, 1.0, 3200)
    radius = 0.95 * np.sin(np.pi * level**0.7) ** 0.8 * rng.uniform(0.5, 1.05, 3200)
    angle = rng.uniform(0, 6.28, 3200)
    places = np.stack([radius * np.cos(angle), radius * np.sin(angle), 9.2 * level], axis=1)
    b.cards(leaf, places, 0.2, rng=rng, tints=varied(rng, 3200, low=0.45, high=1.0))
    return b.mesh("cypress")


def tufts(
    b: MeshBuilder,
    leaf: Material,
    places: np.ndarray,
    rng: np.random.Generator,
    *,
    blades: int,
    height: float,
) -> None:
    """Grass growing out of joints: thin bent blades, `(N, 3)` places."""
    foot = np.repeat(places, blades, axis=0)
    count = len(foot)
    foot = foot + rng.normal(0, 0.025, (count, 3)) * [1, 1, 0]
    angle = rng.uniform(0, 2 * np.pi, count)
    side = np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1) * 0.004
    tall = (height * rng.uniform(0.5, 1.3, count))[:, None]
    lean = rng.normal(0, 0.4, (count, 3)) * [1, 1, 0]
    up = np.array([0, 0, 1.0])
    middle = foot + (up + lean * 0.4) * tall * 0.6
    tip = foot + (up * 0.95 + lean * 1.3) * tall
    vertices = np.stack(
        [foot - side, foot + side, middle + side * 0.8, middle - side * 0.8, tip], axis=1
    )
    base = np.arange(count)[:, None] * 5
    tints = varied(rng, count, low=0.6, high=1.3, hue=0.1)
    strip = [(0, 0), (1, 0), (1, 1), (0, 1)]
    flat = vertices.reshape(-1, 3)
    b.add(leaf, flat, base + np.array([0, 1, 2, 3]), uv=np.tile(strip, (count, 1)), tint=tints)
    b.add(leaf, flat, base + np.array([3, 2, 4]), uv=np.tile(strip[:3], (count, 1)), tint=tints)
