"""The harbour itself: what stands where. Read `build_harbour` first."""

from __future__ import annotations

import numpy as np

from photograph import materials as mat
from photograph.boats import Boat, BoatMaterials, build_boat
from photograph.camera import Viewpoint
from photograph.cargo import (
    CargoMaterials,
    build_barrel,
    build_basket,
    build_bollard,
    build_crate,
    build_lobster_pot,
    build_mooring_ring,
    coil_rope,
    hang_rope,
)
from photograph.daylight import Daylight, add_haze, shine
from photograph.landscape import (
    build_breakwater,
    build_hills,
    build_water,
)
from photograph.masonry import Course, pave
from photograph.mesh import MeshBuilder, instance
from photograph.nodes import Colour
from photograph.plan import BEHIND_Y, EDGE_X, END_Y, FRONT_X, WATER_LEVEL_M
from photograph.plants import cypress, far_tree, tree, tufts
from photograph.street import (
    StreetMaterials,
    build_bench,
    build_cart,
    build_lamp,
    build_pot,
    build_table,
)
from photograph.town import build_town

VIEW = Viewpoint(place=(0.2, 0.0, 1.75), yaw_deg=-5.0, pitch_deg=-2.6, fov_x_deg=60.0)
EVENING = Daylight(elevation_deg=17.0, azimuth_deg=-99.0, cover=0.5, seed=7.1)

HULLS: tuple[Colour, ...] = (
    (0.05, 0.16, 0.33),
    (0.42, 0.05, 0.03),
    (0.62, 0.60, 0.54),
    (0.03, 0.22, 0.19),
    (0.55, 0.33, 0.06),
)


def build_harbour(seed: int) -> None:
    """Everything in front of the camera, and the light on it."""
    rng = np.random.default_rng(seed)
    shine(EVENING)
    build_water(mat.water("water"))
    build_quay(rng)
    build_town(rng)
    build_foreground(rng)
    build_fleet(rng)
    build_distance(rng)
    add_haze(EVENING)


def build_quay(rng: np.random.Generator) -> None:
    """Pavement of setts, coping stones along the edge, the wall down to the water."""
    b = MeshBuilder()
    granite, coping = (
        mat.stone("setts", (0.35, 0.29, 0.225)),
        mat.stone("coping", (0.42, 0.39, 0.34)),
    )
    setts = Course(
        x=(EDGE_X + 0.72, FRONT_X), y=(BEHIND_Y, END_Y + 6), row_m=0.17, stone_m=(0.15, 0.3)
    )
    pave(b, granite, setts, rng, 0.0)
    edge = Course(
        x=(EDGE_X, EDGE_X + 0.72),
        y=(BEHIND_Y, END_Y),
        row_m=0.95,
        stone_m=(0.72, 0.73),
        wear_m=0.02,
        chamfer_m=0.05,
        joint_m=0.03,
    )
    pave(b, coping, edge, rng, 0.04)
    cross = Course(x=(-32, EDGE_X), y=(END_Y, END_Y + 6), row_m=0.2, stone_m=(0.2, 0.4))
    pave(b, granite, cross, rng, 0.0)
    earth = mat.turf("joints", (0.07, 0.06, 0.045), (0.045, 0.05, 0.025))
    ground = [(-32, END_Y + 0.2), (60, END_Y + 0.2), (60, 100), (-32, 100)]
    b.quad(earth, [(x, y, -0.05) for x, y in ground])
    b.quad(
        earth,
        [
            (EDGE_X + 0.1, -16, -0.045),
            (40, -16, -0.045),
            (40, END_Y + 1, -0.045),
            (EDGE_X + 0.1, END_Y + 1, -0.045),
        ],
    )
    wall, low = mat.quay_wall("quay wall"), -2.4
    b.quad(
        wall,
        [
            (EDGE_X + 0.03, END_Y, low),
            (EDGE_X + 0.03, -16, low),
            (EDGE_X + 0.03, -16, 0),
            (EDGE_X + 0.03, END_Y, 0),
        ],
    )
    b.quad(
        wall,
        [
            (-32, END_Y, low),
            (EDGE_X + 0.03, END_Y, low),
            (EDGE_X + 0.03, END_Y, 0),
            (-32, END_Y, 0),
        ],
    )
    b.quad(wall, [(-32, 100, low), (-32, END_Y, low), (-32, END_Y, 0), (-32, 100, 0)])
    b.stand("quay")
    weeds = MeshBuilder()
    y = rng.uniform(3.5, 24, 130)
    x = np.where(rng.random(130) < 0.55, EDGE_X + 0.73, FRONT_X - 0.06) + rng.normal(
        0, 0.03, 130
    )
    green = mat.leaf("weeds", (0.14, 0.2, 0.05))
    tufts(weeds, green, np.stack([x, y, 0 * x], axis=1), rng, blades=26, height=0.1)
    weeds.stand("weeds")


