"""The town round the basin: which house stands where, in which colours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from photograph import materials as mat
from photograph.houses import House, HouseMaterials, build_house
from photograph.landscape import build_church
from photograph.mesh import MeshBuilder
from photograph.nodes import Colour, Material
from photograph.plan import BEHIND_Y, END_Y, FRONT_X

WALLS: tuple[Colour, ...] = (
    (0.66, 0.36, 0.17),
    (0.72, 0.62, 0.44),
    (0.52, 0.17, 0.11),
    (0.36, 0.47, 0.52),
    (0.74, 0.50, 0.22),
    (0.70, 0.67, 0.60),
    (0.62, 0.34, 0.29),
    (0.42, 0.48, 0.36),
)
SHUTTERS: tuple[Colour, ...] = (
    (0.06, 0.14, 0.12),
    (0.07, 0.15, 0.24),
    (0.26, 0.06, 0.04),
    (0.16, 0.2, 0.17),
)


def house_materials(
    rng: np.random.Generator, wall: Material, shared: dict[str, Material], shutter: Colour
) -> HouseMaterials:
    """One house's own paint on the town's common stone, glass and tiles."""
    frame = (0.6, 0.58, 0.53) if rng.random() < 0.7 else (0.1, 0.09, 0.08)
    paint = mat.wood(
        "shutter", shutter, grain=mat.Grain(upright=True, contrast=0.7), roughness=0.55
    )
    return HouseMaterials(
        wall=wall,
        shutter=paint,
        door=paint,
        frame=mat.metal("frame", frame, rust=0.0),
        **shared,
    )


def build_town(rng: np.random.Generator) -> None:
    """The row of houses along the quay on the right and the row across its end."""
    shared = {
        "trim": mat.stone("trim", (0.5, 0.46, 0.39)),
        "glass": mat.glass("panes"),
        "lit": mat.glow("lamplight", (1.0, 0.62, 0.25), 1.6),
        "roof": mat.clay("tiles", (0.42, 0.145, 0.075)),
        "chimney": mat.brickwork("chimney", (0.3, 0.1, 0.06), (0.2, 0.07, 0.05)),
        "awning": mat.cloth("awning", (0.72, 0.68, 0.6)),
        "leaf": mat.leaf("geranium leaf", (0.1, 0.17, 0.05)),
        "petal": mat.leaf("geranium", (0.7, 0.07, 0.06)),
    }
    b = MeshBuilder()
    y, k = BEHIND_Y, 0
    while y < END_Y + 6:
        width = float(rng.choice([5.6, 6.4, 7.2, 8.0]))
        house = draw_house(rng, width, detailed=4 < y < 45)
        wall = house_wall(k)
        m = house_materials(rng, wall, shared, SHUTTERS[k % len(SHUTTERS)])
        with b.at(FRONT_X, y + width, 0, -90):
            build_house(b, house, m, rng)
        y, k = y + width, k + 1
    x = -30.5
    while x < 16:
        width = float(rng.choice([6.0, 7.0, 8.0]))
        house = draw_house(rng, width, detailed=False)
        m = house_materials(rng, house_wall(k + 3), shared, SHUTTERS[k % len(SHUTTERS)])
        with b.at(x, END_Y + 6.2, 0):
            build_house(b, house, m, rng)
        x, k = x + width, k + 1
    louvres = mat.wood("louvres", (0.07, 0.06, 0.05))
    church = replace(house_materials(rng, shared["trim"], shared, SHUTTERS[0]), frame=louvres)
    tower, copper = (
        mat.stone("tower", (0.5, 0.43, 0.33)),
        mat.plaster("copper", (0.16, 0.33, 0.27)),
    )
    build_church(b, church, (-32.0, END_Y + 60), tower, copper)
    b.stand("town", bevel_m=0.0)


def house_wall(k: int) -> Material:
    """Every fifth house is brick, the others are limewashed in their own colour."""
    if k % 5 == 2:
        return mat.brickwork(f"brick {k}", (0.33, 0.11, 0.065), (0.23, 0.075, 0.05))
    return mat.plaster(f"plaster {k}", WALLS[k % len(WALLS)])


def draw_house(rng: np.random.Generator, width: float, *, detailed: bool) -> House:
    """A house of the given width with everything else left to chance."""
    return House(
        width=width,
        depth=float(rng.uniform(7, 9)),
        floors=int(rng.choice([2, 3, 3])),
        bays=max(2, round(width / 2.3)),
        storey=float(rng.uniform(2.7, 3.05)),
        gable=bool(rng.random() < 0.4),
        shop=bool(rng.random() < 0.65),
        shutters=bool(rng.random() < 0.75),
        detailed=detailed,
    )
