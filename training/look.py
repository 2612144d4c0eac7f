"""A contact sheet of what networks say of photographs: disparity, normals, ground, sky.

    python -m training.look --pictures FOLDER --out sheet.png [--onnx FILE ...]

One row per picture and network. Disparity is bright where near; normals are coloured by axis
(left and right red, up and down green, towards the camera blue); ground is green, sky blue.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from lyra_zoom.engines.embedded.depth import WEIGHTS, BundledDepth, RelativeDepth

HEIGHT = 150
"""Of each tile, in pixels."""


def tiles(rgb: np.ndarray, depth: RelativeDepth) -> np.ndarray:
    """One row of the sheet, RGB."""
    seen = depth.disparity * (depth.sky < 0.5)
    shaded = cv2.applyColorMap((255 * np.sqrt(seen)).astype(np.uint8), cv2.COLORMAP_INFERNO)
    row = [rgb, shaded[..., ::-1]]
    if depth.normal is not None and depth.ground is not None:
        row.append((127.5 * (1 + depth.normal * [1, -1, -1])).astype(np.uint8))
        kinds = np.stack([0 * depth.sky, depth.ground, depth.sky], -1)
        row.append((255 * kinds.clip(0, 1)).astype(np.uint8))
    width = round(HEIGHT * rgb.shape[1] / rgb.shape[0])
    same = [cv2.resize(tile, (width, HEIGHT), interpolation=cv2.INTER_AREA) for tile in row]
    return np.concatenate(same, axis=1)


def stacked(rows: list[np.ndarray]) -> np.ndarray:
    """Rows of different widths under each other, black beside the short ones."""
    width = max(row.shape[1] for row in rows)
    return np.concatenate(
        [np.pad(row, ((0, 2), (0, width - row.shape[1]), (0, 0))) for row in rows]
    )


def main() -> None:
    """Write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--onnx", type=Path, action="append", default=[])
    options = parser.parse_args()
    models = [BundledDepth(path) for path in options.onnx or [WEIGHTS]]
    rows = []
    for path in sorted(options.pictures.iterdir()):
        if path.suffix.lower() not in {".png", ".jpg", ".jpeg"}:
            continue
        bgr = cv2.imread(str(path))
        if bgr is None or path.stem.endswith("_disp16"):
            continue
        rgb = np.ascontiguousarray(bgr[..., ::-1])
        rows += [tiles(rgb, model.estimate(rgb)) for model in models]
    cv2.imwrite(str(options.out), stacked(rows)[..., ::-1])


if __name__ == "__main__":
    main()
