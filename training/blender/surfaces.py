"""More of what things are made of than the example photograph needs: paving, cloth, soil."""

from __future__ import annotations

from photograph.materials import darker
from photograph.nodes import Colour, Material, Surface, Value

from training.blender.shards import Kind


def of_kind(material: Material, kind: Kind) -> Material:
    """The same material, marked for the buffers."""
    material["kind"] = int(kind)
    return material


def cells(
    first: Colour, second: Colour, joint: Colour, *, per_m: float, on_uv: bool
) -> Material:
    """Cobbles, gravel, rubble: rounded cells with colours of their own and joints between."""
    s = Surface("cells", roughness=0.8)
    where = s.jittered(s.uv if on_uv else s.position, per_m * 0.7, 0.06)
    inputs: dict[str | int, Value] = {"Vector": where, "Scale": per_m, "Randomness": 0.85}
    own = s.node("TexVoronoi", inputs).outputs[1]
    edge = s.node("TexVoronoi", inputs, feature="DISTANCE_TO_EDGE").outputs[0]
    share = s.node("SeparateColor", {0: own}).outputs[0]
    colour = s.mix(joint, s.mix(first, second, share), s.ramp(edge, [(0.02, 0.0), (0.07, 1.0)]))
    s.relief(s.ramp(edge, [(0.0, 0.0), (0.2, 1.0)]), 0.9, 0.2 / per_m)
    return s.painted(colour, 0.45)


def tiles(
    first: Colour, second: Colour, joint: Colour, *, size_m: tuple[float, float], gloss: float
) -> Material:
    """Slabs, floor tiles or parquet in rows."""
    s = Surface("tiles", roughness=0.75 - 0.65 * gloss, specular=0.25 + 0.35 * gloss)
    inputs: dict[str | int, Value] = {
        "Vector": s.uv,
        "Scale": 1.0,
        "Color1": first,
        "Color2": second,
        "Mortar": joint,
        "Mortar Size": min(size_m) * 0.02,
        "Mortar Smooth": 0.2,
        "Brick Width": size_m[0],
        "Row Height": size_m[1],
    }
    brick = s.node("TexBrick", inputs)
    veins = s.ramp(s.noise(s.uv, 3.0, detail=4.0, distortion=1.5), [(0.3, 0.75), (0.7, 1.1)])
    s.relief(s.math("SUBTRACT", 1.0, brick.outputs[1]), 0.5, 0.006)
    return s.painted(s.times(brick.outputs[0], veins), 0.3)


def checks(first: Colour, second: Colour, *, per_m: float, gloss: float) -> Material:
    """A chequered floor or cloth."""
    s = Surface("checks", roughness=0.8 - 0.65 * gloss, specular=0.3)
    inputs: dict[str | int, Value] = {
        "Vector": s.uv,
        "Scale": per_m,
        "Color1": first,
        "Color2": second,
    }
    return s.painted(s.node("TexChecker", inputs).outputs[0], 0.3)


def cloth(first: Colour, second: Colour, *, per_m: float, motif: str) -> Material:
    """Carpet, curtain, wallpaper: stripes, spots or warped bands."""
    s = Surface("cloth", roughness=0.95, specular=0.1)
    if motif == "stripes":
        wave: dict[str | int, Value] = {"Vector": s.uv, "Scale": per_m * 0.3, "Distortion": 0.2}
        share = s.node("TexWave", wave).outputs[1]
    elif motif == "spots":
        spot: dict[str | int, Value] = {"Vector": s.uv, "Scale": per_m, "Randomness": 0.3}
        share = s.ramp(s.node("TexVoronoi", spot).outputs[0], [(0.25, 1.0), (0.3, 0.0)])
    else:
        share = s.ramp(s.noise(s.uv, per_m * 0.6, distortion=2.0), [(0.4, 0.0), (0.6, 1.0)])
    s.relief(s.noise(s.uv, 150.0, detail=1.0), 0.3, 0.004)
    return s.painted(s.mix(first, second, share), 0.25)


