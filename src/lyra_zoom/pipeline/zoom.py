"""The path of an image as one story: decode, scene, cameras, frames, encode."""

from __future__ import annotations

import hashlib
import time
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

import numpy as np

from lyra_zoom.contract.zoom import Direction, Timings
from lyra_zoom.engines.engine import Engine, Scene
from lyra_zoom.geometry.camera import CameraPath
from lyra_zoom.pipeline.cameras import SourceView, plan_legs
from lyra_zoom.pipeline.decode import decode_photo
from lyra_zoom.pipeline.encode import Mp4Writer
from lyra_zoom.pipeline.metadata import Provenance
from lyra_zoom.pipeline.progress import Portion, ProgressReport
from lyra_zoom.pipeline.shot import Shot
from lyra_zoom.pipeline.whole_file import whole_file

DECODE_SHARE = 0.02  # of the whole, on two cores


def make_zoom(shot: Shot, engine: Engine, target: Path, progress: ProgressReport) -> Timings:
    """Turn one photograph into one camera move: the MP4 `target` and the seconds it took.

    `target` appears when it is finished; an error or `Cancelled` leaves nothing behind.
    """
    with whole_file(target) as part:
        laps = [time.monotonic()]
        progress.begin("decode", DECODE_SHARE)
        photo = decode_photo(shot.image, shot.size, progress.say)
        scene = engine.build_scene(photo, progress)
        laps.append(time.monotonic())

        paths = plan_legs(shot.legs, _view(scene), progress.say)
        tags = {"comment": _provenance(shot, engine, _joined(paths)).to_json()}
        with Mp4Writer(part, shot.size, shot.frames_per_second, tags) as film:
            for path in paths:
                leg_progress = Portion(progress, len(path) / shot.num_frames)
                for frame in engine.render(scene, path, shot.sampling, leg_progress):
                    film.write(frame)
                film.wait()
                laps.append(time.monotonic())
    progress.finish()
    return _timings(shot, laps)


def _view(scene: Scene) -> SourceView:
    return SourceView(
        K=scene.K, size=scene.size, depth=scene.depth, subject_depth=scene.subject_depth
    )


def _provenance(shot: Shot, engine: Engine, path: CameraPath) -> Provenance:
    return Provenance(
        version=version("lyra-zoom"),
        engine=engine.name,
        request=shot.request,
        image_sha256=hashlib.sha256(shot.image).hexdigest(),
        path=path,
    )


def _joined(paths: tuple[CameraPath, ...]) -> CameraPath:
    """The cameras of the whole video, leg after leg."""
    w2c = np.concatenate([path.w2c for path in paths])
    K = np.concatenate([path.K for path in paths])
    return CameraPath(w2c, K, paths[0].size)


def _timings(shot: Shot, laps: list[float]) -> Timings:
    """Seconds from the clock's readings: at the start, after the scene, after each leg."""
    encode_s, *legs_s = [round(b - a, 3) for a, b in pairwise(laps)]
    seconds = {leg.direction: s for leg, s in zip(shot.legs, legs_s, strict=True)}
    return Timings(
        encode_s=encode_s,
        zoom_in_s=seconds.get(Direction.IN),
        zoom_out_s=seconds.get(Direction.OUT),
    )
