"""Show the depth of photographs from the side, where bent ground and leaning walls cannot hide.

    python -m training.side_views --photos FOLDER --out sheet.png [--onnx FILE]

One row per photograph: the picture, its disparity, normals of its surfaces, and its points seen
from 30 degrees to the left and from above.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import cv2
import numpy as np

from lyra_zoom.engines.embedded.depth import depth_model
from lyra_zoom.engines.embedded.scene import EmbeddedScene, scene_from_relative
from lyra_zoom.geometry.camera import pixel_centres, project, unproject
from lyra_zoom.geometry.image import RgbImage, Size, resize
from lyra_zoom.geometry.rigid import Points, look_at
from lyra_zoom.pipeline.decode import decode_photo

SHOWN = Size(416, 240)
TURN_RAD = math.radians(30)
STEP_BACK = 1.8  # times D, from what the turn goes round
FARTHEST = 6.0  # times D: what a plan shows, and the points that are drawn from the side
PHOTOGRAPHS = {".png", ".jpg", ".jpeg", ".webp"}


def points_of(scene: EmbeddedScene) -> tuple[Points, np.ndarray]:
    """World points of what is not sky and not too far, and their colours."""
    depth = scene.depth
    shown = depth < FARTHEST * scene.subject_depth
    points = unproject(
        pixel_centres(scene.size)[shown], depth[shown].astype(np.float64), scene.K
    )
    return points, scene.picture[shown]


def aside(scene: EmbeddedScene, size: Size) -> RgbImage:
    """The points as a camera 30 degrees to the left sees them, a little further back."""
    D = scene.subject_depth
    target = np.array([0.0, 0.0, D])
    away = np.array([-math.sin(TURN_RAD), -0.12, -math.cos(TURN_RAD)])
    points, colours = points_of(scene)
    K = scene.K.copy()
    K[:2] *= size.width / scene.size.width
    return _dotted(
        project(points, look_at(target + STEP_BACK * D * away, target), K), colours, size
    )


def from_above(scene: EmbeddedScene, size: Size) -> RgbImage:
    """A plan: the camera at the middle of the lower border, far is up."""
    points, colours = points_of(scene)
    per_unit = size.height / (0.6 * FARTHEST * scene.subject_depth)
    x = size.width / 2 + points[:, 0] * per_unit
    y = size.height - points[:, 2] * per_unit
    height = points[:, 1] - points[:, 1].min() + 1e-3  # what is higher hides what is lower
    return _dotted(np.stack([x, y, height], 1), colours, size)


def normals(scene: EmbeddedScene, size: Size) -> RgbImage:
    """Directions of the surfaces as colours: right is red, down is green, away is blue."""
    depth = resize(np.minimum(scene.depth, 100 * scene.subject_depth), size)
    K = scene.K.copy()
    K[:2] *= size.width / scene.size.width
    points = unproject(pixel_centres(size), depth.astype(np.float64), K)
    n = np.cross(np.gradient(points, axis=1), np.gradient(points, axis=0))
    n /= np.maximum(np.linalg.norm(n, axis=-1, keepdims=True), 1e-12)
    return ((n + 1) * 127.5).astype(np.uint8)


def disparity_colours(scene: EmbeddedScene, size: Size) -> RgbImage:
    """Near is red, far is blue, sky is black."""
    relative = scene.disparity / np.percentile(scene.disparity, 99)
    colours = cv2.applyColorMap(
        (np.clip(relative, 0, 1) * 255).astype(np.uint8), cv2.COLORMAP_TURBO
    )
    colours[scene.sky] = 0
    return resize(colours[..., ::-1], size)


def _dotted(places: Points, colours: np.ndarray, size: Size) -> RgbImage:
    """Points of two by two pixels on white, the nearest last: x, y and distance per point."""
    picture = np.full((size.height, size.width, 3), 255, np.uint8)
    order = np.argsort(-places[:, 2], kind="stable")
    order = order[places[order, 2] > 0]
    x, y = np.floor(places[order, :2]).astype(int).T
    for right, down in ((0, 0), (1, 0), (0, 1), (1, 1)):
        column, row = x + right, y + down
        inside = (column >= 0) & (column < size.width) & (row >= 0) & (row < size.height)
        picture[row[inside], column[inside]] = colours[order][inside]
    return picture


def main() -> None:
    """Write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--onnx", type=Path, help="a Depth Anything file, not our own network")
    options = parser.parse_args()
    model, rows = depth_model(options.onnx), []
    for path in sorted(options.photos.iterdir()):
        if path.suffix.lower() not in PHOTOGRAPHS:
            continue
        photo = decode_photo(path.read_bytes(), SHOWN.scaled(2), print)
        scene = scene_from_relative(photo, model.estimate(photo.texture))
        views = (disparity_colours, normals, aside, from_above)
        rows.append(
            np.hstack([resize(scene.picture, SHOWN), *(view(scene, SHOWN) for view in views)])
        )
    cv2.imwrite(str(options.out), np.vstack(rows)[..., ::-1])


if __name__ == "__main__":
    main()
