"""Draw one frame with the engine of whichever version is imported; for `before_after.py`.

Reads an .npz file with a photograph, a path in units where its subject is `subject_depth` away,
and a camera of it; puts the frame in the file's place. Uses only what old versions have too.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from lyra_zoom.bench.quality_methods import WithEstimatedDepth
from lyra_zoom.engines.engine import Photo
from lyra_zoom.geometry.camera import CameraPath
from lyra_zoom.geometry.image import Size


def main() -> None:
    """Draw what the file asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("order", type=Path, help="an .npz file as before_after.py writes it")
    order = parser.parse_args().order
    with np.load(order) as file:
        asked = dict(file)
    size = Size(*(int(side) for side in asked["size"]))
    photo = Photo(texture=asked["texture"], size=size, focal_px=float(asked["focal_px"]))
    subject = SimpleNamespace(
        photo=photo, seed=int(asked["seed"]), subject_depth=float(asked["subject_depth"])
    )
    path = CameraPath(asked["path_w2c"], asked["path_K"], size)
    drawn = WithEstimatedDepth()(subject, path)(asked["w2c"], asked["K"])
    np.savez(order, rgb=drawn.rgb, holes=drawn.holes)


if __name__ == "__main__":
    main()
