"""What stands about on a quay: barrels, crates, baskets, lobster pots, rope, bollards."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from photograph.mesh import MeshBuilder, varied
from photograph.nodes import Material


@dataclass(frozen=True, slots=True, kw_only=True)
class CargoMaterials:
    """What cargo and its tackle are made of."""

    oak: Material
    pine: Material
    iron: Material
    rope: Material
    wicker: Material
    fruit: Material
    net: Material
    lid: Material


def build_barrel(
    b: MeshBuilder, m: CargoMaterials, place: tuple[float, float], rng: np.random.Generator
) -> None:
    """An oak barrel: staves one by one, four hoops, a sunken lid."""
    radius, height, staves = 0.31, 0.92, 22
    x, y = place
    levels = np.linspace(0, 1, 9)
    bulge = radius * (1 - 0.2 * (2 * levels - 1) ** 2)
    start = float(rng.uniform(0, 6.28))
    for k in range(staves):
        angle = start + (np.array([0.02, 0.5, 0.98]) + k) * 2 * np.pi / staves
        swell = np.array([0.0, 0.006, 0.0])
        r = bulge[:, None] + swell
        vertices = np.stack(
            [x + np.cos(angle) * r, y + np.sin(angle) * r, height * levels[:, None] + 0 * r], -1
        )
        u = np.broadcast_to(height * levels[:, None], r.shape)
        v = np.broadcast_to(angle * radius, r.shape)
        uv = np.stack([u + 3.7 * k, v], axis=-1)
        tint = varied(rng, low=0.6, high=1.15, hue=0.04)
        b.sheet(m.oak, vertices, uv=uv, tint=tint, smooth=True)
    lining = [(r - 0.006, height * level) for r, level in zip(bulge, levels, strict=True)]
    b.lathe(m.oak, (x, y, 0), lining, sides=staves, tint=(0.12, 0.1, 0.08))
    lip = float(bulge[-1])
    inside = [
        (lip, height),
        (lip - 0.03, height),
        (lip - 0.03, height - 0.05),
        (0, height - 0.045),
    ]
    b.lathe(m.lid, (x, y, 0), inside, sides=staves)
    for low in (0.06, 0.3, 0.64, 0.88):
        r0, r1 = (radius * (1 - 0.2 * (2 * q - 1) ** 2) + 0.011 for q in (low, low + 0.05))
        band = [
            (r0 - 0.01, low * height),
            (r0, low * height),
            (r1, (low + 0.05) * height),
            (r1 - 0.01, (low + 0.05) * height),
        ]
        b.lathe(m.iron, (x, y, 0), band, sides=32)


def build_crate(
    b: MeshBuilder,
    m: CargoMaterials,
    place: tuple[float, float, float],
    size: tuple[float, float, float],
    turn_deg: float,
    rng: np.random.Generator,
) -> None:
    """A crate of slats with gaps, corner posts and a diagonal brace."""
    w, d, h = size
    with b.at(*place, turn_deg):
        inner = (w * 0.9, d * 0.9, h * 0.9)
        b.box(m.pine, (0, 0, 0.02), inner, tint=(0.2, 0.18, 0.15))
        slats = max(3, round(h / 0.13))
        for k in range(slats):
            z = k * h / slats + 0.01
            for sign in (-1, 1):
                tint, offset = varied(rng, low=0.6, high=1.2), rng.uniform(0, 9, 2)
                board = (w, 0.022, h / slats - 0.022)
                place_x = (0, sign * (d / 2 - 0.011), z)
                b.box(m.pine, place_x, board, tint=tint, uv_offset=offset)
                side = (0.022, d - 0.05, h / slats - 0.022)
                b.box(
                    m.pine,
                    (sign * (w / 2 - 0.011), 0, z),
                    side,
                    tint=tint,
                    uv_offset=offset[::-1],
                )
        lid = max(3, round(d / 0.14))
        for k in range(lid):
            y = (k + 0.5) * d / lid - d / 2
            tint, offset = varied(rng, low=0.6, high=1.2), rng.uniform(0, 9, 2)
            b.box(
                m.pine,
                (0, y, h),
                (w + 0.02, d / lid - 0.015, 0.022),
                tint=tint,
                uv_offset=offset,
            )
        for sx in (-1, 1):
            for sy in (-1, 1):
                post = (sx * (w / 2 + 0.008), sy * (d / 2 + 0.008), 0)
                b.box(m.pine, post, (0.085, 0.05, h), tint=varied(rng, low=0.7, high=1.0))
        for sign in (-1, 1):
            y = sign * (d / 2 + 0.012)
            for z in (0.02, h - 0.1):
                b.box(
                    m.pine,
                    (0, y, z),
                    (w * 0.9, 0.03, 0.08),
                    tint=varied(rng, low=0.7, high=1.0),
                )


def build_basket(
    b: MeshBuilder, m: CargoMaterials, place: tuple[float, float], rng: np.random.Generator
) -> None:
    """A wicker basket heaped with oranges."""
    x, y = place
    side = [(0.0, 0.0), (0.2, 0.0), (0.25, 0.12), (0.29, 0.27), (0.31, 0.34)]
    rim = [(0.325, 0.35), (0.325, 0.38), (0.295, 0.38), (0.285, 0.3), (0.0, 0.27)]
    b.lathe(m.wicker, (x, y, 0), side + rim, sides=36)
    for level, radius in ((0.365, 0.315), (0.02, 0.215)):
        t = np.linspace(0, 2 * math.pi, 49)
        plait = radius + 0.008 * np.sin(24 * t)
        ring = np.stack([x + plait * np.cos(t), y + plait * np.sin(t), 0 * t + level], axis=1)
        b.tube(m.wicker, ring, 0.026, sides=8)
    arc = np.linspace(0, math.pi, 25)
    handle = np.stack([x + 0.3 * np.cos(arc), 0 * arc + y, 0.36 + 0.27 * np.sin(arc)], axis=1)
    b.tube(m.wicker, handle, 0.02, sides=8)
    latitude = np.linspace(-math.pi / 2, math.pi / 2, 9)
    ball = [(0.048 * math.cos(q), 0.046 * math.sin(q)) for q in latitude]
    for k in range(46):
        r, angle = 0.255 * math.sqrt((k + 0.3) / 46), k * 2.39996
        heap = 0.34 + 0.1 * math.cos(r / 0.255 * 1.4) + float(rng.uniform(-0.008, 0.008))
        centre = (x + r * math.cos(angle), y + r * math.sin(angle), heap)
        b.lathe(
            m.fruit, centre, ball, sides=14, tint=varied(rng, low=0.85, high=1.15, hue=0.04)
        )


def build_lobster_pot(
    b: MeshBuilder, m: CargoMaterials, place: tuple[float, float, float], turn_deg: float
) -> None:
    """A half-round pot: wooden hoops, laths, net over a slatted floor."""
    length, radius = 0.8, 0.27
    arch = np.linspace(0, math.pi, 13)
    with b.at(*place, turn_deg):
        b.box(m.pine, (0, 0, 0.0), (length, 2 * radius, 0.04), tint=(0.6, 0.6, 0.6))
        for x in (-0.38, 0.0, 0.38):
            hoop = np.stack(
                [0 * arch + x, radius * np.cos(arch), 0.04 + radius * 1.15 * np.sin(arch)], 1
            )
            b.tube(m.pine, hoop, 0.018, sides=6)
        for k in np.linspace(0.12, 0.88, 8) * math.pi:
            y, z = radius * math.cos(k), 0.04 + radius * 1.15 * math.sin(k)
            b.box(m.pine, (0, y * 1.04, z), (length, 0.03, 0.018), tint=(0.85, 0.85, 0.85))
        xs = np.linspace(-0.37, 0.37, 7)[:, None]
        dome = np.stack(
            [
                xs + 0 * arch,
                radius * 0.9 * np.cos(arch) + 0 * xs,
                0.04 + radius * 1.02 * np.sin(arch) + 0 * xs,
            ],
            -1,
        )
        uv = np.stack([dome[..., 0], np.broadcast_to(arch * radius, dome.shape[:2])], axis=-1)
        b.sheet(m.net, dome, uv=uv, smooth=True)


def build_bollard(b: MeshBuilder, m: CargoMaterials, place: tuple[float, float]) -> None:
    """A cast-iron mushroom bollard with three turns of rope."""
    profile = [
        (0.27, 0.0),
        (0.27, 0.04),
        (0.17, 0.08),
        (0.14, 0.2),
        (0.14, 0.42),
        (0.19, 0.5),
        (0.23, 0.55),
    ]
    crown = [(0.235, 0.6), (0.2, 0.66), (0.1, 0.7), (0.0, 0.705)]
    b.lathe(m.iron, (*place, 0), profile + crown, sides=36)
    turns = np.linspace(0, 3.2 * 2 * math.pi, 110)
    coil = np.stack(
        [
            place[0] + 0.175 * np.cos(turns),
            place[1] + 0.175 * np.sin(turns),
            0.2 + 0.062 * turns / (2 * math.pi),
        ],
        axis=1,
    )
    b.tube(m.rope, coil, 0.03, sides=10)


def hang_rope(
    b: MeshBuilder,
    m: CargoMaterials,
    start: tuple[float, float, float],
    end: tuple[float, float, float],
    sag_m: float,
) -> None:
    """A mooring line between two points."""
    t = np.linspace(0, 1, 40)[:, None]
    line = np.array(start) * (1 - t) + np.array(end) * t
    line[:, 2:] -= 4 * sag_m * t * (1 - t)
    b.tube(m.rope, line, 0.026, sides=10)


def coil_rope(
    b: MeshBuilder,
    m: CargoMaterials,
    place: tuple[float, float],
    layers: int,
    rng: np.random.Generator,
) -> None:
    """Rope laid down in a coil, its free end trailing off."""
    per_layer, thickness = 4, 0.056
    rings = []
    for layer in range(layers):
        t = np.linspace(0, per_layer * 2 * math.pi, 150)
        inward = t / (2 * math.pi) * thickness * (1 if layer % 2 == 0 else -1)
        start = 0.42 if layer % 2 == 0 else 0.42 - per_layer * thickness
        r = start - inward + 0.008 * rng.normal(size=1)
        wobble = 0.012 * np.sin(3.1 * t + layer)
        z = np.full_like(t, 0.04 + layer * thickness * 0.9)
        rings.append(np.stack([(r + wobble) * np.cos(t), (r + wobble) * np.sin(t), z], axis=1))
    t = np.linspace(0, 1, 30)[:, None]
    tail = (
        rings[0][0]
        + t * np.array([0.1, -1.0, -0.005])
        + 0.12 * np.sin(5 * t) * np.array([1.0, 0, 0])
    )
    path = np.concatenate([tail[::-1], *rings]) + np.array([place[0], place[1], 0])
    b.tube(m.rope, path, 0.029, sides=9)


def build_mooring_ring(
    b: MeshBuilder, m: CargoMaterials, place: tuple[float, float, float]
) -> None:
    """An iron ring hanging on the quay wall."""
    t = np.linspace(0, 2 * math.pi, 25)
    x, y, z = place
    ring = np.stack([0 * t + x, y + 0.14 * np.sin(t), z - 0.14 + 0.14 * np.cos(t)], axis=1)
    b.tube(m.iron, ring, 0.022, sides=8)
