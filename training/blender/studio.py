"""Blender's renderer for small pictures: colour with denoising, and exact buffers beside it.

Buffers are one ray through the middle of each pixel, so near and far never blend.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix

from training.blender.pose import Pose
from training.blender.shards import Kind

SAMPLES = 4
"""Paths per pixel; the denoiser does the rest."""
CLIP_M = (0.02, 30_000.0)
SENSOR_MM = 36.0
METER_PX = 48
"""Width of the small picture that sets the exposure."""
BEHIND = 32
"""Added to the kind of a surface seen from behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Buffers:
    """What is where, without light.

    Depth in metres (inf = sky), unit normals in the scene's axes (0 = sky), kinds, and which
    surfaces are seen from behind.
    """

    depth: np.ndarray
    normal: np.ndarray
    kind: np.ndarray
    behind: np.ndarray


def clear() -> None:
    """Throw everything away, as before the first scene."""
    bpy.ops.wm.read_factory_settings(use_empty=True)


def set_up(threads: int, seed: int) -> None:
    """Path tracing on the CPU, made for speed."""
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.render.threads_mode, scene.render.threads = "FIXED", threads
    scene.render.use_persistent_data = True
    scene.render.resolution_percentage = 100
    cycles = scene.cycles
    cycles.device, cycles.seed, cycles.use_adaptive_sampling = "CPU", seed % 10_000, False
    cycles.denoiser, cycles.denoising_input_passes = "OPENIMAGEDENOISE", "RGB_ALBEDO_NORMAL"
    cycles.denoising_prefilter, cycles.denoising_quality = "FAST", "FAST"
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 2, 1, 1
    cycles.transmission_bounces, cycles.transparent_max_bounces = 1, 2
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 3.0
    cycles.pixel_filter_type = "BLACKMAN_HARRIS"
    if scene.world is not None:
        scene.world.cycles.sampling_method = "NONE"  # its importance map takes seconds


def place_camera(pose: Pose, size: tuple[int, int]) -> None:
    """Put the camera there."""
    scene = bpy.context.scene
    if scene.camera is None:
        camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
        scene.collection.objects.link(camera)
        scene.camera = camera
    data = scene.camera.data
    data.sensor_fit, data.sensor_width = "HORIZONTAL", SENSOR_MM
    data.lens = SENSOR_MM / 2 / math.tan(math.radians(pose.fov_x_deg) / 2)
    data.clip_start, data.clip_end = CLIP_M
    matrix = pose.c2scene @ np.diag([1.0, -1.0, -1.0, 1.0])
    scene.camera.matrix_world = Matrix(matrix.tolist())
    scene.render.resolution_x, scene.render.resolution_y = size


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """How light becomes numbers: Blender's tone curve, its look, and stops."""

    curve: str
    look: str
    stops: float


def meter(size: tuple[int, int], look: str, brightness: float, solid: np.ndarray) -> Exposure:
    """The exposure that brings the typical light of what is not sky to `brightness`."""
    scene = bpy.context.scene
    cycles = scene.cycles
    cycles.use_denoising, cycles.samples, cycles.filter_width = False, 2, 1.5
    small = (METER_PX, max(8, round(METER_PX * size[1] / size[0])))
    scene.render.resolution_x, scene.render.resolution_y = small
    light = np.maximum(_render_raw().mean(axis=2), 1e-5)
    rows = (np.arange(small[1]) + 0.5) * size[1] / small[1]
    columns = (np.arange(small[0]) + 0.5) * size[0] / small[0]
    there = solid[rows.astype(int)[:, None], columns.astype(int)]
    light = np.log(light[there] if there.any() else light)
    typical = float(np.exp(0.5 * light.mean() + 0.5 * np.median(light)))
    curve, _, name = look.partition(": ")
    stops = float(np.clip(math.log2(brightness / typical), -6, 7))
    return Exposure(curve=curve, look=name or "None", stops=stops)


def render_colour(size: tuple[int, int], exposure: Exposure) -> np.ndarray:
    """The picture `(H, W, 3)` uint8."""
    scene = bpy.context.scene
    cycles, view = scene.cycles, scene.view_settings
    view.view_transform, view.look = exposure.curve, exposure.look
    view.exposure = exposure.stops
    cycles.use_denoising, cycles.samples, cycles.filter_width = True, SAMPLES, 1.4
    scene.render.resolution_x, scene.render.resolution_y = size
    image = scene.render.image_settings
    image.file_format, image.color_mode, image.color_depth = "PNG", "RGB", "8"
    return np.round(255 * _render_and_load(".png")).astype(np.uint8)


@contextmanager
def unlit() -> Iterator[None]:
    """The scene without light, for buffers; going in and out makes Blender load it anew."""
    scene = bpy.context.scene
    layer, world = scene.view_layers[0], scene.world
    layer.material_override, scene.world = _buffer_material(), _black()
    try:
        yield
    finally:
        layer.material_override, scene.world = None, world


