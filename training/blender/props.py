"""Things: people, animals, cars, poles and wires, railings, rocks, furniture.

Each stands in the local frame of its builder, its front towards -y.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from photograph.landscape import value_noise
from photograph.materials import glass, glow, metal, plaster
from photograph.mesh import MeshBuilder, varied
from photograph.nodes import Material

from training.blender.stage import Site


def ball(
    b: MeshBuilder,
    material: Material,
    centre: tuple[float, float, float],
    radius: float,
    tall: float = 1.0,
) -> None:
    """A ball, stretched upwards by `tall`."""
    t = np.linspace(-math.pi / 2, math.pi / 2, 9)
    profile = [(radius * math.cos(a), radius * tall * math.sin(a)) for a in t]
    b.lathe(material, centre, profile, sides=14)


def person(b: MeshBuilder, site: Site) -> None:
    """A standing or walking figure with clothes, about 1.2 to 1.9 m tall."""
    p, tall = site.palette, site.u(1.2, 1.92)
    coat, trousers, skin, hair = p.textile(), p.textile(), p.colour(0.2, 0.7, 0.4), p.thing()
    flesh = skin_material(skin)
    stride, swing, wide = site.u(0, 0.32) * tall / 2, site.u(-0.2, 0.3), site.u(0.85, 1.25)
    hip, shoulder = 0.5 * tall, 0.81 * tall
    for side in (-1, 1):
        foot = (side * 0.06 * tall, side * stride * 0.5, 0.03)
        knee = (side * 0.055 * tall, side * stride * 0.3 - 0.03, 0.27 * tall)
        top = (side * 0.05 * tall, 0, hip)
        b.tube(trousers, [foot, knee, top], [0.03 * tall, 0.038 * tall, 0.055 * tall * wide])
        b.box(hair, (foot[0], foot[1] - 0.05, 0), (0.09, 0.25, 0.07))
        elbow = (side * 0.14 * tall * wide, -side * swing * 0.4, 0.63 * tall)
        hand = (side * 0.13 * tall * wide, -side * swing - 0.08, 0.48 * tall)
        arm = [(side * 0.1 * tall * wide, 0, shoulder), elbow, hand]
        b.tube(coat, arm, [0.034 * tall, 0.028 * tall, 0.02 * tall])
        ball(b, flesh, hand, 0.026 * tall)
    levels = [(0, 0.46), (0.095, 0.47), (0.085, 0.6), (0.1, 0.72), (0.09, 0.8), (0.03, 0.84)]
    if site.chance(0.3):
        levels[:2] = [(0.16, 0.25), (0.11, 0.5)]
    b.lathe(coat, (0, 0, 0), [(r * tall * wide, h * tall) for r, h in levels], sides=16)
    b.tube(flesh, [(0, 0, 0.82 * tall), (0, 0, 0.88 * tall)], 0.03 * tall, sides=8)
    ball(b, flesh, (0, 0, 0.93 * tall), 0.055 * tall, 1.25)
    ball(b, hair, (0, 0.012 * tall, 0.955 * tall), 0.058 * tall, 1.05)


def skin_material(colour: tuple[float, float, float]) -> Material:
    """Something like skin, in a hue between pale and dark."""
    light = max(colour)
    return plaster("skin", (light, light * 0.68, light * 0.52), grime=0.05)


def animal(b: MeshBuilder, site: Site) -> None:
    """A four-legged something, from cat to horse."""
    size, fur = site.u(0.25, 1.4), site.palette.thing()
    thick = size * site.u(0.14, 0.22)
    back, chest = (0, 0.5 * size, size * 0.75), (0, -0.5 * size, size * 0.78)
    body = [
        (0, 0.62 * size, size * 0.7),
        back,
        (0, 0, size * 0.7),
        chest,
        (0, -0.62 * size, size * 0.8),
    ]
    b.tube(fur, body, [0.02, thick, thick * 1.1, thick, 0.03], sides=12)
    for y in (-0.42, 0.45):
        for x in (-0.55, 0.55):
            foot = (x * thick, y * size + site.u(-0.08, 0.08) * size, 0)
            b.tube(
                fur,
                [foot, (x * thick, y * size, size * 0.7)],
                [thick * 0.2, thick * 0.5],
                sides=8,
            )
    head = (0, -0.95 * size, size * site.u(0.95, 1.3))
    b.tube(fur, [chest, head], [thick * 0.75, thick * 0.4], sides=10)
    snout = [
        (0, head[1] + 0.08 * size, head[2]),
        (0, head[1] - 0.25 * size, head[2] - 0.08 * size),
    ]
    b.tube(fur, snout, [thick * 0.5, thick * 0.28], sides=10)
    b.tube(fur, [back, (0, 0.85 * size, size * site.u(0.4, 1.0))], [thick * 0.3, 0.01], sides=6)


CAR = [(-2.1, 0.35), (-2.15, 0.7), (-1.9, 0.88), (-1.1, 0.95), (-0.55, 1.42), (0.75, 1.45),
       (1.55, 1.02), (2.05, 0.92), (2.1, 0.35)]  # fmt: skip
VAN = [(-2.2, 0.35), (-2.3, 0.8), (-1.9, 1.15), (-1.5, 1.25), (-1.0, 1.95), (2.2, 2.0),
       (2.3, 1.9), (2.3, 0.9), (2.3, 0.35)]  # fmt: skip


def car(b: MeshBuilder, site: Site) -> None:
    """A saloon or a van along x, with windows, wheels and lights."""
    paint = metal("car", site.palette.colour(0.02, 0.8, 0.9), roughness=0.3, rust=0.0)
    rubber, pane = metal("tyre", (0.02, 0.02, 0.02), roughness=0.9, rust=0.0), glass("pane")
    profile = VAN if site.chance(0.3) else CAR
    points = [
        (x, side * (0.86 if z < 1.0 else 0.72), z) for side in (-1, 1) for x, z in profile
    ]
    n = len(profile)
    ring = [(k, k + 1, k + n + 1, k + n) for k in range(n - 1)]
    faces = [tuple(range(n))[::-1], tuple(range(n, 2 * n)), *ring]
    corners = np.array(points)[np.concatenate([np.array(face) for face in faces])]
    b.add(paint, points, faces, uv=corners[:, [0, 2]])
    (x0, z0), (x1, z1) = profile[3], profile[4]
    (x2, z2), (x3, _) = profile[5], profile[6]
    for side in (-1, 1):
        window = [(x0 + 0.12, side * 0.8, z0 + 0.06), (x3 - 0.15, side * 0.8, z0 + 0.06),
                  (x2 - 0.05, side * 0.74, z2 - 0.07),
                  (x1 + 0.06, side * 0.74, z1 - 0.07)]  # fmt: skip
        b.quad(pane, window[::-side])
        for x in (-1.3, 1.35):
            hub = np.array([x, side * 0.78, 0.33])
            wheel(b, rubber, hub)
    b.quad(pane, [(x0 - 0.02, -0.75, z0 + 0.03), (x1 - 0.02, -0.64, z1 - 0.05),
                  (x1 - 0.02, 0.64, z1 - 0.05), (x0 - 0.02, 0.75, z0 + 0.03)])  # fmt: skip
    for side in (-1, 1):
        b.box(glow("head", (1, 0.95, 0.8), 1.0), (-2.16, side * 0.6, 0.62), (0.1, 0.3, 0.14))
        b.box(
            glow("tail", (0.6, 0.02, 0.02), 0.6),
            (profile[-2][0], side * 0.6, 0.68),
            (0.1, 0.3, 0.14),
        )


def wheel(b: MeshBuilder, material: Material, hub: np.ndarray) -> None:
    """A wheel whose axle runs along y."""
    half = np.array([0, 0.11, 0])
    line = [hub - half * 1.01, hub - half, hub + half, hub + half * 1.01]
    b.tube(material, line, [0.0, 0.33, 0.33, 0.0], sides=20)


def pole(b: MeshBuilder, site: Site, height: float, material: Material) -> None:
    """A utility pole, a street lamp's mast or a sign post."""
    thick = site.u(0.03, 0.14)
    b.tube(material, [(0, 0, 0), (0, 0, height)], [thick, thick * 0.7])
    kind = site.n(0, 3)
    if kind == 0:
        for z in (height * 0.93, height * 0.84):
            b.box(material, (0, 0, z), (site.u(1.2, 2.2), 0.1, 0.1))
    elif kind == 1:
        reach = site.u(0.6, 2.0)
        b.tube(
            material,
            [(0, 0, height), (0, -reach * 0.4, height + 0.3), (0, -reach, height + 0.35)],
            thick * 0.5,
        )
        b.box(site.palette.metal(), (0, -reach, height + 0.25), (0.25, 0.6, 0.12))
    elif kind == 2:
        side = site.u(0.3, 0.9)
        b.box(site.palette.textile(), (0, -thick, height - side), (side, 0.02, side))


