"""What lies beyond the quay: water, hills with trees, the church, the breakwater."""

from __future__ import annotations

import math

import numpy as np

from photograph.houses import HouseMaterials, Opening, build_window_plain
from photograph.mesh import MeshBuilder, instance, varied
from photograph.nodes import Material, Mesh
from photograph.plan import WATER_LEVEL_M


def value_noise(x: np.ndarray, y: np.ndarray, seed: int, octaves: int = 5) -> np.ndarray:
    """Smooth fractal noise around zero; one cell per unit in the first octave."""
    total, amplitude = np.zeros_like(x, float), 1.0
    for octave in range(octaves):
        table = np.random.default_rng(seed + octave).random((64, 64)) - 0.5
        column, row = np.floor(x).astype(int), np.floor(y).astype(int)
        u, v = x - column, y - row
        u, v = u * u * (3 - 2 * u), v * v * (3 - 2 * v)
        near = table[row % 64, column % 64] * (1 - u) + table[row % 64, (column + 1) % 64] * u
        far = (
            table[(row + 1) % 64, column % 64] * (1 - u)
            + table[(row + 1) % 64, (column + 1) % 64] * u
        )
        total += amplitude * (near * (1 - v) + far * v)
        x, y, amplitude = x * 2.03 + 7.1, y * 2.03 + 3.7, amplitude * 0.5
    return total


