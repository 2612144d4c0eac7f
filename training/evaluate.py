"""Judge depth networks on photographs with measured depth, beside two trivial answers.

    python -m training.evaluate --data FOLDER [--onnx FILE ...] [--tcmonodepth FILE] [--product]

FOLDER holds `manifest.json`: a list `gt` of `name`, `image`, `disparity` (16-bit PNG), `scale`
(of the PNG's numbers), `dense` and `kind`. Our network is run exactly as the product runs it;
with `--product` structure is laid under its answer and outlines on the picture's, as for a
video.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from lyra_zoom.engines.embedded.depth import BundledDepth
from lyra_zoom.engines.embedded.network import Network, planes
from lyra_zoom.engines.embedded.scene import scene_from_relative
from lyra_zoom.engines.engine import Photo
from lyra_zoom.geometry.image import Size, resize
from training.metrics import Score, score

Predictor = Callable[[np.ndarray], np.ndarray]


def constant(rgb: np.ndarray) -> np.ndarray:
    """Everything is equally far."""
    return np.zeros(rgb.shape[:2], np.float32)


def gradient(rgb: np.ndarray) -> np.ndarray:
    """The lower in the picture, the nearer."""
    height, width = rgb.shape[:2]
    return np.repeat(np.linspace(0, 1, height, dtype=np.float32)[:, None], width, axis=1)


def network(path: Path | None) -> Predictor:
    """The bundled network, or one of the same form."""
    model = BundledDepth() if path is None else BundledDepth(path)

    def predict(rgb: np.ndarray) -> np.ndarray:
        depth = model.estimate(rgb)
        seen = depth.disparity * (depth.sky < 0.5)
        return cv2.resize(seen, rgb.shape[1::-1], interpolation=cv2.INTER_LINEAR)

    return predict


def product(path: Path | None) -> Predictor:
    """What a video is made from: the same network's answer, structured and sharpened."""
    model = BundledDepth() if path is None else BundledDepth(path)

    def predict(rgb: np.ndarray) -> np.ndarray:
        scene = scene_from_relative(Photo(texture=rgb, size=Size.of(rgb)), model.estimate(rgb))
        return np.where(scene.sky, 0, scene.disparity).astype(np.float32)

    return predict


def tcmonodepth(path: Path) -> Predictor:
    """TCMonoDepth small as published: an ONNX file that takes RGB 0 to 255 at one size."""
    model = Network(path)
    size = model.fixed_size() or Size(320, 192)

    def predict(rgb: np.ndarray) -> np.ndarray:
        answer = model.run(planes(resize(rgb, size).astype(np.float32)))[0]
        return cv2.resize(answer[0, 0], rgb.shape[1::-1], interpolation=cv2.INTER_LINEAR)

    return predict


def read_pair(folder: Path, entry: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """A photograph and its true disparity, 0 where unknown."""
    bgr = cv2.imread(str(folder / entry["image"]))
    numbers = cv2.imread(str(folder / entry["disparity"]), cv2.IMREAD_UNCHANGED)
    if bgr is None or numbers is None:
        raise FileNotFoundError(f"{entry['image']} or {entry['disparity']} in {folder}")
    true = numbers.astype(np.float32) * np.float32(entry["scale"])
    return np.ascontiguousarray(bgr[..., ::-1]), true


def judge(predict: Predictor, folder: Path) -> dict[str, tuple[str, Score, float]]:
    """Kind, score and seconds of every picture of the folder."""
    results = {}
    for entry in json.loads((folder / "manifest.json").read_text())["gt"]:
        rgb, true = read_pair(folder, entry)
        start = time.process_time()
        predicted = predict(rgb)
        seconds = time.process_time() - start
        if predicted.shape != true.shape:
            predicted = cv2.resize(predicted, true.shape[::-1])
        results[entry["name"]] = (
            entry["kind"],
            score(predicted, true, entry["dense"]),
            seconds,
        )
    return results


def mean(scores: list[Score]) -> Score:
    """Mean of each number over the pictures that have it."""
    table = np.array([astuple(s) for s in scores])
    known = np.isfinite(table)
    sums = np.where(known, table, 0).sum(axis=0)
    return Score(
        *(float(x) for x in np.where(known.any(0), sums / np.maximum(known.sum(0), 1), np.nan))
    )


def row(name: str, result: Score) -> str:
    """One line of the table."""
    return f"{name:30s}" + "".join(f"{value:9.3f}" for value in astuple(result))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--onnx", type=Path, action="append", default=[])
    parser.add_argument("--tcmonodepth", type=Path, help="its ONNX file, to compare with")
    parser.add_argument("--product", action="store_true", help="also what a video is made from")
    parser.add_argument("--per-image", action="store_true")
    options = parser.parse_args()
    predictors: dict[str, Predictor] = {"constant": constant, "vertical gradient": gradient}
    if options.tcmonodepth:
        predictors["TCMonoDepth small"] = tcmonodepth(options.tcmonodepth)
    for path in options.onnx or [None]:
        name = "bundled network" if path is None else path.name
        predictors[name] = network(path)
        if options.product:
            predictors[f"{name}, structured"] = product(path)
    print(f"{'':30s}   AbsRel   delta1  ordinal    edgeP    edgeR")
    for name, predict in predictors.items():
        results = judge(predict, options.data)
        print(row(name, mean([s for _, s, _ in results.values()])))
        for kind in sorted({kind for kind, _, _ in results.values()}):
            print(row("  " + kind, mean([s for k, s, _ in results.values() if k == kind])))
        if options.per_image:
            for picture, (_, result, _) in results.items():
                print(row("    " + picture, result))


if __name__ == "__main__":
    main()