def wire(
    b: MeshBuilder, material: Material, start: tuple[float, float, float],
    end: tuple[float, float, float], sag_m: float,
) -> None:  # fmt: skip
    """A hanging wire or rope."""
    t = np.linspace(0, 1, 18)[:, None]
    line = np.array(start) * (1 - t) + np.array(end) * t
    line[:, 2:] -= 4 * sag_m * t * (1 - t)
    b.tube(material, line, 0.012 if sag_m < 0.6 else 0.02, sides=5)


def railing(
    b: MeshBuilder, site: Site, path: list[tuple[float, float]], material: Material
) -> None:
    """Posts and rails or bars along a polyline on level ground."""
    high, bars = site.u(0.7, 1.3), site.chance(0.5)
    gap, thick = site.u(0.1, 0.2) if bars else site.u(1.0, 2.4), site.u(0.012, 0.05)
    for (x0, y0), (x1, y1) in pairwise(path):
        length = math.hypot(x1 - x0, y1 - y0)
        for t in np.linspace(0, 1, min(120, max(2, int(length / gap)))):
            x, y = x0 + t * (x1 - x0), y0 + t * (y1 - y0)
            b.tube(material, [(x, y, 0), (x, y, high)], thick * (0.5 if bars else 1.0), sides=6)
        for z in (high, high * 0.12) if bars else (high, high * 0.66, high * 0.33):
            b.tube(material, [(x0, y0, z), (x1, y1, z)], thick, sides=6)


