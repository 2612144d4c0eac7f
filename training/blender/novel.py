"""True novel views: a scene's photograph and what is really seen along the product's moves.

    python -m training.blender.novel --seeds 900000:900020 --out SCRATCH/novel
    lyra-zoom bench --quality --views SCRATCH/novel

`SEED.npz` holds `photograph` uint8 (1.5 H, 1.5 W, 3), with its `photograph_depth` float32
(H, W), inf = sky, and the views: `rgb` uint8 (F, H, W, 3), `depth` float32 (F, H, W), `K` for
(H, W) (F, 3, 3), `w2c` (F, 4, 4) with the photograph's camera as the world and metres as its
unit, `move` (F,) names, `frame` (F,) numbers in a move of 81 frames; `subject_depth`,
`family`, `weather`. All pictures share one exposure. A move whose way is blocked is left out.
"""

from __future__ import annotations

import argparse
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from training.blender import render
from training.blender.checks import MOST_BEHIND
from training.blender.moves import FRAMES, MOVES, View, subject_depth
from training.blender.plan import plan_scene
from training.blender.pose import Pose

if TYPE_CHECKING:
    from training.blender.studio import Buffers

SIZE = (320, 208)
PHOTOGRAPH_SIZE = (480, 312)
ENOUGH_MOVES = 6
CLEAR_M = 0.05
"""A view with anything nearer than this has gone through it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """One view along a move: where, and how far away everything is."""

    move: str
    frame: int
    view: View
    pose: Pose
    depth: np.ndarray


def main() -> None:
    """Render the missing scenes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--seeds", required=True, metavar="A:B", help="B not included; or A,B,C"
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for seed in seeds_of(options.seeds):
        path = options.out / f"{seed}.npz"
        if path.exists():
            continue
        with render.Quiet():
            found = novel_views(seed, options.threads)
        if found is not None:
            unfinished = path.with_name(f"{seed}.unfinished")
            with unfinished.open("wb") as file:
                np.savez_compressed(file, **found)
            unfinished.rename(path)
        print(f"scene {seed}: {'nothing to show' if found is None else 'done'}", flush=True)


def seeds_of(text: str) -> list[int]:
    """The seeds that `A:B` or `A,B,C` names."""
    first, colon, last = text.partition(":")
    return list(range(int(first), int(last))) if colon else [int(s) for s in text.split(",")]


def novel_views(seed: int, threads: int) -> dict[str, np.ndarray] | None:
    """Everything the file of a scene holds; None when no camera has something to show."""
    from training.blender import studio
    from training.blender.build import build

    plan = plan_scene(seed)
    spots = build(plan, threads)
    with studio.unlit():
        shot, stops = widest(render.worthwhile(plan, SIZE, 0, spots, Counter()))
        if shot is None or not stops:
            return None
        start, depth = shot.pose, shot.buffers.depth.astype(np.float32)
    studio.place_camera(start, SIZE)
    exposure = studio.meter(SIZE, plan.light.look, plan.light.brightness, np.isfinite(depth))

    def picture(pose: Pose, size: tuple[int, int]) -> np.ndarray:
        studio.place_camera(pose, size)
        return studio.render_colour(size, exposure)

    return {
        "photograph": picture(start, PHOTOGRAPH_SIZE),
        "photograph_depth": depth,
        "photograph_K": start.intrinsics(SIZE),
        "rgb": np.stack([picture(stop.pose, SIZE) for stop in stops]),
        "depth": np.stack([stop.depth for stop in stops]),
        "K": np.stack([stop.pose.intrinsics(SIZE) for stop in stops]),
        "w2c": np.stack([stop.view.w2c for stop in stops]),
        "move": np.array([stop.move for stop in stops]),
        "frame": np.array([stop.frame for stop in stops]),
        "subject_depth": np.array(subject_depth(depth)),
        "family": np.array(plan.family.value),
        "weather": np.array(plan.weather.value),
    }


def widest(shots: Iterable[render.Shot]) -> tuple[render.Shot | None, list[Stop]]:
    """The first camera that has room for enough moves, else the one with room for most."""
    best: tuple[render.Shot | None, list[Stop]] = (None, [])
    for shot in shots:
        distance = subject_depth(shot.buffers.depth.astype(np.float32))
        stops = [stop for name in MOVES for stop in stops_of(name, shot.pose, distance)]
        if len(stops) > len(best[1]):
            best = (shot, stops)
        if len(stops) >= ENOUGH_MOVES * len(FRAMES):
            break
    return best


def stops_of(name: str, start: Pose, distance: float) -> list[Stop]:
    """The views of a move; none when something is in its way. Only inside `unlit`."""
    from training.blender import studio

    views = {frame: MOVES[name](frame, distance) for frame in FRAMES}
    poses = {frame: moved(start, view) for frame, view in views.items()}
    if any(is_blocked(a, b) for a, b in pairwise([start, *poses.values()])):
        return []
    stops = []
    for frame, pose in poses.items():
        studio.place_camera(pose, SIZE)
        buffers = studio.render_buffers()
        if is_inside(buffers):
            return []
        depth = buffers.depth.astype(np.float32)
        stops.append(Stop(move=name, frame=frame, view=views[frame], pose=pose, depth=depth))
    return stops


def is_inside(buffers: Buffers) -> bool:
    """Whether a camera stands in something, or against it."""
    solid = np.isfinite(buffers.depth)
    return bool((buffers.behind & solid).mean() > MOST_BEHIND or buffers.depth.min() < CLEAR_M)


def is_blocked(start: Pose, end: Pose) -> bool:
    """Whether something stands between two cameras."""
    import bpy
    from mathutils import Vector

    a, b = (Vector(pose.place) for pose in (start, end))
    if (b - a).length < 1e-6:
        return False
    graph = bpy.context.evaluated_depsgraph_get()
    hit, *_ = bpy.context.scene.ray_cast(
        graph, a, (b - a).normalized(), distance=(b - a).length
    )
    return bool(hit)


def moved(start: Pose, view: View) -> Pose:
    """The pose of a view relative to a start."""
    matrix = start.c2scene @ np.linalg.inv(view.w2c)
    right, down, forward = matrix[:3, :3].T
    pitch = math.asin(float(np.clip(forward[2], -1, 1)))
    yaw = math.atan2(float(forward[0]), float(forward[1]))
    level = np.array([math.cos(yaw), -math.sin(yaw), 0.0])
    roll = math.atan2(-float(down @ level), float(right @ level))
    half_width = math.tan(math.radians(start.fov_x_deg) / 2) / view.focal_scale
    return replace(
        start,
        place=(float(matrix[0, 3]), float(matrix[1, 3]), float(matrix[2, 3])),
        yaw_deg=math.degrees(yaw),
        pitch_deg=math.degrees(pitch),
        roll_deg=math.degrees(roll),
        fov_x_deg=math.degrees(2 * math.atan(half_width)),
    )


if __name__ == "__main__":
    main()
