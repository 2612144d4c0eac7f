"""Shards: many pictures of one size in one compressed file, and how to read them again.

`NNNNN.npz` holds, with N pictures of H x W:

    rgb      uint8    (N, H, W, 3)
    depth    float16  (N, H, W)     metres along the optical axis, inf = sky
    normal   int8     (N, H, W, 3)  127 x unit normal in camera axes (x right, y down, z
                                    forward), towards the camera; 0 = sky
    kind     uint8    (N, H, W)     0 sky, else the numbers of `Kind`
    K        float32  (N, 3, 3)     for this size; pixel centres at half integers
    c2scene  float32  (N, 4, 4)     camera to scene (z up), shared by the views of a scene
    level    float32  (N, 3)        pitch and roll in degrees, height over the floor in metres
    seed     int64    (N,)          the scene
    family   str      (N,)
    weather  str      (N,)
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np


class Kind(IntEnum):
    """What a pixel belongs to."""

    SKY = 0
    GROUND = 1
    WATER = 2
    WALL = 3
    ROOF = 4
    """Roofs and ceilings."""
    THING = 5
    """Stands, lies or hangs: furniture, cars, people, posts, boats."""
    PLANT = 6
    TERRAIN = 7
    """Ground that is not level."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One rendered view with everything known about it; arrays as the shard stores them."""

    rgb: np.ndarray
    depth: np.ndarray
    normal: np.ndarray
    kind: np.ndarray
    K: np.ndarray
    c2scene: np.ndarray
    level: tuple[float, float, float]
    seed: int
    family: str
    weather: str


DTYPES: dict[str, Any] = {
    "rgb": np.uint8,
    "depth": np.float16,
    "normal": np.int8,
    "kind": np.uint8,
    "K": np.float32,
    "c2scene": np.float32,
    "level": np.float32,
    "seed": np.int64,
    "family": "U16",
    "weather": "U16",
}


def shard_path(folder: Path, number: int) -> Path:
    """Where a shard lies."""
    return folder / f"{number:05d}.npz"


def save_shard(path: Path, pictures: list[Picture]) -> None:
    """Write under a temporary name first, so that readers never see half a shard."""
    columns: dict[str, Any] = {
        name: np.stack(
            [np.asarray(getattr(picture, name)).astype(kind) for picture in pictures]
        )
        for name, kind in DTYPES.items()
    }
    unfinished = path.with_name(path.stem + ".unfinished.npz")
    np.savez_compressed(unfinished, **columns)
    unfinished.rename(path)


def load_shard(path: Path) -> list[Picture]:
    """The pictures of a shard."""
    with np.load(path) as stored:
        columns = {name: stored[name] for name in DTYPES}
    return [
        Picture(
            rgb=columns["rgb"][i],
            depth=columns["depth"][i],
            normal=columns["normal"][i],
            kind=columns["kind"][i],
            K=columns["K"][i],
            c2scene=columns["c2scene"][i],
            level=(columns["level"][i][0], columns["level"][i][1], columns["level"][i][2]),
            seed=int(columns["seed"][i]),
            family=str(columns["family"][i]),
            weather=str(columns["weather"][i]),
        )
        for i in range(len(columns["seed"]))
    ]
