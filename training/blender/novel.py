"""True novel views: a scene's first photograph and what is seen along the product's moves.

    python -m training.blender.novel --seeds 900000:900020 --out SCRATCH/novel

`SEED.npz` holds frame 0, the photograph, and the frames of each move: `rgb` uint8 (F, H, W, 3),
`depth` float32 (F, H, W) with inf = sky, `K` (3, 3), `w2c` (F, 4, 4) with the photograph's
camera as the world, `move` (F,) names, `share` (F,) how much of the move is done,
`subject_depth`, `family`. All frames share one exposure.
"""

from __future__ import annotations

import argparse
import math
from collections import Counter
from itertools import islice
from pathlib import Path

import numpy as np

from training.blender import render
from training.blender.moves import MOVES, SHARES, subject_depth
from training.blender.plan import plan_scene
from training.blender.pose import Pose

SIZE = (640, 416)


def main() -> None:
    """Render the missing scenes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", required=True, metavar="A:B", help="scenes, B not included")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    first, last = (int(part) for part in options.seeds.split(":"))
    for seed in range(first, last):
        path = options.out / f"{seed}.npz"
        if path.exists():
            continue
        with render.Quiet():
            found = novel_views(seed, options.threads)
        if found is not None:
            unfinished = path.with_name(f"{seed}.unfinished.npz")
            np.savez_compressed(unfinished, **found)
            unfinished.rename(path)
        print(f"scene {seed}: {'nothing to show' if found is None else 'done'}", flush=True)


def novel_views(seed: int, threads: int) -> dict[str, np.ndarray] | None:
    """Everything the file of a scene holds; None when no camera has something to show."""
    from training.blender import studio
    from training.blender.build import build

    plan = plan_scene(seed)
    spots = build(plan, threads)
    with studio.unlit():
        shots = list(islice(render.worthwhile(plan, SIZE, 0, spots, Counter()), 1))
        if not shots:
            return None
        depth = shots[0].buffers.depth
        distance = subject_depth(depth)
        steps = [("photograph", 0.0, np.eye(4))]
        for name, move in MOVES.items():
            steps += [(name, share, move(share, distance)) for share in SHARES]
        poses = [moved(shots[0].pose, w2c) for _, _, w2c in steps]
        depths = []
        for pose in poses:
            studio.place_camera(pose, SIZE)
            depths.append(studio.render_buffers().depth.astype(np.float32))
    studio.place_camera(poses[0], SIZE)
    exposure = studio.meter(SIZE, plan.light.look, plan.light.brightness, np.isfinite(depth))
    pictures = []
    for pose in poses:
        studio.place_camera(pose, SIZE)
        pictures.append(studio.render_colour(SIZE, exposure))
    return {
        "rgb": np.stack(pictures),
        "depth": np.stack(depths),
        "K": shots[0].pose.intrinsics(SIZE),
        "w2c": np.stack([w2c for _, _, w2c in steps]),
        "move": np.array([name for name, _, _ in steps]),
        "share": np.array([share for _, share, _ in steps]),
        "subject_depth": np.array(distance),
        "family": np.array(plan.family.value),
    }


def moved(start: Pose, w2c: np.ndarray) -> Pose:
    """The pose at `w2c` relative to a start."""
    matrix = start.c2scene @ np.linalg.inv(w2c)
    right, down, forward = matrix[:3, :3].T
    pitch = math.asin(float(np.clip(forward[2], -1, 1)))
    yaw = math.atan2(float(forward[0]), float(forward[1]))
    level = np.array([math.cos(yaw), -math.sin(yaw), 0.0])
    roll = math.atan2(-float(down @ level), float(right @ level))
    return Pose(
        place=(float(matrix[0, 3]), float(matrix[1, 3]), float(matrix[2, 3])),
        yaw_deg=math.degrees(yaw),
        pitch_deg=math.degrees(pitch),
        roll_deg=math.degrees(roll),
        fov_x_deg=start.fov_x_deg,
    )


if __name__ == "__main__":
    main()
