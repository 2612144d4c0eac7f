"""What a whole path sees beyond the photograph: extensions where it looks, and the sky."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from lyra_zoom.engines.embedded.cut_off import cut_off, shown_solid, under_open_sky
from lyra_zoom.engines.embedded.extension import Extension, Outlook, extend, outlook_at
from lyra_zoom.engines.embedded.lookup import Lookup, ground_in_world, lies_on, shown_ground
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
NARROW = 0.08  # of the width: a strip of ground that would show as stripes


def layers_beyond(
    scene: EmbeddedScene, path: CameraPath, behind: DrawnLayer, sky: RgbImage, seed: int
) -> list[DrawnLayer]:
    """Layers to draw under B, the nearest first; the sky, if it is needed, comes last."""
    outlooks = _outlooks(path)
    if not _misses_anything(scene, outlooks, behind):
        return []
    ground = _near_ground(scene)
    carried_on = DrawnLayer(tuple(cut_off(scene)), shown_solid(scene))
    made = _extensions(scene, outlooks, (behind, carried_on), ground)
    paving = _paving(scene, ground, made, seed)
    repeated, shift = with_ground_beside(scene, behind.texture)
    layers = [carried_on]
    for extension in made:
        if extension.near_ground is not None:
            layers.append(next(paving))
        if extension.solid is not None:
            moved = extension.solid.uv + np.array([shift, 0], np.float32)
            layers.append(DrawnLayer((replace(extension.solid, uv=moved),), repeated))
    skies = tuple(extension.sky for extension in made if extension.sky is not None)
    if skies:
        layers.append(DrawnLayer(skies, Texture.opaque(sky)))
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


def _outlooks(path: CameraPath) -> list[Outlook]:
    frames = np.unique(np.linspace(0, len(path) - 1, OUTLOOKS + 1).astype(int))
    return [outlook_at(path.w2c[i], path.K[i], path.size) for i in frames]


def _misses_anything(scene: EmbeddedScene, outlooks: list[Outlook], known: DrawnLayer) -> bool:
    """Whether any outlook sees past what is known; the last ones mostly do."""
    near = NEAR * scene.subject_depth
    return any(
        (_disparity_seen((known,), one, near) == 0).mean() >= EXPOSED_SHARE
        for one in reversed(outlooks)
    )


def _extensions(
    scene: EmbeddedScene,
    outlooks: list[Outlook],
    known: tuple[DrawnLayer, ...],
    ground: NearGround | None,
) -> list[Extension]:
    """What each outlook adds, made at the frames that still miss most."""
    lookup, sky_disparity = _lookup(scene), SKY_DISPARITY / scene.subject_depth
    open_air = under_open_sky(scene)
    floor = None if ground is None else ground.floor
    near = NEAR * scene.subject_depth
    seen = [_disparity_seen(known, outlook, near) for outlook in outlooks]
    made: list[Extension] = []
    while len(made) < MOST_EXTENSIONS:
        exposed = [float((disparity == 0).mean()) for disparity in seen]
        worst = int(np.argmax(exposed))
        if exposed[worst] < EXPOSED_SHARE:
            break
        made.append(
            extend(
                outlooks[worst], seen[worst], lookup, sky_disparity, floor, open_air=open_air
            )
        )
        for mesh in (made[-1].solid, made[-1].sky):
            if mesh is not None:
                mesh_layer = DrawnLayer((mesh,), known[0].texture)
                seen = [
                    np.where(before > 0, before, _disparity_seen((mesh_layer,), outlook, near))
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


def _disparity_seen(layers: tuple[DrawnLayer, ...], outlook: Outlook, near: float) -> Plane:
    """1/depth of layers from one outlook, 0 where there is nothing of them."""
    buffer = LayerBuffer(outlook.size)
    for layer in layers:
        for mesh in layer.meshes:
            buffer.draw(mesh, outlook.w2c, outlook.K, near, layer.texture.alpha)
    return buffer.inverse_depth


def with_ground_beside(scene: EmbeddedScene, texture: Texture) -> tuple[Texture, int]:
    """The texture with strips of nothing but ground beside it, and how wide the left one is.

    A narrow strip is made as even as it must be to show no stripes.
    """
    if scene.ground is None:
        return texture, 0
    width, picture = scene.size.width, scene.picture.astype(np.float32)
    ground = lies_on(scene.disparity, scene.ground).astype(np.float32)
    left, right = shown_ground(scene.disparity, scene.ground).strips(width)
    parts = [texture.picture()]
    if left:
        parts.insert(0, _only_ground(picture[:, :left], ground[:, :left], width))
    if right:
        parts.append(_only_ground(picture[:, -right:], ground[:, -right:], width))
    return Texture.opaque(np.hstack(parts)), left


def _only_ground(strip: np.ndarray, ground: Plane, width: int) -> RgbImage:
    """The strip with what is not ground filled from what is, mirrored."""
    filled = push_pull(strip, ground)
    if filled.shape[1] < NARROW * width:
        filled[:] = filled.mean(axis=1, keepdims=True)
    return (filled[:, ::-1] + 0.5).astype(np.uint8)
