"""Truth from files: places rendered along the moves, as `training.blender.novel` does.

The file's own words say what it holds. Its metres become units of the subject's depth, so that
a horizon of many kilometres stays nearer than the sky.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lyra_zoom.bench.quality_truth import Sight, Subject
from lyra_zoom.engines.engine import Photo
from lyra_zoom.errors import ViewsUnreadable
from lyra_zoom.geometry.camera import Intrinsics
from lyra_zoom.geometry.depth import subject_depth
from lyra_zoom.geometry.image import Size, resize
from lyra_zoom.geometry.rigid import Rigid

SAME_PLACE = 1e-4  # of D, and of a turn in radians: cameras this alike are the same
SAME_FOCAL = 1e-4  # relative


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedTruth:
    """The views that were rendered: one row of each array per camera, depth in units of D."""

    rgb: np.ndarray
    depth: np.ndarray
    w2c: np.ndarray
    K: np.ndarray

    def sight(self, w2c: Rigid, K: Intrinsics) -> Sight | None:
        """What that camera sees, if it is one of those that were rendered."""
        off = np.abs(self.w2c - w2c).max(axis=(1, 2), initial=0)
        focal_off = np.abs(self.K[:, 0, 0] / K[0, 0] - 1)
        same = np.flatnonzero((off < SAME_PLACE) & (focal_off < SAME_FOCAL))
        return Sight(self.rgb[same[0]], self.depth[same[0]]) if same.size else None

    def way_is_free(self, w2c: Rigid) -> bool:
        """Moves with a blocked way were not rendered."""
        return True


def read_views(folder: Path) -> Iterator[Subject]:
    """The places of a folder, one per file, in the order of their names."""
    files = sorted(folder.glob("*.npz"))
    if not files:
        raise ViewsUnreadable(f"there is no .npz file in {folder}")
    for path in files:
        yield read_subject(path)


def read_subject(path: Path) -> Subject:
    """One rendered place; the world's unit becomes its subject's depth."""
    try:
        with path.open("rb") as file, np.load(file) as held:
            return _subject(dict(held), path.stem)
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ViewsUnreadable(f"{path} holds no rendered views: {error}") from error


def _subject(held: Mapping[str, np.ndarray], name: str) -> Subject:
    metres = held["photograph_depth"]
    D_m = subject_depth(metres, np.isfinite(metres))
    size, texture, K = Size.of(metres), held["photograph"], held["photograph_K"]
    depth = (metres / D_m).astype(np.float32)
    w2c = held["w2c"].copy()
    w2c[:, :3, 3] /= D_m
    picture = resize(texture, size)
    depths = np.concatenate([depth[None], (held["depth"] / D_m).astype(np.float32)])
    truth = RenderedTruth(
        rgb=np.concatenate([picture[None], held["rgb"]]),
        depth=depths,
        w2c=np.concatenate([np.eye(4)[None], w2c]),
        K=np.concatenate([K[None], held["K"]]),
    )
    return Subject(
        seed=int(name) if name.isdecimal() else 0,
        family=str(held["family"]),
        truth=truth,
        photo=Photo(texture=texture, size=size, focal_px=float(K[0, 0])),
        picture=picture,
        depth=depth,
        K=K,
        subject_depth=1.0,
    )
