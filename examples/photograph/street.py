"""Street furniture: lamps, benches, pots, café tables, a hand cart."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from photograph.mesh import MeshBuilder, varied
from photograph.nodes import Material
from photograph.plants import Ball, foliage


@dataclass(frozen=True, slots=True, kw_only=True)
class StreetMaterials:
    """What street furniture is made of."""

    iron: Material
    flame: Material
    lamp_glass: Material
    wood: Material
    clay: Material
    leaf: Material
    petal: Material
    canvas: Material
    steel: Material


def build_lamp(b: MeshBuilder, m: StreetMaterials, place: tuple[float, float]) -> None:
    """A cast-iron post with a six-sided lantern and a basket of flowers' bracket."""
    x, y = place
    foot = [
        (0.24, 0),
        (0.24, 0.08),
        (0.2, 0.12),
        (0.2, 0.34),
        (0.15, 0.42),
        (0.11, 0.6),
        (0.13, 0.66),
    ]
    shaft = [
        (0.085, 0.75),
        (0.07, 1.1),
        (0.095, 1.16),
        (0.065, 1.24),
        (0.05, 3.0),
        (0.08, 3.06),
        (0.045, 3.14),
        (0.04, 3.4),
    ]
    b.lathe(m.iron, (x, y, 0), foot + shaft, sides=20)
    b.lathe(
        m.iron, (x, y, 3.4), [(0.05, 0.0), (0.16, 0.04), (0.16, 0.07), (0.05, 0.07)], sides=6
    )
    b.lathe(
        m.flame, (x, y, 3.48), [(0.0, 0.02), (0.07, 0.06), (0.08, 0.3), (0.0, 0.38)], sides=10
    )
    for k in range(6):
        angle = k * math.pi / 3
        low = (x + 0.14 * math.cos(angle), y + 0.14 * math.sin(angle), 3.46)
        high = (x + 0.22 * math.cos(angle), y + 0.22 * math.sin(angle), 3.98)
        b.tube(m.iron, [low, high], 0.012, sides=5)
    roof = [
        (0.24, 0.0),
        (0.26, 0.03),
        (0.2, 0.1),
        (0.08, 0.22),
        (0.07, 0.3),
        (0.02, 0.36),
        (0.0, 0.44),
    ]
    b.lathe(m.iron, (x, y, 3.97), roof, sides=6)
    b.tube(m.iron, [(x - 0.4, y, 2.95), (x + 0.4, y, 2.95)], 0.018, sides=6)


def build_bench(
    b: MeshBuilder, m: StreetMaterials, place: tuple[float, float], turn_deg: float
) -> None:
    """A slatted bench on cast-iron ends."""
    with b.at(*place, 0, turn_deg):
        for k in range(5):
            shade = 1 - 0.07 * (k % 3)
            b.box(
                m.wood,
                (0, -0.24 + k * 0.11, 0.44),
                (1.8, 0.09, 0.035),
                tint=(shade,) * 3,
                uv_offset=(3.1 * k, k),
            )
        for k in range(4):
            b.box(
                m.wood,
                (0, 0.27 + 0.03 * k, 0.54 + k * 0.11),
                (1.8, 0.03, 0.085),
                uv_offset=(5.3 * k, k),
            )
        for x in (-0.78, 0.78):
            curl = [
                (x, -0.28, 0),
                (x, -0.22, 0.22),
                (x, -0.26, 0.43),
                (x, 0.22, 0.44),
                (x, 0.4, 0.98),
            ]
            b.tube(m.iron, curl, 0.026, sides=8)
            b.tube(m.iron, [(x, 0.22, 0.44), (x, 0.3, 0.2), (x, 0.36, 0.0)], 0.026, sides=8)
            b.tube(m.iron, [(x, -0.26, 0.43), (x, -0.3, 0.66), (x, 0.3, 0.7)], 0.022, sides=8)


def build_pot(
    b: MeshBuilder,
    m: StreetMaterials,
    place: tuple[float, float],
    size_m: float,
    rng: np.random.Generator,
) -> None:
    """A clay pot with a flowering shrub; `size_m` is the pot's height."""
    s = size_m
    profile = [
        (0.28 * s, 0),
        (0.42 * s, 0.82 * s),
        (0.48 * s, 0.84 * s),
        (0.49 * s, s),
        (0.43 * s, s),
        (0.41 * s, 0.9 * s),
        (0, 0.9 * s),
    ]
    b.lathe(m.clay, (*place, 0), profile, sides=28, tint=varied(rng))
    centre = (place[0], place[1], 1.45 * s)
    foliage(b, m.leaf, Ball(centre, 0.72 * s, leaves=1500, leaf_m=0.07 * s), rng)
    angle, up = rng.uniform(0, 6.28, 130), rng.uniform(-0.1, 1, 130)
    flat = np.sqrt(1 - up**2)
    shell = np.stack([flat * np.cos(angle), flat * np.sin(angle), up], 1) * 0.72 * s
    bloom = np.repeat(shell, 5, axis=0) + rng.normal(0, 0.03 * s, (650, 3)) + np.array(centre)
    colour = rng.choice([0.0, 1.0])
    tints = varied(rng, 650, low=0.8, high=1.3) * np.array(
        [1.0, 0.6 + 0.7 * colour, 0.6 + 0.7 * colour]
    )
    b.cards(m.petal, bloom, 0.045 * s, rng=rng, tints=tints, aspect=0.8)


