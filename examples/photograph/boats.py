"""Wooden boats: lofted hulls with a deck, a wheelhouse, a mast and a furled sail.

A boat floats in its local frame: bow towards +y, water line at z = 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from photograph.mesh import MeshBuilder, varied
from photograph.nodes import Material

FRAMES = 25
RIBS = 9
HAND = np.array([0, 0.03, 0])


@dataclass(frozen=True, slots=True, kw_only=True)
class BoatMaterials:
    """Paint, wood and gear of one boat."""

    topside: Material
    bottom: Material
    rail: Material
    deck: Material
    house: Material
    glass: Material
    mast: Material
    sail: Material
    rope: Material
    rubber: Material


@dataclass(frozen=True, slots=True, kw_only=True)
class Boat:
    """Sizes in metres; no mast when `mast` is zero, no wheelhouse when `cabin` is zero."""

    length: float
    beam: float
    freeboard: float = 0.75
    mast: float = 0.0
    cabin: float = 0.0
    open_boat: bool = False

    def half_width(self, t: np.ndarray) -> np.ndarray:
        """Half the beam from stern (t = 0) to bow (t = 1)."""
        stern = 0.62 + 0.38 * np.sin(np.minimum(t / 0.45, 1.0) * np.pi / 2)
        bow = np.sqrt(np.clip(1 - np.clip((t - 0.45) / 0.55, 0, 1) ** 2.4, 0, 1))
        return self.beam / 2 * stern * bow

    def sheer(self, t: np.ndarray) -> np.ndarray:
        """Height of the rail above the water."""
        return self.freeboard * (1 + 1.5 * (t - 0.4) ** 2 + 0.45 * np.clip(t - 0.6, 0, 1))


def build_boat(b: MeshBuilder, boat: Boat, m: BoatMaterials, rng: np.random.Generator) -> None:
    """One boat in the current local frame."""
    t = np.linspace(0, 1, FRAMES)
    y = (t - 0.5) * boat.length
    half, sheer = boat.half_width(t), boat.sheer(t)
    build_hull(b, boat, m, t)
    build_deck(b, boat, m, t)
    for sign in (-1, 1):
        rail = np.stack([sign * (half + 0.02), y, sheer], axis=1)
        b.tube(m.rail, rail, 0.055, sides=8)
        strake = np.stack([sign * (half * 0.985 + 0.02), y, sheer * 0.62], axis=1)
        b.tube(m.rail, strake, 0.035, sides=6, tint=(0.8, 0.8, 0.8))
    if boat.cabin:
        build_wheelhouse(b, boat, m)
    if boat.mast:
        build_mast(b, boat, m, rng)
    if boat.open_boat:
        build_thwarts(b, boat, m, rng)
    else:
        build_fenders(b, boat, m)
    stern, high = float(half[0]), float(sheer[0])
    b.tube(m.rail, [(-stern, y[0], high), (stern, y[0], high)], 0.055, sides=8)


def build_hull(b: MeshBuilder, boat: Boat, m: BoatMaterials, t: np.ndarray) -> None:
    """Both sides from rail to below the water, and the transom."""
    y = (t - 0.5) * boat.length
    draught = 0.5
    girth = np.linspace(0, 1, RIBS)
    for sign in (-1, 1):
        rows = []
        for g in girth:
            z = boat.sheer(t) * (1 - g) - draught * g
            flare = 1.0 - 0.32 * g**1.7 - 0.12 * g * t**3
            rake = 0.10 * boat.length * g * np.clip(t - 0.75, 0, 1)
            rows.append(np.stack([sign * boat.half_width(t) * flare, y - rake, z], axis=1))
        sheet = np.stack(rows)
        girth_m = np.broadcast_to(girth[:, None] * (boat.freeboard + draught), sheet.shape[:2])
        uv = np.stack([np.broadcast_to(y, sheet.shape[:2]), girth_m], axis=-1)
        order = slice(None) if sign > 0 else slice(None, None, -1)
        waterline = 6
        b.sheet(
            m.topside, sheet[: waterline + 1, order], uv=uv[: waterline + 1, order], smooth=True
        )
        b.sheet(m.bottom, sheet[waterline:, order], uv=uv[waterline:, order], smooth=True)
    half, high = float(boat.half_width(t[:1])[0]), float(boat.sheer(t[:1])[0])
    stern = [(-half, y[0], high), (-half * 0.6, y[0], -draught), (half * 0.6, y[0], -draught)]
    corners = [*stern, (half, y[0], high)]
    b.add(m.topside, corners, [(0, 1, 2, 3)], uv=[(0, 1), (0.3, 0), (1.7, 0), (2, 1)])


def build_deck(b: MeshBuilder, boat: Boat, m: BoatMaterials, t: np.ndarray) -> None:
    """A deck below the rail; the inside of the planking above it; sunk deep in an open boat."""
    y = (t - 0.5) * boat.length
    drop = boat.freeboard * (0.8 if boat.open_boat else 0.32)
    half, level = boat.half_width(t) * 0.97, boat.sheer(t) - drop
    across = np.linspace(-1, 1, 5)[:, None]
    deck = np.stack([across * half, y + 0 * across, level + 0 * across], axis=-1)
    b.sheet(m.deck, deck[::-1], uv=deck[::-1, :, :2])
    for sign in (-1, 1):
        low = np.stack([sign * half, y, level], axis=1)
        high = np.stack([sign * half * 1.01, y, boat.sheer(t)], axis=1)
        sheet = np.stack([low, high])
        uv = np.stack([sheet[..., 1], sheet[..., 2]], axis=-1)
        b.sheet(m.rail, sheet, uv=uv, tint=(0.75, 0.75, 0.72))


def build_wheelhouse(b: MeshBuilder, boat: Boat, m: BoatMaterials) -> None:
    """A cabin with windows all round and a roof that overhangs."""
    width, length, height = boat.beam * 0.5, boat.length * 0.2, boat.cabin
    y, z = -boat.length * 0.17, boat.freeboard * 0.62
    b.box(m.house, (0, y, z), (width, length, height))
    b.box(m.rail, (0, y, z + height), (width + 0.3, length + 0.35, 0.1), tint=(1.1, 1.1, 1.1))
    pane = height * 0.4
    low = z + height * 0.48
    for k in (-0.3, 0.0, 0.3):
        b.box(m.glass, (k * width * 1.05, y, low), (width * 0.24, length + 0.04, pane))
    for k in (-0.26, 0.26):
        b.box(m.glass, (0, y + k * length, low), (width + 0.04, length * 0.36, pane))
    b.box(m.house, (0, y + length * 0.95, z - 0.05), (width * 0.8, length * 0.7, 0.42))
    b.box(m.deck, (0, y + length * 0.95, z + 0.37), (width * 0.86, length * 0.76, 0.06))
    funnel = [(0.1, 0.0), (0.1, 0.75), (0.13, 0.78), (0.0, 0.8)]
    b.lathe(m.bottom, (width * 0.25, y - length * 0.2, z + height + 0.1), funnel, sides=12)


def build_mast(b: MeshBuilder, boat: Boat, m: BoatMaterials, rng: np.random.Generator) -> None:
    """Mast, boom, furled sail and the four stays."""
    y, z = boat.length * 0.12, boat.freeboard * 0.6
    top = z + boat.mast
    b.tube(m.mast, [(0, y, z), (0, y, z + boat.mast * 0.6), (0, y, top)], [0.09, 0.075, 0.03])
    boom_end = -boat.length * 0.36
    boom_z = z + min(1.35, boat.mast * 0.2) + boat.cabin * 0.75
    b.tube(m.mast, [(0, y, boom_z), (0, boom_end, boom_z + 0.15)], [0.06, 0.045])
    steps = np.linspace(0, 1, 22)
    lumps = 0.13 * (1 - 0.45 * steps) * (1 + 0.22 * rng.normal(size=22))
    lumps[[0, -1]] = 0.02
    sail = np.stack(
        [0 * steps, y - 0.15 + (boom_end - y + 0.3) * steps, boom_z + 0.17 + 0.13 * steps], 1
    )
    b.tube(m.sail, sail, lumps, sides=12)
    for k in (0.15, 0.4, 0.65, 0.88):
        tie = sail[int(k * 21)]
        b.tube(m.rope, [tie - HAND, tie + HAND], 0.145 * (1 - 0.4 * k), sides=10)
    bow, stern = boat.length * 0.49, -boat.length * 0.48
    rail = float(boat.sheer(np.array([0.6]))[0])
    anchors = [
        (0, bow, rail * 1.3),
        (0, stern, rail),
        (boat.beam * 0.46, y - 0.3, rail),
        (-boat.beam * 0.46, y - 0.3, rail),
    ]
    for anchor in anchors:
        b.tube(m.rope, [(0, y, top - 0.15), anchor], 0.014, sides=5)


def build_thwarts(
    b: MeshBuilder, boat: Boat, m: BoatMaterials, rng: np.random.Generator
) -> None:
    """Seats, ribs and a pair of oars in an open boat."""
    for y in (-0.28, -0.02, 0.22):
        half = float(boat.half_width(np.array([y + 0.5]))[0])
        level = boat.freeboard * 0.62
        b.box(m.rail, (0, y * boat.length, level), (2 * half, 0.26, 0.05), tint=varied(rng))
    for y in np.arange(-0.42, 0.36, 0.075):
        half = float(boat.half_width(np.array([y + 0.5]))[0])
        for sign in (-1, 1):
            place = (sign * half * 0.955, float(y) * boat.length, boat.freeboard * 0.2)
            b.box(m.rail, place, (0.05, 0.06, boat.freeboard * 0.78), tint=(0.6, 0.6, 0.6))
    for sign in (-1, 1):
        level = boat.freeboard * 0.7
        oar = [
            (sign * 0.22, -0.38 * boat.length, level),
            (sign * 0.3, 0.3 * boat.length, level + 0.03),
        ]
        b.tube(m.mast, oar, 0.028, sides=8)


def build_fenders(b: MeshBuilder, boat: Boat, m: BoatMaterials) -> None:
    """Old tyres and cork fenders along both sides."""
    for t in (0.25, 0.5, 0.7):
        half = float(boat.half_width(np.array([t]))[0]) + 0.07
        y, high = (t - 0.5) * boat.length, float(boat.sheer(np.array([t]))[0])
        for sign in (-1, 1):
            low = high * 0.25
            drum = [
                (0, low),
                (0.09, low + 0.04),
                (0.11, (low + high * 0.85) / 2),
                (0.09, high * 0.8),
                (0, high * 0.85),
            ]
            b.lathe(m.rubber, (sign * half, y, 0), drum, sides=12)
            b.tube(
                m.rope,
                [(sign * half, y, high * 0.8), (sign * (half - 0.1), y, high)],
                0.012,
                sides=5,
            )