def render_buffers() -> Buffers:
    """Depth, normals and kinds from one ray per pixel; only inside `unlit`."""
    cycles = bpy.context.scene.cycles
    cycles.use_denoising, cycles.samples, cycles.filter_width = False, 1, 0.01
    depth, packed, kind = np.moveaxis(_render_raw(), -1, 0)
    sky = depth <= 0
    whole = np.rint(packed).astype(np.int64)
    normal = np.stack([(whole >> shift & 255) for shift in (0, 8, 16)], -1) / 127.0 - 1.0
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-6)
    normal[sky] = 0
    number = np.rint(kind).astype(np.int64)
    behind = number >= BEHIND
    kinds = np.where(sky, Kind.SKY, np.maximum(number % BEHIND, 1)).astype(np.uint8)
    return Buffers(
        depth=np.where(sky, np.inf, depth), normal=normal, kind=kinds, behind=behind & ~sky
    )


def mark_kinds() -> None:
    """Give every face the kind of its material, for the buffers to read."""
    for mesh in bpy.data.meshes:
        kinds = np.array([m.get("kind", Kind.THING) for m in mesh.materials], np.float32)
        slots = np.zeros(len(mesh.polygons), np.int32)
        mesh.polygons.foreach_get("material_index", slots)
        layer = mesh.attributes.new("kind", "FLOAT", "FACE")
        layer.data.foreach_set("value", kinds[slots])


def _black() -> bpy.types.World:
    world = bpy.data.worlds.get("black")
    if world is None:
        world = bpy.data.worlds.new("black")
        world.use_nodes = True
        world.node_tree.nodes["Background"].inputs[1].default_value = 0.0
    return world


def _buffer_material() -> bpy.types.Material:
    """Shines red with depth, green with the normal in three bytes, blue with the kind."""
    made = bpy.data.materials.get("buffers")
    if made is not None:
        return made
    made = bpy.data.materials.new("buffers")
    made.cycles.emission_sampling = "NONE"  # else each triangle becomes a lamp, in seconds
    made.use_nodes = True
    tree = made.node_tree
    tree.nodes.clear()

    def node(kind: str, **properties: str) -> bpy.types.Node:
        new = tree.nodes.new("ShaderNode" + kind)
        for name, value in properties.items():
            setattr(new, name, value)
        return new

    geometry, kind = node("NewGeometry"), node("Attribute", attribute_name="kind")
    scaled = node("VectorMath", operation="MULTIPLY_ADD")
    scaled.inputs[1].default_value, scaled.inputs[2].default_value = (127.0,) * 3, (127.5,) * 3
    tree.links.new(geometry.outputs["Normal"], scaled.inputs[0])
    floor = node("VectorMath", operation="FLOOR")
    tree.links.new(scaled.outputs[0], floor.inputs[0])
    packed = node("VectorMath", operation="DOT_PRODUCT")
    packed.inputs[1].default_value = (1.0, 256.0, 65536.0)
    tree.links.new(floor.outputs[0], packed.inputs[0])
    signed = node("Math", operation="MULTIPLY_ADD")
    signed.inputs[1].default_value = float(BEHIND)
    tree.links.new(geometry.outputs["Backfacing"], signed.inputs[0])
    tree.links.new(kind.outputs["Fac"], signed.inputs[2])
    joined = node("CombineColor")
    sources = (node("CameraData").outputs["View Z Depth"], packed.outputs["Value"])
    for socket, source in zip(joined.inputs, (*sources, signed.outputs[0]), strict=False):
        tree.links.new(source, socket)
    shine, out = node("Emission"), node("OutputMaterial")
    tree.links.new(joined.outputs[0], shine.inputs[0])
    tree.links.new(shine.outputs[0], out.inputs[0])
    return made


def _render_raw() -> np.ndarray:
    """Linear light as it is, `(H, W, 3)` float32."""
    scene = bpy.context.scene
    view = scene.view_settings
    view.view_transform, view.look, view.exposure = "Raw", "None", 0.0
    image = scene.render.image_settings
    image.file_format, image.color_mode, image.color_depth = "OPEN_EXR", "RGB", "32"
    image.exr_codec = "NONE"
    return _render_and_load(".exr")


def _render_and_load(suffix: str) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"picture{suffix}"
        bpy.context.scene.render.filepath = str(path)
        bpy.ops.render.render(write_still=True)
        picture = bpy.data.images.load(str(path))
        picture.colorspace_settings.name = "Non-Color"
        width, height = picture.size
        values = np.empty(width * height * picture.channels, np.float32)
        picture.pixels.foreach_get(values)
        channels = picture.channels
        bpy.data.images.remove(picture)
    return values.reshape(height, width, channels)[::-1, :, :3].copy()