def build_foreground(rng: np.random.Generator) -> None:
    """What the eye meets first, and the furniture of the quay behind it."""
    cargo = CargoMaterials(
        oak=mat.wood("oak", (0.34, 0.19, 0.085), grain=mat.Grain(contrast=0.45)),
        pine=mat.wood(
            "pine", (0.46, 0.31, 0.17), grain=mat.Grain(contrast=0.5), roughness=0.75
        ),
        iron=mat.metal("iron", (0.035, 0.035, 0.04), roughness=0.45, rust=0.75),
        rope=mat.rope("rope", (0.52, 0.42, 0.27)),
        wicker=mat.wicker("wicker", (0.44, 0.27, 0.12)),
        fruit=mat.clay("orange", (0.85, 0.27, 0.02)),
        net=mat.cloth("net", (0.05, 0.13, 0.13)),
        lid=mat.planks("lid", (0.34, 0.21, 0.11), width_m=0.1),
    )
    b = MeshBuilder()
    for place in ((1.3, 6.6), (1.97, 6.38), (1.72, 7.15)):
        build_barrel(b, cargo, place, rng)
    build_crate(b, cargo, (3.15, 7.0, 0), (1.15, 0.8, 0.72), 12, rng)
    build_crate(b, cargo, (3.05, 7.05, 0.745), (0.7, 0.55, 0.45), -9, rng)
    build_crate(b, cargo, (2.55, 8.2, 0), (0.9, 0.9, 0.8), 30, rng)
    build_basket(b, cargo, (2.36, 5.66), rng)
    bollards = (
        (EDGE_X + 0.55, 5.6),
        (EDGE_X + 0.5, 15.2),
        (EDGE_X + 0.5, 25.0),
        (EDGE_X + 0.5, 36.0),
    )
    for place in bollards:
        build_bollard(b, cargo, place)
    coil_rope(b, cargo, (-0.35, 5.35), 3, rng)
    for k, (x, y) in enumerate(((-0.15, 9.2), (-0.05, 9.9), (-0.12, 9.5))):
        build_lobster_pot(b, cargo, (x, y, 0.0 if k < 2 else 0.33), 84 + 7 * k)
    for y in np.arange(4.5, 60, 5.5):
        build_mooring_ring(b, cargo, (EDGE_X - 0.02, float(y), -0.35))
    hang_rope(b, cargo, (bollards[0][0] - 0.15, 5.65, 0.34), (-2.72, 7.12, -0.37), 0.1)
    hang_rope(b, cargo, (bollards[1][0] - 0.15, 15.2, 0.34), (-3.0, 13.3, 0.1), 0.2)
    hang_rope(b, cargo, (bollards[2][0] - 0.15, 25.0, 0.34), (-3.4, 23.2, 0.2), 0.2)
    b.stand("cargo", bevel_m=0.006)
    build_furniture(rng)


def build_furniture(rng: np.random.Generator) -> None:
    """Lamps along the edge, trees, benches, pots and a café along the houses."""
    m = StreetMaterials(
        iron=mat.metal("cast iron", (0.025, 0.04, 0.035), roughness=0.4, rust=0.25),
        flame=mat.glow("lamp", (1.0, 0.72, 0.38), 3.0),
        lamp_glass=mat.glass("lantern"),
        wood=mat.wood("bench", (0.34, 0.2, 0.1)),
        clay=mat.clay("pot", (0.48, 0.2, 0.11)),
        leaf=mat.leaf("shrub", (0.1, 0.18, 0.05)),
        petal=mat.leaf("blossom", (0.75, 0.2, 0.28)),
        canvas=mat.cloth("parasol", (0.74, 0.66, 0.5)),
        steel=mat.metal("steel", (0.06, 0.07, 0.06), rust=0.1),
    )
    b = MeshBuilder()
    for y in (11.5, 24.0, 36.5, 49.0):
        build_lamp(b, m, (EDGE_X + 0.98, y))
    for y in (15.0, 27.0):
        build_bench(b, m, (EDGE_X + 1.6, y), 90)
    for x, y, size in (
        (5.6, 9.8, 0.62),
        (5.65, 12.6, 0.5),
        (5.6, 16.2, 0.6),
        (5.65, 20.0, 0.55),
        (5.7, 25.5, 0.6),
    ):
        build_pot(b, m, (x, y), size, rng)
    for x, y in ((4.3, 13.2), (4.4, 16.6), (4.2, 20.4)):
        build_table(b, m, (x, y), rng)
    build_cart(b, m, (1.2, 12.6), 62)
    b.stand("furniture", bevel_m=0.004)
    bark = mat.wood("bark", (0.2, 0.16, 0.11), grain=mat.Grain(upright=True), roughness=0.9)
    leaf = mat.leaf("plane leaf", (0.16, 0.23, 0.05))
    plane = tree(leaf, bark, rng, height=5.6, crown=2.0)
    for k, y in enumerate((23.0, 31.5, 40.5, 51.0)):
        instance(plane, (2.6, y, 0.0), 77.0 * k, 1.0 + 0.08 * (k % 2))


