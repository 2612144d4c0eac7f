"""Make the example photograph: `python examples/make_photograph.py --out examples/harbour.jpg`.

Needs `pip install bpy pillow` (Blender as a Python module, Python 3.11); the product does not.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import bpy
import numpy as np
from photograph.camera import place_camera, render_colour, render_depth, set_up_cycles
from photograph.harbour import VIEW, build_harbour
from PIL import Image

SEED = 2026
EXPOSURE = 0.35


def main() -> None:
    """Build the harbour once and write the pictures asked for."""
    options = read_options()
    bpy.ops.wm.read_factory_settings(use_empty=True)
    build_harbour(SEED)
    place_camera(VIEW, viewpoint(options), (options.size[0], options.size[1]))
    set_up_cycles(options.samples, EXPOSURE, SEED, options.threads)
    if options.out:
        save_colour(options.out, options.quality)
    if options.depth:
        np.save(options.depth, render_depth())


def read_options() -> argparse.Namespace:
    """What to write, how large, and from where."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="colour, as .jpg or .png")
    parser.add_argument("--depth", type=Path, help="true depth in metres, as .npy, inf = sky")
    parser.add_argument("--size", type=int, nargs=2, default=(1920, 1080), metavar=("W", "H"))
    parser.add_argument("--samples", type=int, default=96, help="paths per pixel")
    parser.add_argument("--quality", type=int, default=92, help="of the JPEG")
    parser.add_argument("--threads", type=int, default=2)
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--move", type=float, nargs=3, metavar=("X", "Y", "Z"), help="metres right, down, ahead"
    )
    where.add_argument(
        "--w2c", type=float, nargs=12, metavar="M", help="3x4 world to camera, row by row"
    )
    return parser.parse_args()


def viewpoint(options: argparse.Namespace) -> np.ndarray:
    """World to camera, 4x4; the world is the camera of the photograph, in OpenCV axes."""
    w2c = np.eye(4)
    if options.move:
        w2c[:3, 3] = -np.array(options.move)
    if options.w2c:
        w2c[:3] = np.array(options.w2c).reshape(3, 4)
    return w2c


def save_colour(path: Path, quality: int) -> None:
    """Render, then write in the format that the name asks for."""
    with tempfile.TemporaryDirectory() as folder:
        drawn = Path(folder) / "colour.png"
        render_colour(drawn)
        with Image.open(drawn) as picture:
            picture.convert("RGB").save(path, quality=quality, subsampling=0, optimize=True)


if __name__ == "__main__":
    main()
