"""Render photo-like training pictures, shard by shard, with Blender's Python module.

    python -m training.blender.render --seeds 0:20000 --out SCRATCH/blender

Needs `pip install bpy` (Python 3.11) and nothing of the product. Seeds are scenes; a shard
holds the views of sixteen neighbouring seeds, and always the same ones. Shards that exist are
kept, so the command can be stopped and started again. Each shard is made by a process of its
own: a crash costs one shard.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

EXAMPLES = Path(__file__).parents[2] / "examples"
sys.path.insert(0, str(EXAMPLES))  # the example photograph's meshes and materials

from training.blender.checks import colour_fault, geometry_fault  # noqa: E402
from training.blender.plan import (  # noqa: E402
    ATTEMPTS,
    SCENES_PER_SHARD,
    VIEWS_PER_SCENE,
    Family,
    ScenePlan,
    plan_scene,
    plan_view,
    shard_size,
)
from training.blender.pose import Pose, normals_in_camera  # noqa: E402
from training.blender.shards import Picture, save_shard, shard_path  # noqa: E402

PATIENCE_S = 6 * 3600
"""A shard that takes longer is given up; the machine may be busy or paused."""
if TYPE_CHECKING:
    from training.blender.stage import Spots
    from training.blender.studio import Buffers

LONGEST_M = 65_000.0
"""float16 ends there."""
NEAREST_M = {Family.TABLE: 0.12, Family.GARDEN: 0.2}
SENSIBLE_M = 0.45


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """A camera that was found worth a picture, with what it sees."""

    pose: Pose
    height_m: float
    buffers: Buffers


def main() -> None:
    """Render the missing shards of a range of seeds."""
    options = read_options()
    options.out.mkdir(parents=True, exist_ok=True)
    first, last = (int(part) for part in options.seeds.split(":"))
    numbers = range(first // SCENES_PER_SHARD, -(-last // SCENES_PER_SHARD))
    if options.here is not None:
        make_shard(options, options.here)
        return
    for number in numbers:
        if shard_path(options.out, number).exists():
            continue
        command = [sys.executable, "-m", "training.blender.render", *sys.argv[1:]]
        try:
            subprocess.run([*command, "--here", str(number)], timeout=PATIENCE_S, check=True)
        except subprocess.SubprocessError as error:
            print(f"shard {number} failed: {error}", flush=True)


def read_options() -> argparse.Namespace:
    """What to render, where to, with how many threads."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", required=True, metavar="A:B", help="scenes, B not included")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--here", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def make_shard(options: argparse.Namespace, number: int) -> None:
    """Render and save one shard, and say how fast that was."""
    start, size = time.perf_counter(), shard_size(number)
    pictures, faults = [], Counter[str]()
    for seed in range(number * SCENES_PER_SHARD, (number + 1) * SCENES_PER_SHARD):
        pictures += views_of_scene(plan_scene(seed), size, options.threads, faults)
    save_shard(shard_path(options.out, number), pictures)
    hours = (time.perf_counter() - start) / 3600
    refused = ", ".join(f"{count} {fault}" for fault, count in faults.most_common())
    print(
        f"shard {number}: {len(pictures)} pictures {size[0]}x{size[1]}, "
        f"{len(pictures) / hours:.0f} pictures/hour; refused: {refused}",
        flush=True,
    )


def views_of_scene(
    plan: ScenePlan, size: tuple[int, int], threads: int, faults: Counter[str]
) -> list[Picture]:
    """Up to five pictures of one scene; cameras with nothing to show are tried anew."""
    from training.blender import studio
    from training.blender.build import build

    with Quiet():
        shots = []
        spots = build(plan, threads)
        with studio.unlit():
            for view in range(VIEWS_PER_SCENE):
                shots += islice(worthwhile(plan, size, view, spots, faults), 1)
        return [picture for shot in shots for picture in photographed(plan, size, shot, faults)]


def worthwhile(
    plan: ScenePlan, size: tuple[int, int], view: int, spots: Spots, faults: Counter[str]
) -> Iterator[Shot]:
    """Cameras that have something to show, judged without light.

    All views are judged before the first is lit: switching between the two costs seconds.
    """
    from training.blender import studio
    from training.blender.build import stand

    nearest = NEAREST_M.get(plan.family, SENSIBLE_M)
    for attempt in range(ATTEMPTS):
        spot = spots(np.random.default_rng([2205, plan.seed, view, attempt]))
        pose = stand(plan, plan_view(plan, size, view, attempt), spot)
        studio.place_camera(pose, size)
        buffers = studio.render_buffers()
        fault = geometry_fault(buffers.depth, buffers.kind, buffers.behind, nearest)
        if fault is None:
            yield Shot(pose=pose, height_m=pose.place[2] - spot.floor_m, buffers=buffers)
        else:
            faults[fault] += 1


def photographed(
    plan: ScenePlan, size: tuple[int, int], shot: Shot, faults: Counter[str]
) -> Iterator[Picture]:
    """The picture of a camera, unless its colours are useless."""
    from training.blender import studio

    studio.place_camera(shot.pose, size)
    solid = np.isfinite(shot.buffers.depth)
    exposure = studio.meter(size, plan.light.look, plan.light.brightness, solid)
    rgb = studio.render_colour(size, exposure)
    fault = colour_fault(rgb)
    if fault is None:
        yield picture_of(plan, size, shot, rgb)
    else:
        faults[fault] += 1


def picture_of(plan: ScenePlan, size: tuple[int, int], shot: Shot, rgb: np.ndarray) -> Picture:
    """What the shard keeps of a view."""
    pose, buffers = shot.pose, shot.buffers
    normals = normals_in_camera(buffers.normal, pose, size)
    return Picture(
        rgb=rgb,
        depth=np.where(np.isinf(buffers.depth), np.inf, np.minimum(buffers.depth, LONGEST_M)),
        normal=np.rint(127 * normals),
        kind=buffers.kind,
        K=pose.intrinsics(size),
        c2scene=pose.c2scene,
        level=(pose.pitch_deg, pose.roll_deg, shot.height_m),
        seed=plan.seed,
        family=plan.family.value,
        weather=plan.weather.value,
    )


class Quiet:
    """Keeps Blender's chatter out of the log."""

    def __enter__(self) -> None:
        sys.stdout.flush()
        self.kept = os.dup(1)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.close(nowhere)

    def __exit__(self, *_: object) -> None:
        os.dup2(self.kept, 1)
        os.close(self.kept)


if __name__ == "__main__":
    main()
