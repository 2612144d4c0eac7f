"""A scene set up for one camera path: layers as meshes with textures, drawn from any camera."""

from __future__ import annotations

import queue
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import cv2
import numpy as np

from lyra_zoom.engines.embedded.beyond import layers_beyond
from lyra_zoom.engines.embedded.layers import Behind, Front, front_cell_px, split
from lyra_zoom.engines.embedded.limbs import limb_mesh
from lyra_zoom.engines.embedded.mesh import (
    Fineness,
    grid_mesh,
    straddling_cells,
)
from lyra_zoom.engines.embedded.reach import Reach, reach_of
from lyra_zoom.engines.embedded.scene import EmbeddedScene
from lyra_zoom.engines.embedded.shade import DrawnLayer, FrameRenderer, Shading, fill_holes
from lyra_zoom.engines.embedded.steps import find_steps
from lyra_zoom.engines.embedded.texture import Texture
from lyra_zoom.geometry.camera import CameraPath, Intrinsics
from lyra_zoom.geometry.image import RgbImage, Size
from lyra_zoom.geometry.rigid import Rigid

FADE = (0.06, 0.22)  # of D: between these what passes the lens goes from clear to full
TORN_STEP = 0.12  # D / depth: what lies under F is torn where it jumps by more
LAST_RESORT_COARSER = 3  # times as large are the cells of the last resort
LEAST_SENSITIVITY_PX = 20.0  # of a camera that stands still, so that its mesh stays small too
MERGE_ERROR_PX = 0.25  # what merging triangles may move a pixel by
PAIR_ERROR_PX = 4.0  # the same, of the smallest cells, two by two: a mesh of half as many


class Stage:
    """Layers from the nearest to the farthest, and the memory to draw them with."""

    def __init__(self, size: Size, layers: tuple[DrawnLayer, ...], shading: Shading) -> None:
        self.size = size
        self.layers = layers
        self.shading = shading
        self._idle: queue.SimpleQueue[FrameRenderer] = queue.SimpleQueue()

    def draw(self, w2c: Rigid, K: Intrinsics) -> RgbImage:
        """The frame one camera sees; may be called from several threads."""
        try:
            renderer = self._idle.get_nowait()
        except queue.Empty:
            renderer = FrameRenderer(self.size)
        frame = np.empty((self.size.height, self.size.width, 3), np.uint8)
        if renderer.render(self.layers, w2c, K, self.shading, frame):
            fill_holes(frame, renderer.canvas.holes)
        self._idle.put(renderer)
        return frame


def set_up(scene: EmbeddedScene, path: CameraPath, seed: int) -> Stage:
    """The stage for a path: layers cut as its cameras need, and what lies beyond the photo."""
    reach = reach_of(path, scene)
    front, behind = split(scene, reach, seed)
    with ThreadPoolExecutor(1) as aside:
        front_layers = aside.submit(_front_layers, scene, front, reach)
        behind_layer, last_resort = _behind_layers(scene, behind, reach)
        beyond = layers_beyond(scene, path, behind_layer, behind.sky, seed)
    D = scene.subject_depth
    nearest = D / float(scene.disparity.max())
    shading = Shading(
        fade_from=min(FADE[0] * D, 0.5 * nearest), fade_to=min(FADE[1] * D, 0.9 * nearest)
    )
    layers = (*front_layers.result(), behind_layer, *beyond, last_resort)
    return Stage(scene.size, layers, shading)


def _front_layers(scene: EmbeddedScene, front: Front, reach: Reach) -> list[DrawnLayer]:
    """F, and under it the far sides of its round things, and what its soft outlines cover."""
    texture = Texture.of_premultiplied(front.rgba)
    fineness = _fineness(scene, reach, front_cell_px(scene.size))
    cut = straddling_cells(front.tears, fineness.cell_px)
    mesh = grid_mesh(
        front.disparity / np.float32(scene.subject_depth),
        scene.K,
        texture.size,
        fineness=fineness,
        cut=cut,
        alpha=texture.alpha,
    )
    layers = [DrawnLayer((mesh,), texture)]
    if front.limbs is not None:
        far_sides = limb_mesh(front.limbs, scene.K, texture.size, scene.subject_depth)
        layers.append(DrawnLayer((far_sides,), texture))
    if scene.is_exact:
        layers.append(_hard_layer(scene, fineness))
    return layers


def _hard_layer(scene: EmbeddedScene, fineness: Fineness) -> DrawnLayer:
    """The photograph with hard outlines; of leaves between leaves, soft ones cover the most."""
    texture = Texture.opaque(scene.photo.texture)
    disparity = scene.disparity / np.float32(scene.subject_depth)
    cut = straddling_cells(find_steps(scene.disparity, TORN_STEP), fineness.cell_px)
    mesh = grid_mesh(disparity, scene.K, texture.size, fineness=fineness, cut=cut)
    return DrawnLayer((mesh,), texture)


def _behind_layers(
    scene: EmbeddedScene, behind: Behind, reach: Reach
) -> tuple[DrawnLayer, DrawnLayer]:
    """B, torn where it jumps, and the whole of it to be seen where nothing else is.

    Invented sky is left out of the first, for all that goes on past the borders is nearer.
    """
    texture = Texture.opaque((np.clip(behind.colour, 0, 1) * 255 + 0.5).astype(np.uint8))
    fineness = _fineness(scene, reach, front_cell_px(scene.size))
    disparity = behind.disparity / np.float32(scene.subject_depth)
    cut = straddling_cells(find_steps(behind.disparity, TORN_STEP), fineness.cell_px)
    window = np.ones((2 * fineness.cell_px + 3,) * 2, np.uint8)
    solid = 255 - cv2.dilate(np.where(behind.open_sky, 255, 0).astype(np.uint8), window)
    torn = grid_mesh(disparity, scene.K, texture.size, fineness=fineness, cut=cut, alpha=solid)
    rough = replace(fineness, cell_px=LAST_RESORT_COARSER * fineness.cell_px)
    whole = grid_mesh(disparity, scene.K, texture.size, fineness=rough)
    return DrawnLayer((torn,), texture), DrawnLayer((whole,), texture)


def _fineness(scene: EmbeddedScene, reach: Reach, cell_px: int) -> Fineness:
    """Triangles small enough that merging them moves no pixel by more than a share of one."""
    per_px = 1 / (max(reach.sensitivity_px, LEAST_SENSITIVITY_PX) * scene.subject_depth)
    return Fineness(
        cell_px=cell_px,
        tolerance=MERGE_ERROR_PX * per_px,
        pair_tolerance=PAIR_ERROR_PX * per_px,
    )
