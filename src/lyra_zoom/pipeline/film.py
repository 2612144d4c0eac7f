"""A shot made ready to be drawn, chunk by chunk, by one process or by several.

`prepare_film` is stages 1 to 3, `Film.render_chunk` stages 4 and 5. The same shot gives the
same film everywhere, so another process continues by preparing it again, with nothing handed
over.
"""

from __future__ import annotations

import hashlib
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

from lyra_zoom.engines.engine import Engine, Progress, Scene, Stage
from lyra_zoom.geometry.camera import CameraPath
from lyra_zoom.pipeline.cameras import SourceView, plan_legs
from lyra_zoom.pipeline.chunks import Chunk, plan_chunks, prepare_share
from lyra_zoom.pipeline.decode import decode_photo
from lyra_zoom.pipeline.encode import Mp4Writer
from lyra_zoom.pipeline.metadata import Provenance
from lyra_zoom.pipeline.progress import Portion
from lyra_zoom.pipeline.shot import Shot
from lyra_zoom.pipeline.whole_file import whole_file

DECODE_SHARE = 0.2  # of all that comes before the first chunk, on two cores


def prepare_film(shot: Shot, engine: Engine, progress: Progress) -> Film:
    """The film of a shot: its photograph understood, its cameras planned, no frame drawn."""
    started = time.monotonic()
    preparing = Portion(progress, prepare_share(shot))
    preparing.begin("decode", DECODE_SHARE)
    photo = decode_photo(shot.image, shot.size, progress.say)
    scene = engine.build_scene(photo, Portion(preparing, 1 - DECODE_SHARE))
    paths = plan_legs(shot.legs, _view(scene), progress.say)
    return Film(shot, engine, scene, paths, time.monotonic() - started)


class Film:
    """What is known before the first frame; draws any of its chunks, in any order.

    Keeps the leg it drew last set up, for the next chunk of it. Not for two threads at once.
    """

    def __init__(
        self,
        shot: Shot,
        engine: Engine,
        scene: Scene,
        paths: tuple[CameraPath, ...],
        prepare_s: float,
    ) -> None:
        self.shot = shot
        self.chunks = plan_chunks(shot)
        self.prepare_s = prepare_s
        self._engine = engine
        self._scene = scene
        self._paths = paths
        self._stage: tuple[int, Stage] | None = None

    @property
    def path(self) -> CameraPath:
        """The camera of every frame of the film, leg after leg."""
        w2c = np.concatenate([path.w2c for path in self._paths])
        K = np.concatenate([path.K for path in self._paths])
        return CameraPath(w2c, K, self.shot.size)

    def tags(self) -> dict[str, str]:
        """What the finished file says of its making."""
        made = Provenance(
            version=version("lyra-zoom"),
            engine=self._engine.name,
            request=self.shot.request,
            image_sha256=hashlib.sha256(self.shot.image).hexdigest(),
            path=self.path,
        )
        return {"comment": made.to_json()}

    def render_chunk(self, chunk: Chunk, target: Path, progress: Progress) -> float:
        """Draw one chunk into the segment file `target`; the seconds it took.

        `target` appears when it is finished; an error or `Cancelled` leaves nothing behind.
        """
        started = time.monotonic()
        with whole_file(target) as part:
            stage, share = self._stage_of(chunk, progress)
            frames = stage.render(chunk.leg_frames, Portion(progress, share))
            with Mp4Writer(
                part, self.shot.size, self.shot.frames_per_second, len(chunk.frames)
            ) as segment:
                for frame in frames:
                    segment.write(frame)
        return time.monotonic() - started

    def _stage_of(self, chunk: Chunk, progress: Progress) -> tuple[Stage, float]:
        """The chunk's leg, set up, and the share of the work that is left for its frames."""
        if self._stage is not None and self._stage[0] == chunk.leg_index:
            return self._stage[1], chunk.share
        self._stage = None  # its memory is free before the next one takes as much
        setting_up = Portion(progress, chunk.set_up_share)
        path = self._paths[chunk.leg_index]
        stage = self._engine.set_up(self._scene, path, self.shot.sampling, setting_up)
        self._stage = (chunk.leg_index, stage)
        return stage, chunk.share - chunk.set_up_share


def _view(scene: Scene) -> SourceView:
    return SourceView(
        K=scene.K, size=scene.size, depth=scene.depth, subject_depth=scene.subject_depth
    )
