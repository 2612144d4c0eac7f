"""Materials of one scene: families ask for a wall or a floor and get another one per seed."""

from __future__ import annotations

import colorsys
from collections.abc import Callable

import numpy as np
from photograph import materials as mat
from photograph.boats import BoatMaterials
from photograph.cargo import CargoMaterials
from photograph.houses import HouseMaterials
from photograph.nodes import Colour, Material
from photograph.street import StreetMaterials

from training.blender import surfaces
from training.blender.shards import Kind
from training.blender.surfaces import of_kind


class Palette:
    """Draws materials at random; the same seed draws the same ones in the same order."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.is_night = False

    def colour(self, low: float = 0.08, high: float = 0.8, vivid: float = 0.8) -> Colour:
        """Any hue, its value in [low, high], its saturation up to `vivid`."""
        hue, saturation = self.rng.random(), self.rng.random() ** 0.8 * vivid
        value = self.rng.uniform(low, high)
        r, g, b = colorsys.hsv_to_rgb(hue, saturation, value)
        return (r, g, b)

    def earthy(self, low: float = 0.1, high: float = 0.5) -> Colour:
        """Greys, browns, ochres."""
        value, warm = self.rng.uniform(low, high), self.rng.uniform(0.0, 0.5)
        return (value, value * (1 - 0.35 * warm), value * (1 - 0.8 * warm))

    def pick(self, *choices: Callable[[], Material]) -> Material:
        """One of several, made only when chosen."""
        return choices[int(self.rng.integers(len(choices)))]()

    def paving(self) -> Material:
        """Streets, squares, quays."""
        c, u = self.earthy, self.rng.uniform
        side = float(u(0.25, 1.2))
        made = self.pick(
            lambda: surfaces.soil(c(0.04, 0.12), c(0.1, 0.2), coarse=0.4, fine=60, bump_m=0.01),
            lambda: surfaces.cells(c(), c(), c(0.04, 0.12), per_m=float(u(4, 9)), on_uv=True),
            lambda: surfaces.tiles(
                c(0.2, 0.5),
                c(0.15, 0.5),
                c(0.05, 0.2),
                size_m=(side * float(u(1, 2)), side),
                gloss=0.1,
            ),
            lambda: mat.brickwork("paviours", c(0.15, 0.35), c(0.1, 0.3)),
            lambda: mat.stone("granite", c(0.2, 0.45)),
            lambda: surfaces.soil(c(0.2, 0.35), c(0.3, 0.5), coarse=0.3, fine=25, bump_m=0.02),
        )
        return of_kind(made, Kind.GROUND)

    def meadow(self, kind: Kind = Kind.GROUND) -> Material:
        """Lawn, heath, sand, snow or earth."""
        u = self.rng.uniform
        green = (float(u(0.04, 0.14)), float(u(0.09, 0.2)), float(u(0.02, 0.06)))
        dry = (float(u(0.2, 0.4)), float(u(0.18, 0.32)), float(u(0.06, 0.16)))
        ways = {"coarse": float(u(0.08, 0.6)), "fine": float(u(6, 30)), "bump_m": 0.06}
        made = self.pick(
            lambda: surfaces.soil(green, dry, **ways),
            lambda: surfaces.soil(mat.darker(green, 0.7), mat.darker(green, 1.4), **ways),
            lambda: surfaces.soil(green, self.earthy(0.08, 0.2), **ways),
            lambda: surfaces.soil(self.earthy(0.25, 0.4), self.earthy(0.4, 0.6), **ways),
        )
        return of_kind(made, kind)

    def wall(self) -> Material:
        """Outside walls."""
        dark = self.earthy(0.12, 0.35)
        made = self.pick(
            lambda: mat.plaster("plaster", self.colour(0.3, 0.85, 0.55)),
            lambda: mat.plaster("render", self.earthy(0.35, 0.8), grime=0.25),
            lambda: mat.brickwork("brick", (dark[0] * 1.2, dark[1] * 0.5, dark[2] * 0.4), dark),
            lambda: surfaces.cells(
                self.earthy(), self.earthy(), self.earthy(0.1, 0.5), per_m=3.5, on_uv=True
            ),
            lambda: mat.planks("cladding", self.colour(0.15, 0.6, 0.5), across=False),
            lambda: surfaces.tiles(
                self.earthy(0.3, 0.6), self.earthy(0.3, 0.6), dark, size_m=(1.2, 0.6), gloss=0.2
            ),
        )
        return of_kind(made, Kind.WALL)

    def inner_wall(self) -> Material:
        """Walls of rooms: paint, paper, brick, boards."""
        pale = self.colour(0.45, 0.9, 0.3)
        made = self.pick(
            lambda: mat.plaster("paint", pale, grime=0.08),
            lambda: mat.plaster("paint", self.colour(0.15, 0.7, 0.6), grime=0.08),
            lambda: surfaces.cloth(
                pale,
                mat.darker(pale, 0.75),
                per_m=float(self.rng.uniform(5, 20)),
                motif=str(self.rng.choice(["stripes", "spots", "bands"])),
            ),
            lambda: mat.brickwork("brick", self.earthy(0.3, 0.6), self.earthy(0.3, 0.6)),
            lambda: mat.planks("panel", self.earthy(0.2, 0.5), width_m=0.2, across=True),
        )
        return of_kind(made, Kind.WALL)

    def floor(self) -> Material:
        """Floors of rooms."""
        u = self.rng.uniform
        gloss = float(u(0, 1)) ** 2
        tile = float(u(0.2, 0.8))
        made = self.pick(
            lambda: mat.planks("boards", self.earthy(0.12, 0.45), width_m=float(u(0.08, 0.2))),
            lambda: surfaces.tiles(
                self.earthy(), self.earthy(), self.earthy(), size_m=(tile, tile), gloss=gloss
            ),
            lambda: surfaces.checks(
                self.colour(0.4, 0.8, 0.2),
                self.colour(0.03, 0.3, 0.4),
                per_m=float(u(1, 4)),
                gloss=gloss,
            ),
            lambda: surfaces.cloth(
                self.colour(0.1, 0.5),
                self.colour(0.1, 0.6),
                per_m=float(u(3, 12)),
                motif="bands",
            ),
            lambda: surfaces.soil(
                self.earthy(0.2, 0.4), self.earthy(0.25, 0.5), coarse=1.0, fine=40, bump_m=0.002
            ),
        )
        return of_kind(made, Kind.GROUND)

    def ceiling(self) -> Material:
        """White plaster, boards or concrete."""
        made = self.pick(
            lambda: mat.plaster("ceiling", self.earthy(0.6, 0.85), grime=0.1),
            lambda: mat.planks("boards", self.earthy(0.2, 0.6)),
            lambda: surfaces.tiles(
                (0.7, 0.7, 0.68),
                (0.65, 0.65, 0.64),
                (0.3, 0.3, 0.3),
                size_m=(0.6, 0.6),
                gloss=0.0,
            ),
        )
        return of_kind(made, Kind.ROOF)

    def thing(self) -> Material:
        """Whatever objects are made of."""
        return self.pick(
            self.wood,
            lambda: mat.metal(
                "metal", self.colour(0.05, 0.6), rust=float(self.rng.uniform(0, 0.4))
            ),
            lambda: surfaces.cloth(
                self.colour(),
                self.colour(),
                per_m=float(self.rng.uniform(8, 40)),
                motif="stripes",
            ),
            lambda: mat.plaster("ceramic", self.colour(0.2, 0.8), grime=0.1),
            lambda: mat.stone("stone", self.earthy()),
        )

    def wood(self) -> Material:
        """Timber, varnished or painted."""
        upright = bool(self.rng.random() < 0.5)
        tone = self.earthy(0.15, 0.45) if self.rng.random() < 0.7 else self.colour(0.1, 0.7)
        rough = float(self.rng.uniform(0.25, 0.8))
        return mat.wood("wood", tone, grain=mat.Grain(upright=upright), roughness=rough)

    def metal(self) -> Material:
        """Painted iron or steel."""
        return mat.metal(
            "metal", self.colour(0.02, 0.4, 0.4), rust=float(self.rng.uniform(0, 0.5))
        )

    def textile(self) -> Material:
        """Clothes, cushions, curtains."""
        motif = str(self.rng.choice(["stripes", "spots", "bands"]))
        return surfaces.cloth(
            self.colour(0.03, 0.7, 0.8),
            self.colour(0.03, 0.7, 0.8),
            per_m=float(self.rng.uniform(6, 60)),
            motif=motif,
        )

    def leaf(self) -> Material:
        """Green, or what autumn makes of it."""
        u = self.rng.uniform
        green = (float(u(0.05, 0.2)), float(u(0.12, 0.26)), float(u(0.02, 0.08)))
        autumn = (float(u(0.25, 0.5)), float(u(0.1, 0.28)), 0.03)
        return of_kind(mat.leaf("leaf", green if u() < 0.8 else autumn), Kind.PLANT)

    def petal(self) -> Material:
        """Flowers."""
        return of_kind(mat.leaf("petal", self.colour(0.4, 0.85, 1.0)), Kind.PLANT)

    def bark(self) -> Material:
        """Trunks and branches."""
        grain = mat.Grain(upright=True)
        made = mat.wood("bark", self.earthy(0.08, 0.3), grain=grain, roughness=0.95)
        return of_kind(made, Kind.PLANT)

    def glow(self, strength: float = 6.0) -> Material:
        """Lamps and lit windows."""
        return mat.glow("glow", (1.0, float(self.rng.uniform(0.55, 0.95)), 0.45), strength)

    def house(self, wall: Material | None = None) -> HouseMaterials:
        """One house's paint."""
        roof = mat.clay(
            "roof", self.earthy(0.08, 0.3) if self.rng.random() < 0.5 else (0.4, 0.14, 0.07)
        )
        paint = mat.wood(
            "paint", self.colour(0.04, 0.6, 0.8), grain=mat.Grain(upright=True, contrast=0.7)
        )
        trim = mat.stone("trim", self.earthy(0.3, 0.75))
        for material in (paint, trim):
            of_kind(material, Kind.WALL)
        panes = of_kind(mat.glass("panes"), Kind.WALL)
        lit = of_kind(self.glow(5.0 if self.is_night else 1.2), Kind.WALL)
        return HouseMaterials(
            wall=wall or self.wall(),
            trim=trim,
            frame=of_kind(mat.metal("frame", self.colour(0.05, 0.7, 0.2), rust=0.0), Kind.WALL),
            shutter=paint,
            door=paint,
            glass=lit if self.is_night and self.rng.random() < 0.5 else panes,
            lit=lit,
            roof=of_kind(roof, Kind.ROOF),
            chimney=of_kind(
                mat.brickwork("chimney", (0.3, 0.1, 0.06), (0.2, 0.07, 0.05)), Kind.ROOF
            ),
            awning=mat.cloth("awning", self.colour(0.3, 0.75, 0.6)),
            leaf=self.leaf(),
            petal=self.petal(),
        )

    def street(self) -> StreetMaterials:
        """Street furniture."""
        return StreetMaterials(
            iron=self.metal(),
            flame=self.glow(12.0 if self.is_night else 1.5),
            lamp_glass=mat.glass("lamp"),
            wood=self.wood(),
            clay=mat.clay("clay", self.earthy(0.2, 0.45)),
            leaf=self.leaf(),
            petal=self.petal(),
            canvas=self.textile(),
            steel=mat.metal("steel", (0.4, 0.4, 0.42), roughness=0.35, rust=0.0),
        )

    def cargo(self) -> CargoMaterials:
        """Barrels, crates, baskets, ropes."""
        return CargoMaterials(
            oak=self.wood(),
            pine=self.wood(),
            iron=self.metal(),
            rope=mat.rope("rope", self.earthy(0.2, 0.5)),
            wicker=mat.wicker("wicker", self.earthy(0.25, 0.5)),
            fruit=mat.plaster("fruit", self.colour(0.4, 0.7, 1.0), grime=0.1),
            net=mat.cloth("net", self.colour(0.05, 0.3)),
            lid=self.wood(),
        )

    def boat(self) -> BoatMaterials:
        """One boat's paint and gear."""
        return BoatMaterials(
            topside=mat.plaster("topside", self.colour(0.1, 0.8, 0.8), grime=0.25),
            bottom=mat.plaster("bottom", self.colour(0.05, 0.4, 0.8), grime=0.4),
            rail=self.wood(),
            deck=mat.planks("deck", self.earthy(0.2, 0.5), across=True),
            house=mat.plaster("cabin", self.colour(0.3, 0.8, 0.3), grime=0.2),
            glass=mat.glass("panes"),
            mast=self.wood(),
            sail=mat.cloth("sail", self.colour(0.2, 0.7, 0.5)),
            rope=mat.rope("stay", (0.1, 0.1, 0.1)),
            rubber=mat.metal("fender", self.colour(0.03, 0.5), rust=0.0),
        )
