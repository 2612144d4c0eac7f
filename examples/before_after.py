"""Compare two versions of the engine on places whose other views are known.

    git worktree add ../before COMMIT
    python examples/before_after.py ../before --views SCRATCH/novel --move orbit --out sheet.jpg

One row per place: photograph, true view, two simpler methods with true depth, then the engine
of the other checkout and this one's, each with the depth it sees itself, and this one's with
true depth.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from lyra_zoom.bench.baselines import Drawn
from lyra_zoom.bench.quality import PRESETS, fresh_seeds, generated_subjects
from lyra_zoom.bench.quality_methods import (
    CUT,
    OURS,
    OURS_ESTIMATED,
    STRETCHED,
    Draw,
    methods,
)
from lyra_zoom.bench.quality_rendered import read_views
from lyra_zoom.bench.quality_sheet import save_sheet
from lyra_zoom.bench.quality_truth import Subject
from lyra_zoom.geometry.camera import CameraPath, Intrinsics
from lyra_zoom.geometry.rigid import Rigid

DRAW_ONE_FRAME = Path(__file__).with_name("draw_one_frame.py")


def main() -> None:
    """Write the sheet."""
    options = read_options()
    subjects = (
        read_views(options.views)
        if options.views
        else generated_subjects(fresh_seeds(options.scenes))
    )
    known = methods()

    def before(subject: Subject, path: CameraPath) -> Draw:
        return lambda w2c, K: draw_there(options.before, subject, path, (w2c, K))

    contenders = {
        "stretched, true depth": known[STRETCHED],
        "cut + Telea, true depth": known[CUT],
        "before, own depth": before,
        "now, own depth": known[OURS_ESTIMATED],
        "now, true depth": known[OURS],
    }
    presets = [preset for preset in PRESETS if options.move in preset.name]
    save_sheet(options.out, subjects, presets, print, contenders)


def read_options() -> argparse.Namespace:
    """What to compare on what."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before", type=Path, help="a checkout of another version")
    parser.add_argument("--views", type=Path, help="what training.blender.novel rendered")
    parser.add_argument("--scenes", type=int, default=4, help="ray-cast ones, without --views")
    parser.add_argument("--move", default="orbit", help="part of the name of a move")
    parser.add_argument("--out", type=Path, default=Path("sheet.jpg"))
    return parser.parse_args()


def draw_there(
    checkout: Path, subject: Subject, path: CameraPath, camera: tuple[Rigid, Intrinsics]
) -> Drawn:
    """One frame by the engine of another checkout, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        order = Path(folder) / "order.npz"
        np.savez(
            order,
            texture=subject.photo.texture,
            focal_px=subject.photo.focal_px,
            size=np.array([subject.photo.size.width, subject.photo.size.height]),
            seed=subject.seed,
            subject_depth=subject.subject_depth,
            path_w2c=path.w2c,
            path_K=path.K,
            w2c=camera[0],
            K=camera[1],
        )
        source = str(checkout.resolve() / "src")
        subprocess.run(
            [sys.executable, str(DRAW_ONE_FRAME), str(order)],
            env={**os.environ, "PYTHONPATH": source},
            check=True,
        )
        with np.load(order) as drawn:
            return Drawn(drawn["rgb"], drawn["holes"])


if __name__ == "__main__":
    main()
