"""Sun, sky, fog, snow, wet ground and night over a scene that is already built."""

from __future__ import annotations

from dataclasses import replace

import bpy
import numpy as np
from photograph.daylight import Daylight, add_haze, shine
from photograph.nodes import Colour, NodeTree

from training.blender.plan import Light, ScenePlan, Weather
from training.blender.shards import Kind

SUN = {
    Weather.CLEAR: 6.0,
    Weather.CLOUDY: 4.0,
    Weather.OVERCAST: 0.15,
    Weather.GOLDEN: 5.0,
    Weather.HAZE: 2.5,
    Weather.FOG: 0.2,
    Weather.SNOW: 2.5,
    Weather.WET: 0.4,
    Weather.NIGHT: 0.02,
}


def blend(a: Colour, b: Colour, share: float) -> Colour:
    """Between two colours."""
    mixed = (1 - share) * np.array(a) + share * np.array(b)
    return (float(mixed[0]), float(mixed[1]), float(mixed[2]))


def daylight(weather: Weather, light: Light, rng: np.random.Generator) -> Daylight:
    """What sun and sky look like."""
    warm = light.warmth
    zenith = blend((0.08, 0.22, 0.62), (0.12, 0.15, 0.42), warm)
    horizon = blend((0.62, 0.74, 0.88), (0.95, 0.62, 0.36), warm)
    grey = float(rng.uniform(0.55, 0.85))
    day = Daylight(
        elevation_deg=light.elevation_deg,
        azimuth_deg=light.azimuth_deg,
        sun_colour=blend((1.0, 0.95, 0.88), (1.0, 0.58, 0.28), warm),
        sun_strength=SUN[weather] * float(rng.uniform(0.6, 1.4)),
        zenith=zenith,
        horizon=horizon,
        cloud=blend((1.2, 1.18, 1.15), (1.5, 1.0, 0.7), warm),
        cloud_shade=(0.5 * grey, 0.52 * grey, 0.6 * grey),
        cover=light.cover,
        seed=float(rng.uniform(0, 60)),
        sky_strength=float(rng.uniform(0.6, 1.1)),
        sky_brilliance=float(rng.uniform(0.0, 0.6)),
        haze=blend(horizon, (0.7, 0.75, 0.82), 0.4),
        haze_m=light.haze_m,
    )
    pale = (grey, grey, grey * 1.04)
    if weather in (Weather.OVERCAST, Weather.WET, Weather.FOG):
        top = blend(pale, (0.4, 0.43, 0.5), float(rng.uniform(0, 0.8)))
        cover = 0.0 if weather is Weather.FOG else light.cover
        day = replace(day, zenith=top, horizon=pale, haze=pale, cover=cover, cloud=pale)
    if weather is Weather.FOG:
        day = replace(day, zenith=pale, sky_strength=1.0, sky_brilliance=0.0)
    if weather is Weather.NIGHT:
        dark = blend((0.08, 0.11, 0.25), (0.35, 0.4, 0.7), float(rng.random()))
        cloud = blend(dark, (0.5, 0.42, 0.4), float(rng.uniform(0.1, 0.6)))
        day = replace(
            day, zenith=dark, horizon=blend(dark, (0.7, 0.5, 0.45), 0.3), haze=dark,
            cloud=cloud, cloud_shade=dark, sky_brilliance=0.0,
            sky_strength=float(np.exp(rng.uniform(np.log(0.008), np.log(0.05)))),
        )  # fmt: skip
    return day


def let_weather_in(plan: ScenePlan, rng: np.random.Generator) -> None:
    """Light the scene, then let snow, rain and air act on every material."""
    day = daylight(plan.weather, plan.light, rng)
    shine(day)
    sun = bpy.data.objects["sun"].data
    sun.angle = float(np.radians(rng.uniform(0.5, 3.0)))
    if plan.weather is Weather.SNOW:
        _snow(float(rng.uniform(0.35, 0.75)))
    if plan.weather is Weather.WET:
        _wet(float(rng.uniform(0.42, 0.6)))
    add_haze(day)
    for material in bpy.data.materials:
        material.cycles.emission_sampling = "NONE"  # air and lamps' glass are not light sources


def _surfaces() -> list[tuple[bpy.types.Material, NodeTree, bpy.types.Node]]:
    """Materials with a principled surface, as trees to extend."""
    found = []
    for material in bpy.data.materials:
        tree = NodeTree(material.node_tree)
        for node in tree.tree.nodes:
            if node.type == "BSDF_PRINCIPLED":
                found.append((material, tree, node))
    return found


def _snow(steepest: float) -> None:
    """White on what faces up; `steepest` is the normal's height where it begins to hold."""
    for material, n, bsdf in _surfaces():
        if material.get("kind") == Kind.WATER:
            continue
        geometry = n.node("NewGeometry")
        up = n.node("SeparateXYZ", {0: geometry.outputs["True Normal"]}).outputs[2]
        ragged = n.math("MULTIPLY", n.noise(geometry.outputs["Position"], 3.0), 0.3)
        lies = n.ramp(n.math("ADD", up, ragged), [(steepest, 0.0), (steepest + 0.2, 1.0)])
        colour = bsdf.inputs["Base Color"]
        under = colour.links[0].from_socket if colour.links else tuple(colour.default_value)[:3]
        n.connect(colour, n.mix(under, (0.82, 0.85, 0.9), lies))


def _wet(edge: float) -> None:
    """Dark, shiny patches on what faces up."""
    for _, n, bsdf in _surfaces():
        geometry = n.node("NewGeometry")
        up = n.node("SeparateXYZ", {0: geometry.outputs["True Normal"]}).outputs[2]
        pools = n.ramp(
            n.noise(geometry.outputs["Position"], 0.5, detail=4.0),
            [(edge - 0.1, 1.0), (edge, 0.0)],
        )
        lies = n.math("MULTIPLY", n.ramp(up, [(0.9, 0.25), (0.98, 1.0)]), pools)
        rough = bsdf.inputs["Roughness"]
        dry = rough.links[0].from_socket if rough.links else rough.default_value
        n.connect(rough, n.math("MULTIPLY", dry, n.math("MULTIPLY_ADD", lies, -0.85, 1.0)))
        colour = bsdf.inputs["Base Color"]
        under = colour.links[0].from_socket if colour.links else tuple(colour.default_value)[:3]
        n.connect(colour, n.times(under, n.ramp(lies, [(0.0, 1.0), (1.0, 0.45)])))


def lamp(place: tuple[float, float, float], watts: float, colour: Colour) -> None:
    """A small round lamp."""
    data = bpy.data.lights.new("lamp", "POINT")
    data.energy, data.color, data.shadow_soft_size = watts, colour, 0.12
    hung = bpy.data.objects.new("lamp", data)
    hung.location = place
    bpy.context.scene.collection.objects.link(hung)


def panel(
    place: tuple[float, float, float],
    size_m: tuple[float, float],
    watts: float,
    turn_rad: tuple[float, float, float],
    colour: Colour,
) -> None:
    """A rectangle of light that the camera does not see; unturned it shines down."""
    data = bpy.data.lights.new("panel", "AREA")
    data.shape, data.size, data.size_y = "RECTANGLE", *size_m
    data.energy, data.color = watts, colour
    hung = bpy.data.objects.new("panel", data)
    hung.location, hung.rotation_euler = place, turn_rad
    hung.visible_camera = False
    bpy.context.scene.collection.objects.link(hung)
