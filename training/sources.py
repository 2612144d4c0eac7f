"""Where training pictures come from: folders of ray-cast shards and of Blender's, as samples.

Shards that appear in a folder later are used as soon as they are there, new ones first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from training.blender.shards import Kind, Picture, load_shard

OPEN_SHARDS, USES_BEFORE_CLOSED = 8, 6
"""Blender's shards are compressed: so many are kept open, each for so many batches."""

GROUNDS = (Kind.GROUND, Kind.WATER, Kind.TERRAIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A picture and what is known of each pixel.

    `disparity` in any scale, 0 = sky. `normal` is a unit vector in camera axes, 0 where there
    is none or it teaches nothing. `ground`: 1 = what things stand on, 0 = not, -1 = unknown.
    """

    rgb: np.ndarray
    disparity: np.ndarray
    normal: np.ndarray
    ground: np.ndarray
    focal_px: float


class Source(Protocol):
    """Anything that has samples, those of a draw all of one size."""

    def draw(self, count: int, rng: np.random.Generator) -> list[Sample]:
        """Different samples of one shard; empty while there are none."""


class RayCast:
    """Shards of `training.data`; those of before normals were kept go without."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.uses = folder, dict[Path, float]()

    def draw(self, count: int, rng: np.random.Generator) -> list[Sample]:
        """Samples of one shard."""
        shards = sorted(self.folder.glob("[0-9]*.rgb.npy"))
        shards = [path for path in shards if "unfinished" not in path.name]
        if not shards:
            return []
        path = pick(shards, self.uses, rng)
        planes = {
            name: np.load(file, mmap_mode="r")
            for name in ("rgb", "disparity", "normal", "kind", "focal")
            if (file := path.with_name(path.name.replace(".rgb.", f".{name}."))).exists()
        }
        total = len(planes["rgb"])
        self.uses[path] = self.uses.get(path, 0.0) + count / total
        chosen = rng.choice(total, count, replace=False)
        return [ray_cast_sample({k: v[i] for k, v in planes.items()}) for i in chosen]


class Blender:
    """Shards of `training.blender.render`, a few of them open at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.uses = folder, dict[Path, float]()
        self.open: dict[Path, list[Picture]] = {}
        self.draws = 0

    def draw(self, count: int, rng: np.random.Generator) -> list[Sample]:
        """Samples of one shard that is open."""
        shards = sorted(self.folder.glob("[0-9]*.npz"))
        shards = [path for path in shards if "unfinished" not in path.name]
        closed = [path for path in shards if path not in self.open]
        if closed and (len(self.open) < OPEN_SHARDS or self.draws % USES_BEFORE_CLOSED == 0):
            if len(self.open) >= OPEN_SHARDS:
                del self.open[next(iter(self.open))]
            path = pick(closed, self.uses, rng)
            self.open[path] = load_shard(path)
            self.uses[path] = self.uses.get(path, 0.0) + 1
        if not self.open:
            return []
        self.draws += 1
        opened = list(self.open.values())
        pictures = opened[int(rng.integers(len(opened)))]
        chosen = rng.choice(len(pictures), min(count, len(pictures)), replace=False)
        return [blender_sample(pictures[i]) for i in chosen]


def pick(paths: list[Path], uses: dict[Path, float], rng: np.random.Generator) -> Path:
    """One of the files, seldom one that was used often."""
    weights = np.array([0.75 ** min(uses.get(path, 0), 12) + 0.02 for path in paths])
    return paths[int(rng.choice(len(paths), p=weights / weights.sum()))]


def ray_cast_sample(planes: dict[str, np.ndarray]) -> Sample:
    """One picture of a ray-cast shard; normals and ground are unknown in old ones."""
    disparity = planes["disparity"].astype(np.float32)
    height, width = disparity.shape
    sample = Sample(
        rgb=planes["rgb"],
        disparity=disparity,
        normal=np.zeros((height, width, 3), np.float32),
        ground=np.full((height, width), -1, np.float32),
        focal_px=float(width),
    )
    if "kind" not in planes:
        return sample
    return replace(
        sample,
        normal=planes["normal"].astype(np.float32) / 127,
        ground=(planes["kind"] == Kind.GROUND).astype(np.float32),
        focal_px=float(planes["focal"]),
    )


def blender_sample(picture: Picture) -> Sample:
    """One picture of a Blender shard; leaves have no normals worth learning."""
    depth = picture.depth.astype(np.float32)
    plant = (picture.kind == Kind.PLANT)[..., None]
    return Sample(
        rgb=picture.rgb,
        disparity=np.where(np.isfinite(depth), 1 / np.maximum(depth, 1e-3), 0),
        normal=np.where(plant, 0, picture.normal.astype(np.float32) / 127),
        ground=np.isin(picture.kind, GROUNDS).astype(np.float32),
        focal_px=float(picture.K[0, 0]),
    )
