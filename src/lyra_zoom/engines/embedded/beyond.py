"""What a whole path sees beyond the photograph: extensions where it looks, and the sky."""

from __future__ import annotations

import cv2
import numpy as np

from lyra_zoom.engines.embedded.extension import Extension, Outlook, extend, outlook_at
from lyra_zoom.engines.embedded.lookup import Lookup, ground_in_world, shown_ground
from lyra_zoom.engines.embedded.mesh import Mesh
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
    scene: EmbeddedScene, path: CameraPath, behind: DrawnLayer
) -> list[DrawnLayer]:
    """Layers to draw under B, the nearest first; the sky, if it is needed, comes last."""
    solids, skies = _extensions(scene, path, behind.meshes[0])
    layers = [DrawnLayer((mesh,), behind.texture) for mesh in solids]
    if skies:
        layers.append(DrawnLayer(tuple(skies), Texture.opaque(_sky_picture(scene))))
    return layers


def _extensions(
    scene: EmbeddedScene, path: CameraPath, behind: Mesh
) -> tuple[list[Mesh], list[Mesh]]:
    """Solid meshes and sky, each made at the frame that still misses most."""
    lookup, sky_disparity = _lookup(scene), SKY_DISPARITY / scene.subject_depth
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
        made.append(extend(outlooks[worst], seen[worst], lookup, sky_disparity))
        for mesh in (made[-1].solid, made[-1].sky):
            if mesh is not None:
                seen = [
                    np.where(before > 0, before, _disparity_seen(mesh, outlook, near))
                    for before, outlook in zip(seen, outlooks, strict=True)
                ]
    solids = [extension.solid for extension in made if extension.solid is not None]
    return solids, [extension.sky for extension in made if extension.sky is not None]


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
