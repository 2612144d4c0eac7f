"""Render training pictures: shards of colour, disparity, normals and kinds of generated scenes.

    python -m training.data --out SCRATCH --shards 200 --seed 1

A shard is five files, all pictures of one size: `NNNNN.rgb.npy` (uint8, N H W 3),
`.disparity.npy` (float16, N H W, largest value about 1, 0 = sky), `.normal.npy` (int8, N H W 3,
127 x unit normal in camera axes, 0 = sky), `.kind.npy` (uint8, N H W, sky, ground or thing of
`blender.shards.Kind`) and `.focal.npy` (float32, N, in pixels). Shard k of a seed always holds
the same bytes; shards that exist are kept, so the command can be stopped and started again, or
run twice with different `--first`.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from lyra_zoom.geometry.image import Size
from lyra_zoom.geometry.rigid import invert_rigid
from lyra_zoom.scenes.layout import World
from lyra_zoom.scenes.raycast import raycast
from lyra_zoom.scenes.scene import Scene, build_scene
from training.blender.shards import Kind

SIZES = [
    Size(256, 192),
    Size(224, 224),
    Size(288, 192),
    Size(288, 160),
    Size(320, 160),
    Size(256, 224),
]
PER_SHARD = 24


class Rendered(NamedTuple):
    """One picture and what is known of it, as the shard stores it; the file names' middles."""

    rgb: np.ndarray
    disparity: np.ndarray
    normal: np.ndarray
    kind: np.ndarray
    focal: np.ndarray


def render(seed: int, size: Size) -> Rendered | None:
    """One picture, or None when there is nothing to learn from."""
    scene = build_scene(seed)
    K = scene.camera.K(size)
    view = raycast(scene, scene.camera.w2c, K, size)
    disparity = np.where(np.isfinite(view.depth), 1 / np.maximum(view.depth, 1e-3), 0)
    sky_share = float((disparity == 0).mean())
    spread = float(np.percentile(disparity, 95) - np.percentile(disparity, 5))
    dull = view.rgb.std() < 8
    if sky_share > 0.8 or spread < 0.02 * disparity.max() or dull:
        return None
    return Rendered(
        rgb=view.rgb,
        disparity=(disparity / np.percentile(disparity, 99.8)).clip(0, 4).astype(np.float16),
        normal=np.rint(127 * view.normals).astype(np.int8),
        kind=kinds_of(scene, view.depth, view.normals, K),
        focal=np.array(K[0, 0], np.float32),
    )


def kinds_of(scene: Scene, depth: np.ndarray, normals: np.ndarray, K: np.ndarray) -> np.ndarray:
    """Sky, ground or thing; ground faces up and lies at height 0, below it or on land."""
    height, width = depth.shape
    u, v = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    sky = ~np.isfinite(depth)
    c2w = invert_rigid(scene.camera.w2c)
    rays = np.stack([u, v, np.ones_like(u)], -1) @ (c2w[:3, :3] @ np.linalg.inv(K)).T
    points = np.where(sky, 0, depth)[..., None] * rays + c2w[:3, 3]
    up = -(normals @ c2w[:3, :3].T)[..., 1]
    over = -points[..., 1]
    near_zero = (over < 0.05) & (up > 0.7)
    on_land = np.abs(over - land_height(scene.world, points)) < 0.06 + 0.01 * depth
    ground = near_zero | (on_land & (up > 0.3))
    return np.where(sky, Kind.SKY, np.where(ground, Kind.GROUND, Kind.THING)).astype(np.uint8)


def land_height(world: World, points: np.ndarray) -> np.ndarray:
    """Height of the terrain under points `(H, W, 3)`, metres; far below where there is none."""
    if world.heights.size <= 1:
        return np.full(points.shape[:2], -1e4)
    x0, z0, cell = world.place[:3]
    map_x = ((points[..., 0] - x0) / cell).astype(np.float32)
    map_y = ((points[..., 2] - z0) / cell).astype(np.float32)
    return cv2.remap(
        world.heights.astype(np.float32), map_x, map_y, cv2.INTER_LINEAR, borderValue=-1e4
    )


def make_shard(number: int, seed: int) -> list[Rendered]:
    """All pictures of one shard; its size and scenes follow from its number and the seed."""
    rng = np.random.default_rng([seed, number])
    size = SIZES[rng.integers(len(SIZES))]
    pictures: list[Rendered] = []
    while len(pictures) < PER_SHARD:
        picture = render(int(rng.integers(1 << 40)), size)
        if picture is not None:
            pictures.append(picture)
    return pictures


def save_shard(folder: Path, number: int, pictures: list[Rendered]) -> None:
    """Write under temporary names first, colour last: readers never see half of a shard."""
    for name in reversed(Rendered._fields):
        unfinished = folder / f"{number:05d}.{name}.unfinished.npy"
        np.save(unfinished, np.stack([getattr(picture, name) for picture in pictures]))
        unfinished.rename(folder / f"{number:05d}.{name}.npy")


def main() -> None:
    """Render the missing shards."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--shards", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for number in range(options.first, options.first + options.shards):
        if (options.out / f"{number:05d}.rgb.npy").exists():
            continue
        start = time.perf_counter()
        save_shard(options.out, number, make_shard(number, options.seed))
        print(
            f"shard {number}: {PER_SHARD / (time.perf_counter() - start):.1f} pictures/s",
            flush=True,
        )


if __name__ == "__main__":
    main()
