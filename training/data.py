"""Render training pictures: shards of colour and true disparity from generated scenes.

    python -m training.data --out SCRATCH --shards 200 --seed 1

A shard is a pair of files, `NNNNN.rgb.npy` (uint8, N H W 3) and `NNNNN.disparity.npy`
(float16, N H W, largest value about 1, 0 = sky), all pictures of one size. Shard k of a seed
always holds the same bytes; shards that exist are kept, so the command can be stopped and
started again, or run twice with different `--first`.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from lyra_zoom.geometry.image import Size
from lyra_zoom.scenes.raycast import raycast
from lyra_zoom.scenes.scene import build_scene

SIZES = [
    Size(256, 192),
    Size(224, 224),
    Size(288, 192),
    Size(288, 160),
    Size(320, 160),
    Size(256, 224),
]
PER_SHARD = 24


def render_pair(seed: int, size: Size) -> tuple[np.ndarray, np.ndarray] | None:
    """One picture and its disparity, or None when there is nothing to learn from."""
    scene = build_scene(seed)
    view = raycast(scene, scene.camera.w2c, scene.camera.K(size), size)
    disparity = np.where(np.isfinite(view.depth), 1 / np.maximum(view.depth, 1e-3), 0)
    sky_share = float((disparity == 0).mean())
    spread = float(np.percentile(disparity, 95) - np.percentile(disparity, 5))
    dull = view.rgb.std() < 8
    if sky_share > 0.8 or spread < 0.02 * disparity.max() or dull:
        return None
    return view.rgb, (disparity / np.percentile(disparity, 99.8)).clip(0, 4).astype(np.float16)


def make_shard(number: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """All pictures of one shard; its size and scenes follow from its number and the seed."""
    rng = np.random.default_rng([seed, number])
    size = SIZES[rng.integers(len(SIZES))]
    pairs: list[tuple[np.ndarray, np.ndarray]] = []
    while len(pairs) < PER_SHARD:
        pair = render_pair(int(rng.integers(1 << 40)), size)
        if pair is not None:
            pairs.append(pair)
    return np.stack([rgb for rgb, _ in pairs]), np.stack([disparity for _, disparity in pairs])


def save_shard(folder: Path, number: int, rgb: np.ndarray, disparity: np.ndarray) -> None:
    """Write both files under temporary names first, so that readers never see half of one."""
    for name, array in (("disparity", disparity), ("rgb", rgb)):
        unfinished = folder / f"{number:05d}.{name}.unfinished.npy"
        np.save(unfinished, array)
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
        save_shard(options.out, number, *make_shard(number, options.seed))
        print(
            f"shard {number}: {PER_SHARD / (time.perf_counter() - start):.1f} pictures/s",
            flush=True,
        )


if __name__ == "__main__":
    main()
