"""What a whole path sees beyond the photograph: extensions where it looks, and the sky."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from lyra_zoom.engines.embedded.extension import Extension, Outlook, extend, outlook_at
from lyra_zoom.engines.embedded.lookup import Lookup, ground_in_world, shown_ground
from lyra_zoom.engines.embedded.mesh import Mesh
from lyra_zoom.engines.embedded.near_ground import NearGround, near_ground, paved
from lyra_zoom.engines.embedded.push_pull import push_pull
from lyra_zoom.engines.embedded.raster import LayerBuffer
from lyra_zoom.engines.embedded.scene import SKY_DISPARITY, EmbeddedScene
from lyra_zoom.engines.embedded.shade import DrawnLayer
from lyra_zoom.engines.embedded.texture import Texture
from lyra_zoom.geometry.camera import CameraPath
from lyra_zoom.geometry.image import Plane, RgbImage

NEAR = 0.04  # of D: what is nearer to the lens than this hides nothing
MOST_EXTENSIONS = 4
OUTLOOKS = 8  # frames among which the one that misses most is looked for
EXPOSED_SHARE = 0.002  # of a frame that may stay without extension
SKY_EDGE_PX = 2  # of sky beside an outline, where colours mix


def layers_beyond(
    scene: EmbeddedScene, path: CameraPath, behind: DrawnLayer, seed: int
) -> list[DrawnLayer]:
    """Layers to draw under B, the nearest first; the sky, if it is needed, comes last."""
    ground = _near_ground(scene)
    made = _extensions(scene, path, behind.meshes[0], ground)
    paving = _paving(scene, ground, made, seed)
    layers = []
    for extension in made:
        if extension.near_ground is not None:
            layers.append(next(paving))
        if extension.solid is not None:
            layers.append(DrawnLayer((extension.solid,), behind.texture))
    skies = tuple(extension.sky for extension in made if extension.sky is not None)
    if skies:
        layers.append(DrawnLayer(skies, Texture.opaque(_sky_picture(scene))))
    return layers


def _paving(
    scene: EmbeddedScene, ground: NearGround | None, made: list[Extension], seed: int
) -> Iterator[DrawnLayer]:
    """A layer for each extension with near ground, in their order."""
    meshes = [one.near_ground for one in made if one.near_ground is not None]
    if ground is None or not meshes:
        return iter(())
    meshes, texture = paved(scene, ground, meshes, seed)
    return (DrawnLayer((mesh,), texture) for mesh in meshes)


def _extensions(
    scene: EmbeddedScene, path: CameraPath, behind: Mesh, ground: NearGround | None
) -> list[Extension]:
    """What each outlook adds, made at the frames that still miss most."""
    lookup, sky_disparity = _lookup(scene), SKY_DISPARITY / scene.subject_depth
    floor = None if ground is None else ground.floor
    frames = np.unique(np.linspace(0, len(path) - 1, OUTLOOKS + 1).astype(int))
    outlooks = [outlook_at(path.w2c[i], path.K[i], path.size) for i in frames]
    near = NEAR * scene.subject_depth
    seen = [_disparity_seen(behind, outlook, near) for outlook in outlooks]
    made: list[Extension] = []
    while len(made) < MOST_EXTENSIONS:
        exposed = [float((disparity == 0).mean()) for disparity in seen]
        worst = int(np.argmax(exposed))
        if exposed[worst] < EXPOSED_SHARE:
            break
        made.append(extend(outlooks[worst], seen[worst], lookup, sky_disparity, floor))
        for mesh in (made[-1].solid, made[-1].sky):
            if mesh is not None:
                seen = [
                    np.where(before > 0, before, _disparity_seen(mesh, outlook, near))
                    for before, outlook in zip(seen, outlooks, strict=True)
                ]
    return made


def _near_ground(scene: EmbeddedScene) -> NearGround | None:
    if scene.ground is None:
        return None
    return near_ground(
        scene, ground_in_world(scene.ground, scene.K, scene.size, scene.subject_depth)
    )


def _lookup(scene: EmbeddedScene) -> Lookup:
    if scene.ground is None:
        return Lookup(scene.K, scene.size)
    plane = ground_in_world(scene.ground, scene.K, scene.size, scene.subject_depth)
    return Lookup(scene.K, scene.size, plane, shown_ground(scene.disparity, scene.ground))


def _disparity_seen(mesh: Mesh, outlook: Outlook, near: float) -> Plane:
    """1/depth of a mesh from one outlook, 0 where there is nothing of it."""
    buffer = LayerBuffer(outlook.size)
    buffer.draw(mesh, outlook.w2c, outlook.K, near)
    return buffer.inverse_depth


def _sky_picture(scene: EmbeddedScene) -> RgbImage:
    """The photograph with all but its sky replaced by a smooth continuation of the sky."""
    window = np.ones((2 * SKY_EDGE_PX + 1,) * 2, np.uint8)
    pure = cv2.erode(scene.sky.astype(np.uint8), window).astype(np.float32)
    filled = push_pull(scene.picture.astype(np.float32), pure)
    return np.clip(filled + 0.5, 0, 255).astype(np.uint8)
