"""Pictures of a generated scene from any camera: colour, depth and normals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from lyra_zoom.geometry.camera import Intrinsics
from lyra_zoom.geometry.image import Plane, RgbImage, Size
from lyra_zoom.geometry.rigid import Rigid
from lyra_zoom.scenes.layout import EXPOSURE
from lyra_zoom.scenes.scene import Scene, rays_of
from lyra_zoom.scenes.shade_kernels import measure, paint


@dataclass(frozen=True, slots=True)
class View:
    """What one camera sees: `rgb`, `depth` (z along the axis, `inf` for sky), unit `normals`.

    Depth and normals are those under the pixel's centre, never averaged over an outline.
    Normals are in the camera frame, face the camera, and are zero for sky.
    """

    rgb: RgbImage
    depth: Plane
    normals: Float32[np.ndarray, "H W 3"]


def raycast(scene: Scene, w2c: Rigid, K: Intrinsics, size: Size, supersample: int = 1) -> View:
    """Render the scene; `supersample` rays per pixel and axis are averaged into each colour.

    `K` is for pictures of `size`. The same arguments give the same bytes.
    """
    depth = np.empty((size.height, size.width), np.float32)
    normals = np.zeros((size.height, size.width, 3), np.float32)
    measure(scene.world, rays_of(w2c, K), depth, normals)
    n = supersample
    colour = np.empty((size.height * n, size.width * n, 3), np.float32)
    paint(scene.world, rays_of(w2c, np.diag([n, n, 1.0]) @ K), colour)
    displayed = develop(colour, scene.world.light[EXPOSURE])
    shape = (size.height, n, size.width, n, 3)
    mean = displayed.reshape(shape).mean(axis=(1, 3))
    rgb = (encode_srgb(mean) * 255 + 0.5).astype(np.uint8)
    return View(rgb, depth, (normals @ w2c[:3, :3].T.astype(np.float32)))


def develop(colour: np.ndarray, exposure: float) -> np.ndarray:
    """Linear light of any strength to linear light below 1, with a soft shoulder."""
    exposed = colour * np.float32(exposure)
    return np.where(exposed < 0.6, exposed, 1 - 0.4 * np.exp((0.6 - exposed) / 0.4))


def encode_srgb(linear: np.ndarray) -> np.ndarray:
    """Linear light 0 to 1 to sRGB 0 to 1."""
    low = linear * 12.92
    high = 1.055 * np.power(np.maximum(linear, 1e-6), 1 / 2.4) - 0.055
    return np.clip(np.where(linear <= 0.0031308, low, high), 0, 1)