def hill_height(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Height of the land behind the town: low by the shore, two ridges behind."""
    bay = 0.25 * np.abs(x) + 1.0 * np.clip(-x - 34, 0, None)
    shore = np.clip((y - 92 - bay) / (90 + 0.6 * bay), 0, 1)
    near = 20 * (1 + np.sin(x / 70 + 0.4)) * np.clip((y - 95) / 140, 0, 1)
    far = 66 * np.exp(-(((x + 250) / 300) ** 2)) + 48 * np.exp(-(((x - 210) / 170) ** 2))
    ridge = far * np.clip((y - 240) / 330, 0, 1)
    rough = value_noise(x / 46, y / 46, 11) * 16
    return shore * (near + ridge + rough) - 3.0 * (1 - shore) - 0.5


def build_water(material: Material) -> None:
    """One sheet of water to the horizon."""
    b = MeshBuilder()
    corners = [(-1800, -80), (1800, -80), (1800, 3000), (-1800, 3000)]
    b.quad(material, [(x, y, WATER_LEVEL_M) for x, y in corners])
    b.stand("water")


def build_hills(turf: Material, trees: list[Mesh], rng: np.random.Generator) -> None:
    """The land with its woods: denser on the near ridge, in clumps."""
    x, y = np.meshgrid(np.linspace(-620, 620, 190), 90 + 620 * np.linspace(0, 1, 120) ** 1.3)
    vertices = np.stack([x, y, hill_height(x, y)], axis=-1)
    b = MeshBuilder()
    b.sheet(turf, vertices, uv=vertices[..., :2], smooth=True)
    b.stand("hills")
    places = np.stack([rng.uniform(-520, 420, 22000), rng.uniform(100, 660, 22000)], axis=1)
    wooded = value_noise(places[:, 0] / 34, places[:, 1] / 34, 5) > 0.02
    height = hill_height(places[:, 0], places[:, 1])
    stands = wooded & (height > 2.5) & (np.abs(places[:, 0]) < 0.75 * places[:, 1] + 20)
    for (px, py), z in zip(places[stands], height[stands], strict=True):
        kind = trees[int(rng.integers(len(trees)))]
        grown = float(rng.uniform(0.6, 1.15))
        instance(
            kind, (float(px), float(py), float(z) - 0.2), float(rng.uniform(0, 360)), grown
        )


def build_church(
    b: MeshBuilder,
    m: HouseMaterials,
    place: tuple[float, float],
    stone: Material,
    copper: Material,
) -> None:
    """A square tower with a clock, a belfry and a green copper spire."""
    x, y = place
    half, body = 3.1, 16.0
    b.box(stone, (x, y, 0), (2 * half, 2 * half, body))
    for sx in (-1, 1):
        for sy in (-1, 1):
            b.box(
                stone,
                (x + sx * half, y + sy * half, 0),
                (0.9, 0.9, body + 0.9),
                tint=(0.9, 0.88, 0.85),
            )
    for z in (5.0, 10.0, body):
        b.box(m.trim, (x, y, z), (2 * half + 0.8, 2 * half + 0.8, 0.4))
    front = y - half
    for k in (-1.1, 1.1):
        build_window_plain(b, m, Opening(x + k, 10.9, 1.1, 3.6), front)
    build_window_plain(b, m, Opening(x, 2.8, 1.4, 2.6), front)
    t = np.linspace(0, 2 * math.pi, 33)
    dial = np.stack([x + 1.25 * np.cos(t), 0 * t + front - 0.12, 7.6 + 1.25 * np.sin(t)], 1)
    b.add(m.trim, dial[:-1], [tuple(range(32))], uv=dial[:-1, ::2], tint=(1.3, 1.25, 1.1))
    b.tube(m.frame, dial, 0.1, sides=6, tint=(0.5, 0.45, 0.3))
    for dx, dz in ((0.0, 0.85), (0.5, 0.3)):
        b.tube(
            m.frame,
            [(x, front - 0.2, 7.6), (x + dx, front - 0.2, 7.6 + dz)],
            0.06,
            sides=5,
            tint=(0.1, 0.1, 0.1),
        )
    spire = [
        (3.6, 0.0),
        (3.2, 0.5),
        (1.9, 1.8),
        (1.5, 3.0),
        (1.6, 3.2),
        (0.9, 6.5),
        (0.35, 10.5),
        (0.08, 13.0),
        (0.0, 13.4),
    ]
    b.lathe(copper, (x, y, body + 0.9), spire, sides=8)
    b.tube(
        m.frame, [(x, y, body + 14), (x, y, body + 16.2)], 0.07, sides=6, tint=(0.5, 0.4, 0.1)
    )
    b.lathe(
        m.frame,
        (x, y, body + 14.8),
        [(0, 0), (0.3, 0.15), (0.3, 0.45), (0, 0.6)],
        sides=10,
        tint=(0.6, 0.45, 0.1),
    )


def build_breakwater(
    b: MeshBuilder,
    stone: Material,
    white: Material,
    red: Material,
    glass: Material,
    rng: np.random.Generator,
) -> None:
    """A mole of boulders with a small lighthouse at its head."""
    start, head = np.array([-200.0, 150.0]), np.array([-64.0, 114.0])
    for _ in range(900):
        t = float(rng.uniform(0, 1))
        centre = start + (head - start) * t + rng.normal(0, 1.5, 2)
        size = rng.uniform(0.7, 1.9, 3)
        away = float(np.linalg.norm(centre - (start + (head - start) * t)))
        z = WATER_LEVEL_M - 0.9 + max(0.0, 2.0 - 0.7 * away) * float(rng.uniform(0.5, 1.0))
        place = (float(centre[0]), float(centre[1]), z)
        b.box(stone, place, size, turn_deg=float(rng.uniform(0, 90)), tint=varied(rng, low=0.6))
    x, y = float(head[0]), float(head[1])
    b.lathe(stone, (x, y, WATER_LEVEL_M - 0.5), [(3.4, 0), (3.2, 2.6), (0, 2.6)], sides=24)
    base = WATER_LEVEL_M + 2.1
    for k in range(5):
        low, high = k / 5, (k + 1) / 5
        ring = [(1.55 - 0.6 * low, 8.5 * low), (1.55 - 0.6 * high, 8.5 * high)]
        b.lathe(red if k % 2 == 0 else white, (x, y, base), ring, sides=28)
    b.lathe(
        white, (x, y, base + 8.5), [(0.95, 0), (1.35, 0.1), (1.35, 0.3), (0.7, 0.3)], sides=28
    )
    b.lathe(glass, (x, y, base + 8.8), [(0.7, 0), (0.7, 1.3)], sides=12)
    b.lathe(
        red, (x, y, base + 10.1), [(0.95, 0), (0.85, 0.2), (0.3, 0.8), (0.0, 1.3)], sides=20
    )