def fence(b: MeshBuilder, site: Site, length: float, material: Material) -> None:
    """Pickets or boards along x."""
    high, wide = site.u(0.6, 1.8), site.u(0.06, 0.16)
    gap = wide * site.u(1.05, 2.0)
    for k in range(min(200, int(length / gap))):
        b.box(
            material,
            (k * gap, 0, 0.05),
            (wide, 0.025, high * site.u(0.96, 1.02)),
            tint=varied(site.rng),
        )
    for z in (0.25 * high, 0.8 * high):
        b.box(material, (length / 2, 0.03, z), (length, 0.04, 0.08))


def rock_mesh(site: Site, material: Material, rough: float = 0.35) -> MeshBuilder:
    """A boulder of about one metre, lumpy by noise."""
    t, a = np.meshgrid(
        np.linspace(-np.pi / 2, np.pi / 2, 14), np.linspace(0, 2 * np.pi, 25), indexing="ij"
    )
    x, y, z = np.cos(t) * np.cos(a), np.cos(t) * np.sin(a), np.sin(t)
    seed = site.n(0, 9999)
    lumps = 1 + rough * (
        value_noise(x * 1.7 + z, y * 1.7 - z, seed) + value_noise(z * 2 + 9, x * 2, seed + 7)
    )
    points = np.stack([x, y, 0.75 * z], -1) * lumps[..., None] * 0.5
    points[:, -1] = points[:, 0]
    b = MeshBuilder()
    b.sheet(material, points, uv=np.stack([a, t], -1), smooth=site.chance(0.6))
    return b


def branches(
    b: MeshBuilder,
    site: Site,
    material: Material,
    foot: np.ndarray,
    way: np.ndarray,
    size: tuple[float, float],
) -> None:
    """A bare tree: a limb of (length, radius) that forks until it is thin."""
    length, radius = size
    bend = way + site.rng.normal(0, 0.12, 3)
    middle = foot + bend * length * 0.5
    tip = middle + (bend + site.rng.normal(0, 0.15, 3)) * length * 0.5
    b.tube(
        material,
        [foot, middle, tip],
        [radius, radius * 0.85, radius * 0.68],
        sides=8 if radius > 0.03 else 5,
    )
    if radius < 0.008 or length < 0.12:
        return
    for _ in range(2 if radius > 0.015 or site.chance(0.5) else 1):
        turn = way + site.rng.normal(0, 0.42, 3) + np.array([0, 0, 0.12])
        turn /= np.linalg.norm(turn)
        share = site.u(0.62, 0.85)
        branches(b, site, material, tip, turn, (length * share, radius * site.u(0.55, 0.7)))
