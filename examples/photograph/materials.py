"""What things are made of: stone, plaster, wood, metal, water, leaves."""

from __future__ import annotations

import math
from dataclasses import dataclass

from photograph.nodes import Colour, Material, Surface


def darker(colour: Colour, factor: float) -> Colour:
    """A colour with its light scaled."""
    return (colour[0] * factor, colour[1] * factor, colour[2] * factor)


def stone(name: str, colour: Colour, *, roughness: float = 0.75) -> Material:
    """Granite: speckled at millimetres, stained at metres, rough to the touch."""
    s = Surface(name, roughness=roughness, specular=0.35)
    speckle = s.ramp(
        s.noise(s.position, 190.0, detail=2.0),
        [(0.3, darker(colour, 0.55)), (0.5, colour), (0.72, darker(colour, 1.5))],
    )
    wet = s.ramp(s.noise(s.position, 0.7, detail=4.0), [(0.42, 0.45), (0.6, 0.85)])
    s.feed({"Roughness": wet})
    rough = s.math(
        "ADD", s.noise(s.position, 26.0, detail=5.0), s.noise(s.position, 5.0, detail=3.0)
    )
    s.relief(rough, 0.55, 0.012)
    return s.painted(speckle, 0.35)


def quay_wall(name: str) -> Material:
    """Coursed blocks, green and dark towards the water line at z = -1.1."""
    s = Surface(name, roughness=0.7, specular=0.4)
    uv = s.jittered(s.uv, 5.0, 0.02)
    brick = s.node(
        "TexBrick",
        {
            "Vector": uv,
            "Scale": 1.0,
            "Color1": (0.34, 0.30, 0.25),
            "Color2": (0.22, 0.20, 0.17),
            "Mortar": (0.09, 0.08, 0.07),
            "Mortar Size": 0.014,
            "Brick Width": 0.85,
            "Row Height": 0.36,
        },
    )
    height = s.node("SeparateXYZ", {0: s.position}).outputs[2]
    ragged = s.math(
        "ADD", height, s.math("MULTIPLY", s.noise(s.position, 2.5, detail=5.0), 0.5)
    )
    algae = s.ramp(s.math("ADD", ragged, 1.2), [(0.05, 1.0), (0.75, 0.0)])
    colour = s.mix(brick.outputs[0], (0.035, 0.05, 0.02), algae)
    s.relief(
        s.math(
            "SUBTRACT", s.math("MULTIPLY", s.noise(s.position, 12.0), 0.6), brick.outputs[1]
        ),
        0.8,
        0.03,
    )
    return s.painted(colour, 0.5)


def plaster(name: str, colour: Colour, *, grime: float = 0.45) -> Material:
    """Limewash with rain streaks and hairline relief."""
    s = Surface(name, roughness=0.9, specular=0.15)
    clouds = s.ramp(
        s.noise(s.position, 2.2, detail=5.0, roughness=0.7),
        [(0.25, darker(colour, 0.68)), (0.7, colour)],
    )
    tall = s.mapped(s.position, (3.0, 3.0, 0.22))
    streaks = s.ramp(s.noise(tall, 1.0, detail=4.0), [(0.35, 0.7), (0.6, 1.0)])
    s.relief(s.noise(s.position, 26.0, detail=4.0), 0.4, 0.012)
    return s.painted(s.times(clouds, streaks, 0.7), grime)


def brickwork(name: str, first: Colour, second: Colour) -> Material:
    """Old bricks in running bond with pale, uneven joints."""
    s = Surface(name, roughness=0.88, specular=0.2)
    inputs = {
        "Vector": s.jittered(s.uv, 6.0, 0.01),
        "Scale": 1.0,
        "Mortar Size": 0.011,
        "Mortar Smooth": 0.3,
        "Brick Width": 0.25,
        "Row Height": 0.08,
        "Color1": first,
        "Color2": second,
        "Mortar": (0.42, 0.39, 0.34),
    }
    brick = s.node("TexBrick", inputs)
    s.relief(
        s.math(
            "SUBTRACT", s.math("MULTIPLY", s.noise(s.position, 40.0), 0.3), brick.outputs[1]
        ),
        0.7,
        0.012,
    )
    return s.painted(brick.outputs[0], 0.5)