def build_fleet(rng: np.random.Generator) -> None:
    """Boats along the quay, and more at anchor in the basin."""
    berths: tuple[tuple[float, float, float, Boat], ...] = (
        (-3.25, 9.6, 2, Boat(length=5.2, beam=1.9, freeboard=0.62, open_boat=True)),
        (-3.8, 17.2, -2, Boat(length=8.6, beam=2.9, freeboard=0.95, cabin=1.65, mast=5.2)),
        (-7.6, 14.2, 8, Boat(length=4.4, beam=1.7, freeboard=0.58, open_boat=True)),
        (-3.9, 27.5, 1, Boat(length=9.5, beam=3.0, freeboard=0.95, mast=9.5)),
        (-10.5, 25.0, 166, Boat(length=8.2, beam=2.8, freeboard=0.9, cabin=1.55, mast=4.6)),
        (-4.2, 39.0, 181, Boat(length=10, beam=3.2, freeboard=1.1, cabin=1.7, mast=6.0)),
        (-17.5, 38.0, 20, Boat(length=9.0, beam=2.9, freeboard=0.9, mast=9.0)),
        (-4.3, 52.0, 0, Boat(length=9.5, beam=3.0, freeboard=1.0, mast=8.5)),
        (-15.0, 56.5, 95, Boat(length=9.0, beam=3.0, freeboard=1.0, cabin=1.6, mast=5.0)),
        (-27.5, 54.0, 100, Boat(length=8.0, beam=2.7, freeboard=0.9, mast=8.5)),
        (-24.0, 33.0, -30, Boat(length=5.0, beam=1.9, freeboard=0.6, open_boat=True)),
        (-38.0, 74.0, 60, Boat(length=9.0, beam=3.0, freeboard=0.9, mast=9.5)),
    )
    for k, (x, y, turn, boat) in enumerate(berths):
        m = BoatMaterials(
            topside=mat.wood(
                f"hull {k}",
                HULLS[k % len(HULLS)],
                grain=mat.Grain(contrast=0.75),
                roughness=0.35,
            ),
            bottom=mat.metal(f"antifouling {k}", (0.2, 0.045, 0.03), rust=0.3),
            rail=mat.wood(f"rail {k}", (0.38, 0.21, 0.09), roughness=0.4),
            deck=mat.planks(f"deck {k}", (0.38, 0.27, 0.16), width_m=0.09, across=True),
            house=mat.wood(
                f"wheelhouse {k}", (0.66, 0.63, 0.56), grain=mat.Grain(contrast=0.85)
            ),
            glass=mat.glass(f"port {k}"),
            mast=mat.wood(
                f"mast {k}", (0.46, 0.28, 0.12), grain=mat.Grain(upright=True), roughness=0.4
            ),
            sail=mat.cloth(f"sail {k}", (0.62, 0.53, 0.42) if k % 2 else (0.36, 0.1, 0.06)),
            rope=mat.rope(f"rigging {k}", (0.3, 0.25, 0.17)),
            rubber=mat.metal(
                f"fender {k}", (0.5, 0.48, 0.42) if k % 2 else (0.03, 0.03, 0.03), rust=0.1
            ),
        )
        b = MeshBuilder()
        with b.at(x, y, WATER_LEVEL_M, turn):
            build_boat(b, boat, m, rng)
        b.stand(f"boat {k}")


def build_distance(rng: np.random.Generator) -> None:
    """Hills, their woods, and the breakwater with its light."""
    bark = mat.wood("far bark", (0.16, 0.12, 0.08))
    green = mat.leaf("far leaf", (0.13, 0.19, 0.05))
    dark = mat.leaf("cypress leaf", (0.06, 0.1, 0.035))
    kinds = [far_tree(green, bark, rng), far_tree(green, bark, rng), cypress(dark, bark, rng)]
    build_hills(mat.turf("turf", (0.27, 0.22, 0.09), (0.14, 0.18, 0.05)), kinds, rng)
    b = MeshBuilder()
    build_breakwater(
        b,
        mat.stone("boulders", (0.34, 0.31, 0.27)),
        mat.plaster("lighthouse white", (0.75, 0.73, 0.68), grime=0.3),
        mat.plaster("lighthouse red", (0.55, 0.06, 0.04), grime=0.3),
        mat.glass("lantern room"),
        rng,
    )
    b.stand("breakwater")