def build_table(
    b: MeshBuilder, m: StreetMaterials, place: tuple[float, float], rng: np.random.Generator
) -> None:
    """A round café table, three chairs, and a parasol over them."""
    x, y = place
    b.lathe(
        m.wood,
        (x, y, 0.72),
        [(0.0, 0.0), (0.4, 0.0), (0.41, 0.02), (0.4, 0.035), (0, 0.035)],
        sides=28,
    )
    b.lathe(m.iron, (x, y, 0), [(0.26, 0), (0.25, 0.03), (0.04, 0.06), (0.035, 0.72)], sides=14)
    b.tube(m.wood, [(x, y, 0.7), (x, y, 2.55)], 0.025, sides=8)
    ribs = np.arange(9) * math.pi / 4 + 0.3
    for k in range(8):
        edge = [(x + 1.35 * math.cos(a), y + 1.35 * math.sin(a), 2.08) for a in ribs[k : k + 2]]
        tint = (1, 1, 1) if k % 2 else (0.85, 0.83, 0.76)
        b.add(
            m.canvas,
            [*edge, (x, y, 2.62)],
            [(0, 1, 2)],
            uv=[(0, 0), (1, 0), (0.5, 1.4)],
            tint=tint,
        )
        hem = [(px, py, 1.93) for px, py, _ in edge]
        b.quad(m.canvas, [hem[0], hem[1], edge[1], edge[0]], tint=tint)
    for angle in (20, 140, 260):
        a = math.radians(angle + float(rng.uniform(-20, 20)))
        build_chair(
            b, m, (x + 0.68 * math.cos(a), y + 0.68 * math.sin(a)), math.degrees(a) - 90
        )


def build_chair(
    b: MeshBuilder, m: StreetMaterials, place: tuple[float, float], turn_deg: float
) -> None:
    """A bistro chair with its back towards +y."""
    with b.at(*place, 0, turn_deg):
        for k in range(5):
            b.box(
                m.wood,
                (0, -0.17 + 0.085 * k, 0.45),
                (0.42, 0.07, 0.02),
                tint=(1 - 0.05 * (k % 2),) * 3,
            )
        for x in (-0.19, 0.19):
            b.tube(m.steel, [(x, -0.2, 0), (x, -0.17, 0.45)], 0.013, sides=6)
            b.tube(m.steel, [(x, 0.24, 0), (x, 0.17, 0.45), (x, 0.24, 0.88)], 0.013, sides=6)
        for z in (0.62, 0.74, 0.84):
            b.box(m.wood, (0, 0.215, z), (0.42, 0.018, 0.06))


def build_cart(
    b: MeshBuilder, m: StreetMaterials, place: tuple[float, float], turn_deg: float
) -> None:
    """A hand cart with two spoked wheels, resting on its legs."""
    hub = 0.45
    with b.at(*place, 0, turn_deg):
        for k in range(6):
            b.box(
                m.wood,
                (0, -0.42 + 0.17 * k, 0.55),
                (1.5, 0.155, 0.03),
                uv_offset=(2.3 * k, k),
                tint=(1 - 0.08 * (k % 3),) * 3,
            )
        for y in (-0.5, 0.5):
            b.box(m.wood, (0.25, y, 0.48), (2.3, 0.06, 0.08))
            for k in range(2):
                b.box(m.wood, (0, y, 0.62 + 0.16 * k), (1.5, 0.025, 0.13), uv_offset=(k, 4))
            b.box(m.wood, (0.68, y, 0), (0.06, 0.06, 0.5))
            wheel(b, m, (-0.1, y + math.copysign(0.12, y), hub), hub)
        b.tube(m.wood, [(1.38, -0.5, 0.53), (1.38, 0.5, 0.53)], 0.022, sides=8)
        b.tube(m.iron, [(-0.1, -0.62, hub), (-0.1, 0.62, hub)], 0.03, sides=8)


def wheel(
    b: MeshBuilder, m: StreetMaterials, centre: tuple[float, float, float], radius: float
) -> None:
    """An upright spoked wheel in the x-z plane."""
    x, y, z = centre
    t = np.linspace(0, 2 * math.pi, 37)
    for r, material, thick in (
        (radius - 0.035, m.wood, 0.035),
        (radius - 0.008, m.iron, 0.014),
    ):
        rim = np.stack([x + r * np.cos(t), 0 * t + y, z + r * np.sin(t)], axis=1)
        b.tube(material, rim, thick, sides=8)
    for k in range(10):
        a = k * math.pi / 5
        tip = (x + (radius - 0.05) * math.cos(a), y, z + (radius - 0.05) * math.sin(a))
        b.tube(m.wood, [(x, y, z), tip], 0.02, sides=6)
    b.tube(m.wood, [(x, y - 0.09, z), (x, y + 0.09, z)], 0.07, sides=12)
