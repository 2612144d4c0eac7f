"""A contact sheet of a shard: colour, disparity, normals and kinds of its pictures, as PNG.

python -m training.blender.sheet --shard SCRATCH/blender/00000.npz --out sheet.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from training.blender.shards import Picture, load_shard

KIND_COLOURS = np.array(
    [
        (0, 0, 0),
        (150, 110, 70),
        (60, 110, 220),
        (220, 80, 70),
        (200, 160, 60),
        (200, 60, 200),
        (60, 180, 70),
        (140, 160, 90),
    ],
    np.uint8,
)
"""One per `Kind`."""

COLUMNS = 3


def main() -> None:
    """Write the sheet of one shard."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shard", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--every", type=int, default=3, help="show one picture of so many")
    parser.add_argument("--scale", type=float, default=0.4)
    options = parser.parse_args()
    tiles = [tile(picture) for picture in load_shard(options.shard)[:: options.every]]
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % COLUMNS)
    rows = [np.concatenate(tiles[i : i + COLUMNS], 1) for i in range(0, len(tiles), COLUMNS)]
    sheet = Image.fromarray(np.concatenate(rows))
    sheet.resize([round(side * options.scale) for side in sheet.size]).save(options.out)


def tile(picture: Picture) -> np.ndarray:
    """Colour beside disparity, normals beside kinds."""
    depth = picture.depth.astype(np.float32)
    disparity = np.where(np.isinf(depth), 0, 1 / np.maximum(depth, 1e-3))
    grey = np.clip(disparity / np.percentile(disparity, 98), 0, 1) ** 0.5
    shaded = np.repeat((255 * grey).astype(np.uint8)[..., None], 3, axis=2)
    normals = (picture.normal.astype(np.int16) + 128).clip(0, 255).astype(np.uint8)
    kinds = KIND_COLOURS[picture.kind]
    top, bottom = [picture.rgb, shaded], [normals, kinds]
    return np.concatenate([np.concatenate(top, 1), np.concatenate(bottom, 1)])


if __name__ == "__main__":
    main()
