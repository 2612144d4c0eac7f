"""A generated scene: one seed gives one place, its light and the camera it is seen from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lyra_zoom.geometry.camera import Intrinsics, centred_intrinsics, focal_from_fov
from lyra_zoom.geometry.image import Size
from lyra_zoom.geometry.rigid import Rigid, camera_centre_world, w2c_from
from lyra_zoom.scenes import indoors, nature, objects, outdoors, weather
from lyra_zoom.scenes.layout import EXPOSURE, World
from lyra_zoom.scenes.shade_kernels import paint
from lyra_zoom.scenes.stage import Eye, Stage, turned

Family = Callable[[Stage], Eye]

FAMILIES: dict[str, Family] = {
    "street": outdoors.street,
    "square": outdoors.square,
    "harbour": outdoors.harbour,
    "garden": outdoors.garden,
    "overhead": outdoors.overhead,
    "landscape": nature.landscape,
    "forest": nature.forest,
    "gorge": nature.gorge,
    "from_above": nature.from_above,
    "room": indoors.room,
    "hall": indoors.hall,
    "still_life": objects.still_life,
    "portrait": objects.portrait,
    "near_wall": objects.near_wall,
    "clutter": objects.clutter,
}
SHARES = np.array(
    [0.13, 0.07, 0.06, 0.06, 0.05, 0.08, 0.05, 0.04, 0.04, 0.2, 0.06, 0.07, 0.06, 0.04, 0.03]
)
"""How often each family comes up when none is asked for."""


@dataclass(frozen=True, slots=True)
class Camera:
    """Where the scene is photographed from; the lens has a fixed horizontal field of view."""

    w2c: Rigid
    fov_x: float

    def K(self, size: Size) -> Intrinsics:  # noqa: N802 - the field's name for it
        """Intrinsics for pictures of `size`."""
        return centred_intrinsics(focal_from_fov(self.fov_x, size), size)


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything a ray can meet, and the camera the place was composed for."""

    family: str
    world: World
    camera: Camera


def build_scene(seed: int, family: str | None = None) -> Scene:
    """The scene of a seed, of the named family or of one drawn from the seed.

    Units are metres, the world's y points down. The same seed gives the same scene.
    """
    rng = np.random.default_rng(seed)
    drawn = str(rng.choice(list(FAMILIES), p=SHARES / SHARES.sum()))
    name = family or drawn
    stage = Stage(rng)
    eye = FAMILIES[name](stage)
    stage.clear_around(eye.at, margin=0.25)
    light = weather.indoor(rng, (3.0, 1.3, 3.0)) if stage.roofed else weather.outdoor(rng)
    w2c = w2c_from(turned(eye.yaw, eye.pitch, eye.roll), np.array(eye.at, float))
    world = World(
        np.array(stage.rows), np.array(stage.materials), stage.heights, stage.place, light
    )
    camera = Camera(w2c, eye.fov_x)
    light[EXPOSURE] *= metered(world, camera)
    return Scene(name, world, camera)


def metered(world: World, camera: Camera) -> float:
    """The exposure that brings the scene, seen from its own camera, to middle grey."""
    size = Size(24, 18)
    colour = np.empty((size.height, size.width, 3), np.float32)
    paint(world, rays_of(camera.w2c, camera.K(size)), colour)
    brightness = np.log(colour.mean(axis=2) + 1e-4)
    return float(0.25 / np.exp(brightness.mean()))


def rays_of(w2c: Rigid, K: Intrinsics) -> np.ndarray:
    """A camera as the kernels take it: centre, corner direction, step right, step down."""
    directions = w2c[:3, :3].T @ np.linalg.inv(K)
    return np.concatenate(
        [camera_centre_world(w2c), directions[:, 2], directions[:, 0], directions[:, 1]]
    )
