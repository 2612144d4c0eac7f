"""Generated scenes: what rays meet, and that every camera sees the same place."""

from __future__ import annotations

import numpy as np
import pytest

from lyra_zoom.geometry.camera import pixel_centres, project, unproject
from lyra_zoom.geometry.image import Size
from lyra_zoom.geometry.rigid import invert_rigid, w2c_from
from lyra_zoom.scenes import layout
from lyra_zoom.scenes.hit_kernels import FAR, hit, hit_terrain, terrain_height
from lyra_zoom.scenes.palette import Material
from lyra_zoom.scenes.raycast import raycast
from lyra_zoom.scenes.scene import FAMILIES, build_scene
from lyra_zoom.scenes.stage import Stage, turned

SMALL = Size(64, 48)


def inside_slowly(row: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The obvious twin of `hit`: whether points lie in the solid."""
    rotation = row[layout.ROTATION : layout.ROTATION + 9].reshape(3, 3)
    x, y, z = ((points - row[layout.CENTRE : layout.CENTRE + 3]) @ rotation.T).T
    a, b, c = row[layout.HALF : layout.HALF + 3]
    kind = int(row[layout.KIND])
    if kind == layout.ELLIPSOID:
        return (x / a) ** 2 + (y / b) ** 2 + (z / c) ** 2 <= 1
    if kind == layout.FRUSTUM:
        radius = a + (c - a) * (y + b) / (2 * b)
        return (np.abs(y) <= b) & (np.hypot(x, z) <= radius)
    box = (np.abs(x) <= a) & (np.abs(y) <= b) & (np.abs(z) <= c)
    if kind == layout.ARCH:
        radius, spring = row[layout.EXTRA_A], row[layout.EXTRA_B]
        tunnel = np.where(y >= spring, np.abs(x) < radius, np.hypot(x, y - spring) < radius)
        return box & ~tunnel
    return box


def solid(kind: int, rng: np.random.Generator) -> np.ndarray:
    stage = Stage(rng)
    paint = stage.use(Material(texture=layout.PLAIN, a=(1, 1, 1), b=(1, 1, 1)))
    rotation, ahead = turned(*rng.uniform(-2, 2, 3)), np.array([0.0, 0.0, 4.0])
    if kind == layout.BOX:
        stage.box((0, 0, 4), rng.uniform(0.3, 1.5, 3), paint, rotation)
    elif kind == layout.ELLIPSOID:
        stage.ball((0, 0, 4), rng.uniform(0.3, 1.5, 3), paint, rotation)
    elif kind == layout.FRUSTUM:
        stage.rod(ahead + rng.normal(0, 1, 3), ahead + rng.normal(0, 1, 3), (0.2, 0.7), paint)
    else:
        stage.arch(0.0, 4.0, (3.0, 2.0, 1.0), (0.8, 1.6), paint, rng.uniform(-1, 1))
        stage.rows[-1][layout.CENTRE + 1] = 0.0
    return stage.rows[-1]


@pytest.mark.parametrize("kind", [layout.BOX, layout.ELLIPSOID, layout.FRUSTUM, layout.ARCH])
def test_a_ray_stops_where_marching_in_small_steps_enters_the_solid(kind):
    rng = np.random.default_rng(kind)
    steps = np.arange(0, 8, 0.002)
    for _ in range(60):
        row, direction = solid(kind, rng), np.array([*rng.normal(0, 0.22, 2), 1.0])
        entered = inside_slowly(row, steps[:, None] * direction)
        slow = steps[np.argmax(entered)] if entered.any() else FAR
        fast = hit(row, (0.0, 0.0, 0.0), tuple(direction), 1e-6)
        graze = entered.sum() < 4 or fast > 1e9
        assert graze or abs(fast - slow) < 0.004


def test_a_ray_meets_the_terrain_at_its_height():
    rng = np.random.default_rng(3)
    heights, place = rng.uniform(0, 2, (20, 20)), np.array([-10.0, 0.0, 1.0])
    origin, direction = (0.3, -6.0, 1.0), (0.1, 0.5, 1.0)
    t = hit_terrain(heights, place, origin, direction, 1e-3, FAR)
    x, y, z = (o + t * d for o, d in zip(origin, direction, strict=True))
    assert -y == pytest.approx(terrain_height(heights, place, x, z), abs=2e-3)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_no_camera_sees_through_what_another_one_sees(family):
    scene = build_scene(5, family)
    intrinsics = scene.camera.K(SMALL)
    first = raycast(scene, scene.camera.w2c, intrinsics, SMALL)
    aside = w2c_from(np.eye(3), np.array([0.06, -0.03, 0.05])) @ scene.camera.w2c
    second = raycast(scene, aside, intrinsics, SMALL)
    seen = np.isfinite(first.depth)
    depth = np.where(seen, first.depth, 1.0).astype(np.float64)
    points_cam = unproject(pixel_centres(SMALL), depth, intrinsics)
    c2w = invert_rigid(scene.camera.w2c)
    landed = project(points_cam @ c2w[:3, :3].T + c2w[:3, 3], aside, intrinsics)
    x, y, z = (landed[..., k] for k in range(3))
    within = seen & (z > 0) & (x >= 0) & (y >= 0) & (x < SMALL.width) & (y < SMALL.height)
    column, line = x[within].astype(int), y[within].astype(int)
    # Half a pixel of rounding leaves room at outlines and on slanted ground.
    through = second.depth[line, column] > z[within] * 1.15 + 0.05
    assert through.mean() < 0.08


def test_the_same_seed_gives_the_same_bytes():
    views = []
    for _ in range(2):
        scene = build_scene(11)
        views.append(raycast(scene, scene.camera.w2c, scene.camera.K(SMALL), SMALL))
    assert views[0].rgb.tobytes() == views[1].rgb.tobytes()
    assert views[0].depth.tobytes() == views[1].depth.tobytes()


def test_more_rays_per_pixel_change_colours_but_not_depth():
    scene = build_scene(4, "street")
    one = raycast(scene, scene.camera.w2c, scene.camera.K(SMALL), SMALL)
    nine = raycast(scene, scene.camera.w2c, scene.camera.K(SMALL), SMALL, supersample=3)
    assert np.array_equal(one.depth, nine.depth)
    assert np.abs(one.rgb.astype(int) - nine.rgb).mean() < 20


def test_normals_have_unit_length_and_face_the_camera():
    scene = build_scene(2, "room")
    intrinsics = scene.camera.K(SMALL)
    view = raycast(scene, scene.camera.w2c, intrinsics, SMALL)
    seen = np.isfinite(view.depth)
    rays = unproject(pixel_centres(SMALL), np.ones(view.depth.shape), intrinsics)
    assert np.allclose(np.linalg.norm(view.normals[seen], axis=-1), 1, atol=1e-4)
    assert ((view.normals * rays).sum(-1)[seen] <= 1e-4).all()


def test_depth_is_measured_along_the_axis():
    stage = Stage(np.random.default_rng(0))
    stage.floor(stage.use(Material(texture=layout.PLAIN, a=(1, 1, 1), b=(1, 1, 1))))
    down = (0.4, 1.0, 0.9)  # a ray whose z is 1 would reach depth 2 at t = 2
    t = hit(stage.rows[0], (0.0, -2.0, 0.0), down, 1e-6)
    assert t == pytest.approx(2.0)
