"""Show the depth of photographs, also from the side, where bent ground and leaning walls show.

    python -m training.show PHOTOGRAPHS --out FOLDER [--onnx FILE]

Writes one picture per photograph, all as a video is made from it (cropped, structure laid under
the network's answer, the field of view told by the file or assumed): the photograph, inverse
depth (near is red, far blue, sky black), normals (right is red, up green, towards the camera
blue), then its points from 30 degrees to the left, from above and from the side.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw

from lyra_zoom.engines.embedded.depth import WEIGHTS, BundledDepth, DepthModel
from lyra_zoom.engines.embedded.scene import EmbeddedScene, scene_from_relative
from lyra_zoom.errors import InputRejected
from lyra_zoom.geometry.camera import Intrinsics, pixel_centres, project, unproject
from lyra_zoom.geometry.image import RgbImage, Size, resize
from lyra_zoom.geometry.rigid import Points, look_at
from lyra_zoom.pipeline.decode import decode_photo

VIDEO, TILE = Size(832, 480), Size(416, 240)
TURN_RAD = math.radians(30)
STEP_BACK = 1.8  # times D, from what the turn goes round
FARTHEST = 6.0  # times D: points farther away are not drawn
PLAN_DEPTH = 0.6 * FARTHEST  # times D: the most that a plan and a profile show
PLAN_SHARE = 0.98  # of the points that they show of a shallow scene
PROFILE_EYE = 0.45  # of a profile's height: how far down it the camera is
SUFFIXES = {".png", ".jpg", ".jpeg", ".webp"}
HEADING_PX, GAP_PX = 16, 4


def sheet(scene: EmbeddedScene, size: Size = TILE) -> RgbImage:
    """Six pictures of a scene in two rows, each under its name."""
    tiles = {
        "photograph": resize(scene.picture, size),
        "inverse depth": disparity_colours(scene, size),
        "normals": normals(scene, size),
        "30 degrees from the left": aside(scene, size),
        "from above: camera below, far is up": from_above(scene, size),
        "from the side: camera left, far is right": profile(scene, size),
    }
    named = [_named(name, tile) for name, tile in tiles.items()]
    return np.vstack([np.hstack(named[:3]), np.hstack(named[3:])])


def disparity_colours(scene: EmbeddedScene, size: Size) -> RgbImage:
    """Near is red, far is blue, sky is black."""
    relative = scene.disparity / np.percentile(scene.disparity, 99)
    colours = cv2.applyColorMap(
        (np.clip(relative, 0, 1) * 255).astype(np.uint8), cv2.COLORMAP_TURBO
    )
    colours[scene.sky] = 0
    return resize(np.ascontiguousarray(colours[..., ::-1]), size)


def normals(scene: EmbeddedScene, size: Size) -> RgbImage:
    """Directions of the surfaces: right is red, up is green, towards the camera is blue."""
    depth = resize(np.minimum(scene.depth, 100 * scene.subject_depth), size)
    points = unproject(pixel_centres(size), depth.astype(np.float64), _intrinsics(scene, size))
    away = np.cross(np.gradient(points, axis=1), np.gradient(points, axis=0))
    away /= np.maximum(np.linalg.norm(away, axis=-1, keepdims=True), 1e-12)
    colours = ((away * [-1, 1, 1] + 1) * 127.5).astype(np.uint8)
    colours[resize(scene.sky.astype(np.float32), size) > 0.5] = 0
    return colours


def aside(scene: EmbeddedScene, size: Size) -> RgbImage:
    """The points as a camera 30 degrees to the left sees them, a little further back."""
    D = scene.subject_depth
    target = np.array([0.0, 0.0, D])
    away = np.array([-math.sin(TURN_RAD), -0.12, -math.cos(TURN_RAD)])
    points, colours = points_of(scene)
    w2c = look_at(target + STEP_BACK * D * away, target)
    return _dotted(project(points, w2c, _intrinsics(scene, size)), colours, size)


def from_above(scene: EmbeddedScene, size: Size) -> RgbImage:
    """A plan: the camera at the middle of the lower border, far is up."""
    points, colours = points_of(scene)
    per_unit = size.height / _plan_depth(points, scene.subject_depth)
    x = size.width / 2 + points[:, 0] * per_unit
    y = size.height - points[:, 2] * per_unit
    height = points[:, 1] - points[:, 1].min() + 1e-3  # what is higher hides what is lower
    return _dotted(np.stack([x, y, height], 1), colours, size)


def profile(scene: EmbeddedScene, size: Size) -> RgbImage:
    """An elevation: the camera at the left border, far is right; level ground is level."""
    points, colours = points_of(scene)
    per_unit = size.width / _plan_depth(points, scene.subject_depth)
    x = points[:, 2] * per_unit
    y = PROFILE_EYE * size.height + points[:, 1] * per_unit
    side = points[:, 0] - points[:, 0].min() + 1e-3  # what is farther left hides what is right
    return _dotted(np.stack([x, y, side], 1), colours, size)


def points_of(scene: EmbeddedScene) -> tuple[Points, np.ndarray]:
    """World points of what is not sky and not too far, and their colours."""
    depth = scene.depth
    shown = depth < FARTHEST * scene.subject_depth
    points = unproject(
        pixel_centres(scene.size)[shown], depth[shown].astype(np.float64), scene.K
    )
    return points, scene.picture[shown]


def _plan_depth(points: Points, D: float) -> float:
    """How far a plan and a profile reach, in scene units."""
    if len(points) == 0:
        return PLAN_DEPTH * D
    return min(PLAN_DEPTH * D, 1.05 * float(np.quantile(points[:, 2], PLAN_SHARE)))


def save_sheets(files: Iterable[Path], out: Path, model: DepthModel) -> list[Path]:
    """Write a sheet for each photograph, named after it; a file that is none is named."""
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for path in files:
        try:
            photo = decode_photo(path.read_bytes(), VIDEO, lambda what: None)
        except InputRejected as error:
            print(f"{path.name} is left out: {error}")
            continue
        scene = scene_from_relative(photo, model.estimate(photo.texture))
        written.append(out / f"{path.stem}.png")
        Image.fromarray(sheet(scene)).save(written[-1])
        print(written[-1], flush=True)
    return written


def _intrinsics(scene: EmbeddedScene, size: Size) -> Intrinsics:
    K = scene.K.copy()
    K[:2] *= size.width / scene.size.width
    return K


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


def _named(name: str, picture: RgbImage) -> RgbImage:
    size = Size.of(picture)
    tile = Image.new("RGB", (size.width + GAP_PX, size.height + HEADING_PX), "white")
    tile.paste(Image.fromarray(picture), (0, HEADING_PX))
    ImageDraw.Draw(tile).text((2, 2), name, fill="black")
    return np.asarray(tile)


def main() -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photographs", type=Path, metavar="PHOTOGRAPHS", help="a folder")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--onnx", type=Path, default=WEIGHTS, help="another network of ours")
    options = parser.parse_args()
    files = sorted(options.photographs.iterdir())
    photographs = [path for path in files if path.suffix.lower() in SUFFIXES]
    save_sheets(photographs, options.out, BundledDepth(options.onnx))


if __name__ == "__main__":
    main()