@dataclass(frozen=True, slots=True)
class Grain:
    """How wood grain runs: stretched along u, or along v when `upright`."""

    upright: bool = False
    contrast: float = 0.4

    @property
    def scale(self) -> tuple[float, float, float]:
        """Noise cells per metre along u, v and w."""
        return (30.0, 1.6, 1.0) if self.upright else (1.6, 30.0, 1.0)


def wood(
    name: str, colour: Colour, *, grain: Grain | None = None, roughness: float = 0.6
) -> Material:
    """Sawn or painted timber with grain and worn patches."""
    grain = grain or Grain()
    s = Surface(name, roughness=roughness, specular=0.3)
    lines = s.noise(
        s.mapped(s.uv, grain.scale), 2.2, detail=5.0, roughness=0.65, distortion=0.7
    )
    colours = s.ramp(lines, [(0.28, darker(colour, grain.contrast)), (0.66, colour)])
    s.relief(lines, 0.35, 0.01)
    return s.painted(colours, 0.4)


def planks(
    name: str, colour: Colour, *, width_m: float = 0.15, across: bool = False
) -> Material:
    """Boards side by side with dark gaps, grey where feet and rain go."""
    s = Surface(name, roughness=0.6, specular=0.3)
    uv = s.mapped(s.uv, (1.0, 1.0, 1.0), math.pi / 2 if across else 0.0)
    inputs = {
        "Vector": uv,
        "Scale": 1.0,
        "Color1": colour,
        "Color2": darker(colour, 0.6),
        "Mortar": (0.015, 0.012, 0.01),
        "Mortar Size": 0.006,
        "Brick Width": 2.6,
        "Row Height": width_m,
    }
    boards = s.node("TexBrick", inputs)
    grain = s.noise(s.mapped(uv, (1.2, 24.0, 1.0)), 3.0, detail=5.0, distortion=0.6)
    colours = s.times(boards.outputs[0], s.ramp(grain, [(0.3, 0.5), (0.62, 1.15)]), 0.9)
    s.relief(s.math("SUBTRACT", s.math("MULTIPLY", grain, 0.4), boards.outputs[1]), 0.6, 0.01)
    return s.painted(colours, 0.4)


def clay(name: str, colour: Colour) -> Material:
    """Roof tiles and pots: matt, each tile's own colour comes from the mesh."""
    s = Surface(name, roughness=0.85, specular=0.2)
    s.relief(s.noise(s.position, 30.0, detail=4.0), 0.4, 0.01)
    lichen = s.ramp(s.noise(s.position, 3.5, detail=5.0), [(0.55, 0.0), (0.72, 0.55)])
    return s.painted(s.mix(colour, (0.30, 0.29, 0.20), lichen), 0.45)


def metal(name: str, colour: Colour, *, roughness: float = 0.5, rust: float = 0.3) -> Material:
    """Painted iron with rust breaking through."""
    s = Surface(name, roughness=roughness, specular=0.5)
    spots = s.ramp(s.noise(s.position, 9.0, detail=5.0), [(0.52, 0.0), (0.66, rust)])
    s.relief(s.noise(s.position, 45.0, detail=3.0), 0.3, 0.006)
    return s.painted(s.mix(colour, (0.16, 0.06, 0.025), spots), 0.3)


def rope(name: str, colour: Colour) -> Material:
    """Laid rope: strands run round the tube at an angle."""
    s = Surface(name, roughness=0.95, specular=0.1)
    slanted = s.mapped(s.uv, (1.0, 1.0, 1.0), math.radians(38))
    strands = s.node("TexWave", {"Vector": slanted, "Scale": 11.0, "Distortion": 0.4}).outputs[
        1
    ]
    s.relief(strands, 1.0, 0.012)
    return s.painted(s.times(colour, s.ramp(strands, [(0.1, 0.35), (0.6, 1.0)])), 0.3)


