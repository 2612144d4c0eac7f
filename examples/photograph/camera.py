"""The photographer's camera, and what it writes down: colour and true depth.

Outside, OpenCV axes (x right, y down, z forward) with the first view as the world frame.
Inside, Blender's: the scene has z up, a camera looks along its own -z.
"""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix

CLIP_M = (0.05, 6000.0)
SENSOR_MM = 36.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewpoint:
    """Where the photograph is taken from, in the scene's own axes."""

    place: tuple[float, float, float]
    yaw_deg: float
    """Towards the right."""
    pitch_deg: float
    """Upwards."""
    fov_x_deg: float

    @property
    def c2scene(self) -> np.ndarray:
        """Camera (OpenCV axes) to scene (z up)."""
        yaw, pitch = math.radians(self.yaw_deg), math.radians(self.pitch_deg)
        forward = np.array(
            [math.sin(yaw) * math.cos(pitch), math.cos(yaw) * math.cos(pitch), math.sin(pitch)]
        )
        right = np.array([math.cos(yaw), -math.sin(yaw), 0.0])
        matrix = np.eye(4)
        matrix[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
        matrix[:3, 3] = self.place
        return matrix


def place_camera(view: Viewpoint, w2c: np.ndarray, size: tuple[int, int]) -> None:
    """Put a camera into the scene at `w2c` relative to the first view."""
    scene = bpy.context.scene
    data = bpy.data.cameras.new("camera")
    camera = bpy.data.objects.new("camera", data)
    scene.collection.objects.link(camera)
    scene.camera = camera
    data.sensor_fit, data.sensor_width = "HORIZONTAL", SENSOR_MM
    data.lens = SENSOR_MM / 2 / math.tan(math.radians(view.fov_x_deg) / 2)
    data.clip_start, data.clip_end = CLIP_M
    blender_axes = np.diag([1.0, -1.0, -1.0, 1.0])
    pose = view.c2scene @ np.linalg.inv(w2c) @ blender_axes
    camera.matrix_world = Matrix(pose.tolist())
    scene.render.resolution_x, scene.render.resolution_y = size
    scene.render.resolution_percentage = 100


def set_up_cycles(samples: int, exposure: float, seed: int, threads: int) -> None:
    """Headless path tracing on the CPU with denoising and a film-like tone curve."""
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.render.threads_mode, scene.render.threads = "FIXED", threads
    cycles = scene.cycles
    cycles.device, cycles.samples, cycles.seed = "CPU", samples, seed
    cycles.use_adaptive_sampling = False
    cycles.use_denoising, cycles.denoiser = True, "OPENIMAGEDENOISE"
    cycles.denoising_input_passes, cycles.denoising_prefilter = "RGB_ALBEDO_NORMAL", "ACCURATE"
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 4, 3, 3
    cycles.transmission_bounces, cycles.transparent_max_bounces = 2, 4
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 5.0
    cycles.pixel_filter_type, cycles.filter_width = "BLACKMAN_HARRIS", 1.4
    view = scene.view_settings
    view.view_transform, view.look = "AgX", "AgX - Medium High Contrast"
    view.exposure = exposure


def render_colour(path: Path) -> None:
    """Write what the camera sees as an 8-bit PNG."""
    scene = bpy.context.scene
    image = scene.render.image_settings
    image.file_format, image.color_mode, image.color_depth = "PNG", "RGB", "8"
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)


def depth_material() -> bpy.types.Material:
    """A material that shines with its distance along the optical axis."""
    material = bpy.data.materials.new("depth")
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    data = tree.nodes.new("ShaderNodeCameraData")
    shine = tree.nodes.new("ShaderNodeEmission")
    out = tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(data.outputs["View Z Depth"], shine.inputs[0])
    tree.links.new(shine.outputs[0], out.inputs[0])
    return material


def render_depth() -> np.ndarray:
    """Depth per pixel centre in metres, `(H, W)` float32, `inf` = sky; call it last.

    One sample in the middle of each pixel, no filter: it never blends near and far.
    """
    scene = bpy.context.scene
    scene.view_layers[0].material_override = depth_material()
    scene.world = bpy.data.worlds.new("black")
    scene.world.use_nodes = True
    scene.world.node_tree.nodes["Background"].inputs[1].default_value = 0.0
    cycles = scene.cycles
    cycles.use_denoising, cycles.samples, cycles.filter_width = False, 1, 0.01
    scene.view_settings.view_transform = "Raw"
    scene.view_settings.look = "None"
    scene.view_settings.exposure = 0.0
    image = scene.render.image_settings
    image.file_format, image.color_mode, image.color_depth = "OPEN_EXR", "RGB", "32"
    with tempfile.TemporaryDirectory() as folder:
        scene.render.filepath = str(Path(folder) / "depth.exr")
        bpy.ops.render.render(write_still=True)
        picture = bpy.data.images.load(scene.render.filepath)
        picture.colorspace_settings.name = "Non-Color"
        width, height = picture.size
        values = np.empty(width * height * picture.channels, np.float32)
        picture.pixels.foreach_get(values)
    depth = values.reshape(height, width, picture.channels)[::-1, :, 0].copy()
    depth[depth <= 0] = np.inf
    return depth
