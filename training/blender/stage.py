"""What families share: where a camera may stand, and placing things at random."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from photograph.mesh import instance
from photograph.nodes import Mesh

from training.blender.palette import Palette
from training.blender.plan import ScenePlan


@dataclass(frozen=True, slots=True)
class Spot:
    """A place to stand and the way to look."""

    x: float
    y: float
    floor_m: float
    yaw_deg: float


Spots: TypeAlias = Callable[[np.random.Generator], Spot]
"""Draws a spot; a scene hands one out when it is built."""

Ground: TypeAlias = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Height of the ground at places."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What a family gets to build with."""

    rng: np.random.Generator
    palette: Palette
    plan: ScenePlan

    def u(self, low: float, high: float) -> float:
        """A number between two."""
        return float(self.rng.uniform(low, high))

    def n(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return int(self.rng.integers(low, high + 1))

    def chance(self, share: float) -> bool:
        """True in that share of scenes."""
        return bool(self.rng.random() < share)


def level(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Ground at height zero."""
    return np.zeros_like(x + y)


def height_at(ground: Ground, x: float, y: float) -> float:
    """The ground's height at one place."""
    return float(ground(np.array([x]), np.array([y]))[0])


def around(centre: tuple[float, float], near_m: float, far_m: float, ground: Ground) -> Spots:
    """Spots in a ring, looking roughly at its centre."""

    def draw(rng: np.random.Generator) -> Spot:
        angle, away = rng.uniform(-math.pi, math.pi), rng.uniform(near_m, far_m)
        x, y = centre[0] + away * math.sin(angle), centre[1] + away * math.cos(angle)
        yaw = math.degrees(angle) + 180 + float(rng.normal(0, 18))
        return Spot(x, y, height_at(ground, x, y), yaw)

    return draw


def within(
    x: tuple[float, float], y: tuple[float, float], ground: Ground, yaw_deg: tuple[float, float]
) -> Spots:
    """Spots in a rectangle, looking within a range of directions."""

    def draw(rng: np.random.Generator) -> Spot:
        px, py = float(rng.uniform(*x)), float(rng.uniform(*y))
        return Spot(px, py, height_at(ground, px, py), float(rng.uniform(*yaw_deg)))

    return draw


def scatter(
    site: Site,
    meshes: Sequence[Mesh],
    places: np.ndarray,
    ground: Ground,
    size: tuple[float, float] = (0.7, 1.25),
) -> None:
    """Instances of meshes, turned and scaled at random, standing on the ground."""
    heights = ground(places[:, 0], places[:, 1])
    for (x, y), z in zip(places, heights, strict=True):
        kind = meshes[int(site.rng.integers(len(meshes)))]
        place = (float(x), float(y), float(z))
        instance(kind, place, site.u(0, 360), site.u(*size))