def wicker(name: str, colour: Colour) -> Material:
    """Woven willow: rods over and under, row by row."""
    s = Surface(name, roughness=0.7, specular=0.25)
    inputs = {
        "Vector": s.uv,
        "Scale": 1.0,
        "Color1": colour,
        "Color2": darker(colour, 0.65),
        "Mortar": darker(colour, 0.12),
        "Mortar Size": 0.003,
        "Mortar Smooth": 1.0,
        "Brick Width": 0.055,
        "Row Height": 0.02,
    }
    weave = s.node("TexBrick", inputs)
    s.relief(s.math("SUBTRACT", 1.0, weave.outputs[1]), 1.0, 0.02)
    return s.painted(weave.outputs[0], 0.35)


def cloth(name: str, colour: Colour) -> Material:
    """Canvas, net and sacking: woven at millimetres."""
    s = Surface(name, roughness=0.95, specular=0.1)
    weave = s.node("TexWave", {"Vector": s.uv, "Scale": 60.0, "Distortion": 2.0}).outputs[1]
    folds = s.noise(s.position, 4.0, detail=3.0)
    s.relief(s.math("ADD", s.math("MULTIPLY", weave, 0.2), folds), 0.5, 0.02)
    return s.painted(s.times(colour, s.ramp(weave, [(0.0, 0.8), (1.0, 1.05)])), 0.3)


def glass(name: str) -> Material:
    """Old window panes: dark inside, wavy reflections."""
    s = Surface(name, roughness=0.07, specular=0.9)
    s.relief(s.noise(s.position, 0.9, detail=1.0), 0.14, 0.05)
    s.feed({"Base Color": s.times((0.03, 0.04, 0.05), s.tint)})
    return s.material


def glow(name: str, colour: Colour, strength: float) -> Material:
    """A surface that shines by itself."""
    s = Surface(name)
    s.feed({"Base Color": colour, "Emission Color": colour, "Emission Strength": strength})
    return s.material


def water(name: str) -> Material:
    """Harbour water: deep green, long ripples under short ones."""
    s = Surface(name, roughness=0.04, specular=0.6)
    long = s.noise(s.mapped(s.position, (0.7, 0.45, 1.0)), 1.1, detail=3.0, distortion=0.6)
    short = s.noise(s.mapped(s.position, (1.0, 0.6, 1.0)), 6.0, detail=3.0)
    s.relief(s.math("ADD", long, s.math("MULTIPLY", short, 0.16)), 0.42, 0.22)
    depth = s.ramp(
        s.noise(s.position, 0.12), [(0.3, (0.010, 0.035, 0.040)), (0.7, (0.022, 0.062, 0.062))]
    )
    s.feed({"Base Color": depth})
    return s.material


def leaf(name: str, colour: Colour) -> Material:
    """Leaves and petals: light comes through them."""
    s = Surface(name, roughness=0.6, specular=0.25)
    tinted = s.times(colour, s.tint)
    s.feed({"Base Color": tinted})
    through = s.node("BsdfTranslucent", {"Color": tinted}).outputs[0]
    both = s.node("MixShader", {0: 0.32, 1: s.bsdf.outputs[0], 2: through}).outputs[0]
    s.connect(s.tree.nodes["Material Output"].inputs[0], both)
    return s.material


def turf(name: str, dry: Colour, green: Colour) -> Material:
    """Hillside: grass, heath and bare patches."""
    s = Surface(name, roughness=0.95, specular=0.05)
    patches = s.noise(s.position, 0.03, detail=6.0, roughness=0.65)
    colour = s.ramp(patches, [(0.35, darker(green, 0.55)), (0.5, green), (0.65, dry)])
    fine = s.ramp(s.noise(s.position, 0.6, detail=4.0), [(0.3, 0.6), (0.7, 1.15)])
    return s.painted(s.times(colour, fine), 0.3)
