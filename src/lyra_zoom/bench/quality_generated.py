"""Truth from the ray caster: generated scenes, which can be looked at from anywhere."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lyra_zoom.bench.quality_truth import Sight, Subject
from lyra_zoom.engines.engine import Photo
from lyra_zoom.geometry.camera import Intrinsics, centred_intrinsics
from lyra_zoom.geometry.depth import subject_depth
from lyra_zoom.geometry.image import Size, resize
from lyra_zoom.geometry.rigid import Rigid, camera_centre_world, look_at
from lyra_zoom.scenes.layout import GLOSS
from lyra_zoom.scenes.raycast import raycast
from lyra_zoom.scenes.scene import Scene, build_scene

SUPERSAMPLE = 2  # rays per pixel and axis
TEXTURE_SCALE = 1.5  # the photograph is this much larger than the video, as photographs are


@dataclass(frozen=True, slots=True)
class GeneratedTruth:
    """A scene, seen at one size."""

    scene: Scene
    size: Size

    def sight(self, w2c: Rigid, K: Intrinsics) -> Sight:
        """What that camera sees."""
        w2c_scene = w2c @ self.scene.camera.w2c
        view = raycast(self.scene, w2c_scene, K, self.size, SUPERSAMPLE)
        return Sight(view.rgb, view.depth)

    def way_is_free(self, w2c: Rigid) -> bool:
        """Whether nothing stands between the photograph's camera and this one."""
        start = camera_centre_world(self.scene.camera.w2c)
        end = camera_centre_world(w2c @ self.scene.camera.w2c)
        distance = float(np.linalg.norm(end - start))
        if distance < 1e-9:
            return True
        size = Size(8, 8)
        narrow = centred_intrinsics(400.0, size)
        ahead = raycast(self.scene, look_at(start, end), narrow, size)
        return bool(ahead.depth.min() > distance)


def photograph(seed: int, size: Size) -> Subject:
    """The scene of a seed through its own camera."""
    scene = without_mirrors(build_scene(seed))
    camera, large = scene.camera, size.scaled(TEXTURE_SCALE)
    texture = raycast(scene, camera.w2c, camera.K(large), large, SUPERSAMPLE).rgb
    K = camera.K(size)
    depth = raycast(scene, camera.w2c, K, size).depth
    return Subject(
        seed=seed,
        family=scene.family,
        truth=GeneratedTruth(scene, size),
        photo=Photo(texture=texture, size=size, focal_px=float(K[0, 0])),
        picture=resize(texture, size),
        depth=depth,
        K=K,
        subject_depth=subject_depth(depth, np.isfinite(depth)),
    )


def without_mirrors(scene: Scene) -> Scene:
    """The scene with every surface matt: what a mirror shows moves by no depth of its own."""
    materials = scene.world.materials.copy()
    materials[:, GLOSS] = 0
    return replace(scene, world=scene.world._replace(materials=materials))
