"""Photo-like training pictures: what a seed asks for, what is refused, what a shard keeps."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from lyra_zoom.bench.quality import FRAMES, PAIR, PRESETS, Preset
from lyra_zoom.contract.zoom import Direction
from lyra_zoom.geometry.image import Size
from lyra_zoom.pipeline.cameras import SourceView, build_path
from lyra_zoom.pipeline.moves import Way
from training.blender import moves
from training.blender.checks import colour_fault, geometry_fault
from training.blender.plan import (
    HABITS,
    SIZES,
    VIEWS_PER_SCENE,
    Family,
    Weather,
    plan_scene,
    plan_view,
    shard_size,
)
from training.blender.pose import Pose, normals_in_camera
from training.blender.shards import Kind, Picture, load_shard, save_shard, shard_path

POSE = Pose(place=(1.0, 2.0, 1.5), yaw_deg=30, pitch_deg=-20, roll_deg=3, fov_x_deg=60)


def picture(size: tuple[int, int] = (48, 32), seed: int = 7) -> Picture:
    """A level ground under a sky, as the shard stores it."""
    width, height = size
    rows = np.linspace(-1, 1, height)[:, None] + np.zeros(width)
    depth = np.where(rows > 0, 1.5 / np.maximum(rows, 1e-3), np.inf)
    normal = np.zeros((height, width, 3))
    normal[rows > 0] = (0, -127, 0)
    return Picture(
        rgb=np.random.default_rng(seed).integers(0, 255, (height, width, 3)).astype(np.uint8),
        depth=depth.astype(np.float16),
        normal=normal.astype(np.int8),
        kind=np.where(rows > 0, Kind.GROUND, Kind.SKY).astype(np.uint8),
        K=POSE.intrinsics(size).astype(np.float32),
        c2scene=POSE.c2scene.astype(np.float32),
        level=(-20.0, 3.0, 1.5),
        seed=seed,
        family="street",
        weather="clear",
    )


def test_a_seed_always_asks_for_the_same_scene_and_cameras():
    assert plan_scene(11) == plan_scene(11)
    first = plan_view(plan_scene(11), (384, 256), 1, 0)
    assert first == plan_view(plan_scene(11), (384, 256), 1, 0)
    assert first != plan_view(plan_scene(11), (384, 256), 2, 0)


def test_a_thousand_seeds_show_every_family_and_every_weather():
    plans = [plan_scene(seed) for seed in range(1000)]
    families, weathers = (Counter(getattr(p, k) for p in plans) for k in ("family", "weather"))
    assert set(families) == set(Family) == set(HABITS)
    assert set(weathers) == set(Weather)
    assert max(families.values()) < 3 * min(families.values())
    assert all(
        plan.weather in (Weather.CLEAR, Weather.CLOUDY, Weather.NIGHT)
        for plan in plans
        if not HABITS[plan.family].outdoors
    )


def test_cameras_look_up_and_down_and_through_wide_and_narrow_lenses():
    views = [
        plan_view(plan_scene(seed), (384, 256), view, 0)
        for seed in range(400)
        for view in range(VIEWS_PER_SCENE)
    ]
    pitch = np.array([view.pitch_deg for view in views])
    assert pitch.min() < -42
    assert pitch.max() > 42
    assert np.abs(pitch).max() <= 45
    assert (pitch > 8).mean() > 0.12
    assert (pitch < -15).mean() > 0.2
    fields = np.array([view.fov_x_deg for view in views])
    assert 35 <= fields.min() < 38
    assert 97 < fields.max() <= 100
    heights = np.array([view.height_m for view in views])
    assert heights.min() < 0.2
    assert heights.max() > 20


def test_an_upright_picture_has_its_wide_angle_along_its_height():
    views = [plan_view(plan_scene(seed), (216, 384), 0, 0) for seed in range(200)]
    assert max(view.fov_x_deg for view in views) < 64


def test_shards_come_lying_square_and_upright():
    drawn = {shard_size(number) for number in range(200)}
    assert drawn == set(SIZES)
    assert any(width < height for width, height in drawn)
    assert all(max(size) == 384 for size in drawn)


def test_normals_are_turned_into_camera_axes_and_towards_the_camera():
    up = np.zeros((32, 48, 3))
    up[..., 2] = 1
    seen = normals_in_camera(up, POSE, (48, 32))
    assert np.linalg.norm(seen, axis=-1) == pytest.approx(1)
    assert seen[-1, 24] @ (POSE.c2scene[:3, :3].T @ [0, 0, 1]) == pytest.approx(1)
    assert np.allclose(normals_in_camera(-up, POSE, (48, 32))[-1], seen[-1])
    assert not normals_in_camera(0 * up, POSE, (48, 32)).any()


def test_a_pose_is_a_rotation_whose_third_axis_looks_along_pitch_and_yaw():
    rotation = POSE.c2scene[:3, :3]
    assert np.allclose(rotation.T @ rotation, np.eye(3))
    assert np.linalg.det(rotation) == pytest.approx(1)
    assert rotation[2, 2] == pytest.approx(np.sin(np.radians(-20)))
    assert rotation[0, 2] > 0, "a yaw to the right looks towards +x"


def test_what_a_shard_was_given_it_gives_back(tmp_path: Path):
    path = shard_path(tmp_path, 3)
    save_shard(path, [picture(seed=1), picture(seed=2)])
    assert [file.name for file in tmp_path.iterdir()] == ["00003.npz"]
    for stored, seed in zip(load_shard(path), (1, 2), strict=True):
        for field in dataclasses.fields(Picture):
            given = getattr(picture(seed=seed), field.name)
            assert np.array_equal(getattr(stored, field.name), given), field.name
    assert np.isinf(load_shard(path)[0].depth[0]).all()


def faults(depth: np.ndarray, kind: Kind = Kind.THING, *, behind: bool = False) -> str | None:
    kinds = np.full(depth.shape, kind)
    kinds[:, ::2] = Kind.GROUND
    return geometry_fault(depth, kinds, np.full(depth.shape, behind), 0.45)


def test_useless_cameras_are_told_by_their_fault():
    slope = np.linspace(1, 20, 60)[:, None] + np.zeros(80)
    assert faults(slope) is None
    assert faults(np.where(slope > 3, np.inf, slope)) == "sky"
    assert faults(slope * 0.03) == "blocked"
    assert faults(slope, behind=True) == "inside"
    assert faults(np.full((60, 80), 4.0)) == "flat"
    assert faults(slope * 0.03 + 0.5, Kind.PLANT) == "leaves"
    assert geometry_fault(slope, np.full(slope.shape, Kind.WALL), slope < 0, 0.45) == "one kind"


def test_pictures_without_light_or_contrast_are_refused():
    noise = np.random.default_rng(0).integers(0, 255, (40, 60, 3)).astype(np.uint8)
    assert colour_fault(noise) is None
    assert colour_fault(noise // 40) == "dark"
    assert colour_fault(np.full_like(noise, 120)) == "dull"


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_novel_views_follow_the_products_own_moves(preset: Preset):
    intrinsics = POSE.intrinsics((64, 48))
    source = SourceView(
        K=intrinsics,
        size=Size(64, 48),
        depth=np.full((48, 64), 3.0, np.float32),
        subject_depth=3.0,
    )
    leg = preset.leg
    way = Way(
        towards=leg.direction is Direction.IN,
        strength=leg.strength,
        subject_depth=3.0,
        num_frames=leg.num_frames,
    )
    path = build_path(leg.trajectory, way, source)
    assert {*FRAMES, *PAIR} <= set(moves.FRAMES)
    for frame in moves.FRAMES:
        twin = moves.MOVES[preset.name](frame, 3.0)
        assert np.allclose(path.w2c[frame], twin.w2c, atol=1e-6)
        assert path.K[frame][0, 0] == pytest.approx(intrinsics[0, 0] * twin.focal_scale)


def test_the_subject_of_novel_views_is_the_products_subject():
    from lyra_zoom.geometry.depth import subject_depth

    depth = np.random.default_rng(0).uniform(1, 9, (20, 30)).astype(np.float32)
    depth[:5] = np.inf
    assert moves.subject_depth(depth) == pytest.approx(subject_depth(depth, depth > 0))


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("bpy") is None, reason="needs Blender's module: bpy"
)
def test_one_tiny_picture_has_depth_normals_and_kinds_that_agree(tmp_path: Path):
    script = (
        "from collections import Counter; from pathlib import Path; import sys;"
        "from training.blender import render; from training.blender.plan import plan_scene;"
        "from training.blender.shards import save_shard;"
        "render.VIEWS_PER_SCENE = 1;"
        "found = render.views_of_scene(plan_scene(0), (64, 48), 1, Counter());"
        "save_shard(Path(sys.argv[1]), found)"
    )
    path = shard_path(tmp_path, 0)
    subprocess.run([sys.executable, "-c", script, str(path)], check=True, env=dict(os.environ))
    (found,) = load_shard(path)
    assert found.rgb.shape == (48, 64, 3)
    sky = np.isinf(found.depth)
    assert np.array_equal(sky, found.kind == Kind.SKY)
    lengths = np.linalg.norm(found.normal.astype(float), axis=-1)
    assert np.allclose(lengths[~sky], 127, atol=2)
    assert not lengths[sky].any()