def soil(low: Colour, high: Colour, *, coarse: float, fine: float, bump_m: float) -> Material:
    """Grass, sand, asphalt, snow, earth: two colours by noise at two scales."""
    s = Surface("soil", roughness=0.93, specular=0.1)
    big = s.noise(s.position, coarse, detail=5.0, roughness=0.65)
    small = s.noise(s.position, fine, detail=4.0, roughness=0.7)
    both = s.math("ADD", s.math("MULTIPLY", big, 0.6), s.math("MULTIPLY", small, 0.4))
    colour = s.ramp(both, [(0.33, darker(low, 0.75)), (0.48, low), (0.64, high)])
    s.relief(small, 0.8, bump_m)
    return s.painted(colour, 0.2)


def rock(
    pale: Colour, dark: Colour, grass: Colour, *, size_m: float, snow_line_m: float
) -> Material:
    """Mountain side: strata on the steep, grass on the flat, snow above a ragged line."""
    s = Surface("rock", roughness=0.95, specular=0.08)
    where = s.mapped(s.position, (1.0, 1.0, 2.5))
    layers = s.noise(where, 2.0 / size_m, detail=7.0, roughness=0.7, distortion=0.6)
    stone = s.ramp(layers, [(0.3, dark), (0.6, pale)])
    up = s.node("SeparateXYZ", {0: s.node("NewGeometry").outputs["True Normal"]}).outputs[2]
    rough = s.math("MULTIPLY", s.noise(s.position, 6.0 / size_m, detail=5.0), 0.35)
    flat = s.ramp(s.math("ADD", up, rough), [(0.82, 0.0), (1.0, 1.0)])
    colour = s.mix(stone, grass, flat)
    height = s.node("SeparateXYZ", {0: s.position}).outputs[2]
    ragged = s.math("DIVIDE", s.math("SUBTRACT", height, snow_line_m), 0.5 * size_m)
    snowy = s.math("ADD", s.math("ADD", ragged, up), s.math("MULTIPLY", layers, 1.2))
    colour = s.mix(colour, (0.85, 0.88, 0.93), s.ramp(snowy, [(0.9, 0.0), (1.0, 1.0)]))
    s.relief(layers, 0.7, 0.02 * size_m)
    return s.painted(colour, 0.1)


def water(deep: Colour, *, ripple: float, size_m: float, roughness: float) -> Material:
    """A lake, a river, a puddle: from mirror to choppy."""
    s = Surface("water", roughness=roughness, specular=0.6)
    long = s.noise(
        s.mapped(s.position, (1.0, 0.5, 1.0)), 1.0 / size_m, detail=3.0, distortion=0.5
    )
    short = s.noise(s.position, 6.0 / size_m, detail=3.0)
    s.relief(s.math("ADD", long, s.math("MULTIPLY", short, 0.2)), ripple, 0.2 * size_m)
    patches = s.ramp(s.noise(s.position, 0.1), [(0.3, deep), (0.7, darker(deep, 1.9))])
    s.feed({"Base Color": patches})
    return of_kind(s.material, Kind.WATER)


def picture(seed: int, per_m: float) -> Material:
    """Something printed or painted: a poster, a book's back, a canvas."""
    s = Surface("picture", roughness=0.5)
    k = float(seed % 97)
    bands = s.noise(s.mapped(s.uv, (1.0, 1.0, 1.0)), per_m, detail=4.0, distortion=2.0)
    stops: list[tuple[float, Colour]] = []
    for step in range(5):
        shade = (
            k * (step + 3) * 0.37 % 1.0,
            k * (step + 5) * 0.23 % 1.0,
            k * step * 0.41 % 1.0,
        )
        stops.append((0.3 + 0.1 * step, darker(shade, 0.7)))
    s.feed({"Base Color": s.times(s.ramp(bands, stops), s.tint)})
    return s.material
