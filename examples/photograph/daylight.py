"""Sun, sky, clouds and the haze that lies between here and far away."""

from __future__ import annotations

import math
from dataclasses import dataclass

import bpy

from photograph.nodes import Colour, NodeTree, Socket


@dataclass(frozen=True, slots=True, kw_only=True)
class Daylight:
    """An evening: where the sun stands and what colours it makes."""

    elevation_deg: float
    azimuth_deg: float
    """From straight ahead (+y) towards the right (+x)."""
    sun_colour: Colour = (1.0, 0.74, 0.48)
    sun_strength: float = 8.5
    zenith: Colour = (0.02, 0.16, 0.66)
    horizon: Colour = (0.84, 0.76, 0.66)
    cloud: Colour = (1.5, 1.22, 0.98)
    cloud_shade: Colour = (0.5, 0.5, 0.6)
    cover: float = 0.5
    seed: float = 0.0
    sky_strength: float = 0.62
    sky_brilliance: float = 0.6
    """What the camera sees of the sky beyond the light it sheds: a photographer's licence."""
    haze: Colour = (0.62, 0.66, 0.72)
    haze_m: float = 900.0

    @property
    def sun_direction(self) -> tuple[float, float, float]:
        """Unit vector from the scene towards the sun."""
        up, round_ = math.radians(self.elevation_deg), math.radians(self.azimuth_deg)
        flat = math.cos(up)
        return (flat * math.sin(round_), flat * math.cos(round_), math.sin(up))


def shine(light: Daylight) -> None:
    """Hang up the sun and paint the sky."""
    lamp = bpy.data.lights.new("sun", "SUN")
    lamp.energy, lamp.color, lamp.angle = (
        light.sun_strength,
        light.sun_colour,
        math.radians(0.9),
    )
    sun = bpy.data.objects.new("sun", lamp)
    turn = math.radians(180 - light.azimuth_deg)
    sun.rotation_euler = (math.radians(90 - light.elevation_deg), 0, turn)
    bpy.context.scene.collection.objects.link(sun)
    paint_sky(light)


def paint_sky(light: Daylight) -> None:
    """A gradient, a glow round the sun, and a layer of clouds lit from the sun's side."""
    world = bpy.data.worlds.new("sky")
    bpy.context.scene.world = world
    world.use_nodes = True
    world.node_tree.nodes.clear()
    n = NodeTree(world.node_tree)
    direction = n.node("TexCoord").outputs["Generated"]
    split = n.node("SeparateXYZ", {0: direction})
    height = n.math("MAXIMUM", split.outputs[2], 0.0)
    colour = n.mix(light.horizon, light.zenith, n.math("POWER", height, 0.36))
    toward = n.node(
        "VectorMath", {0: direction, 1: light.sun_direction}, operation="DOT_PRODUCT"
    )
    glow = n.math("POWER", n.math("MAXIMUM", toward.outputs["Value"], 0.0), 7.0)
    colour = n.mix(colour, (1.0, 0.72, 0.42), n.math("MULTIPLY", glow, 0.8))
    density = cloud_density(n, split, height, light, 0.0)
    shaded = cloud_density(n, split, height, light, 0.16)
    lit = n.math("SUBTRACT", n.math("ADD", 0.72, density), n.math("MULTIPLY", shaded, 1.25))
    cloud = n.mix(light.cloud_shade, light.cloud, n.ramp(lit, [(0.15, 0.0), (0.75, 1.0)]))
    fade = n.ramp(height, [(0.0, 0.0), (0.07, 1.0)])
    colour = n.mix(colour, cloud, n.math("MULTIPLY", n.math("MULTIPLY", density, 0.95), fade))
    seen = n.node("LightPath").outputs["Is Camera Ray"]
    strength = n.math("MULTIPLY_ADD", seen, light.sky_brilliance, light.sky_strength)
    background = n.node("Background", {0: colour, 1: strength}).outputs[0]
    out = n.node("OutputWorld")
    n.connect(out.inputs[0], background)


def cloud_density(
    n: NodeTree, split: bpy.types.Node, height: Socket, light: Daylight, ahead: float
) -> Socket:
    """Cloud cover on a layer overhead, looked up `ahead` towards the sun."""
    spread = n.math("ADD", height, 0.16)
    flat = []
    for axis in (0, 1):
        place = n.math("DIVIDE", split.outputs[axis], spread)
        flat.append(n.math("ADD", place, ahead * light.sun_direction[axis]))
    where = n.node("CombineXYZ", {0: flat[0], 1: flat[1], 2: light.seed}).outputs[0]
    billows = n.noise(where, 0.95, detail=8.0, roughness=0.56, distortion=0.25)
    return n.ramp(billows, [(0.60 - 0.2 * light.cover, 0.0), (0.70 - 0.14 * light.cover, 1.0)])


def add_haze(light: Daylight) -> None:
    """Let every material fade into the air with the distance from the camera."""
    for material in bpy.data.materials:
        n = NodeTree(material.node_tree)
        out = next(node for node in n.tree.nodes if node.type == "OUTPUT_MATERIAL")
        surface = out.inputs[0].links[0].from_socket
        distance = n.node("CameraData").outputs["View Distance"]
        clear = n.math("EXPONENT", n.math("MULTIPLY", distance, -1.0 / light.haze_m))
        air = n.node("Emission", {0: light.haze, 1: light.sky_strength * 0.9}).outputs[0]
        seen = n.math("SUBTRACT", 1.0, clear)
        camera_only = n.math("MULTIPLY", seen, n.node("LightPath").outputs["Is Camera Ray"])
        hazy = n.node("MixShader", {0: camera_only, 1: surface, 2: air}).outputs[0]
        n.connect(out.inputs[0], hazy)
