"""A shot made ready to be drawn, chunk by chunk, by one process or by several.

`prepare_film` is stages 1 to 3, `Film.render_chunk` stages 4 and 5. The same shot gives the
same film everywhere, so another process continues by preparing it again. What is handed over
besides are the states of the chunks before, where the engine has any.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

from lyra_zoom.engines.engine import Engine, Progress, Scene, Stage
from lyra_zoom.geometry.camera import CameraPath
from lyra_zoom.pipeline.cameras import PlannedLeg, SourceView, plan_legs, played
from lyra_zoom.pipeline.chunks import Chunk, in_playing_order, plan_chunks, prepare_share
from lyra_zoom.pipeline.decode import decode_photo
from lyra_zoom.pipeline.encode import Mp4Writer
from lyra_zoom.pipeline.join import join_film
from lyra_zoom.pipeline.metadata import Provenance
from lyra_zoom.pipeline.progress import Portion
from lyra_zoom.pipeline.shot import Shot
from lyra_zoom.pipeline.whole_file import whole_file

DECODE_SHARE = 0.2  # of all that comes before the first chunk, on two cores


def prepare_film(shot: Shot, engine: Engine, progress: Progress) -> Film:
    """The film of a shot: its photograph understood, its cameras planned, no frame drawn."""
    started = time.monotonic()
    preparing = Portion(progress, prepare_share(shot, engine.costs(shot.sampling)))
    preparing.begin("decode", DECODE_SHARE)
    photo = decode_photo(shot.image, shot.size, progress.say)
    photo = replace(photo, legs=len(shot.legs))
    scene = engine.build_scene(photo, Portion(preparing, 1 - DECODE_SHARE))
    legs = plan_legs(shot.legs, _view(scene), progress.say)
    return Film(shot, engine, scene, legs, time.monotonic() - started)


@dataclass(slots=True)
class _SetUp:
    """A leg that is ready to be drawn, and the chunk that its stage goes on with."""

    stage: Stage
    leg_index: int
    next_chunk: int


class Film:
    """What is known before the first frame; draws any of its chunks.

    Keeps the leg it drew last set up, for the next chunk of it. Not for two threads at once.
    """

    def __init__(
        self,
        shot: Shot,
        engine: Engine,
        scene: Scene,
        legs: tuple[PlannedLeg, ...],
        prepare_s: float,
    ) -> None:
        self.shot = shot
        self.chunks = plan_chunks(shot, engine.costs(shot.sampling))
        self.prepare_s = prepare_s
        self._engine = engine
        self._scene = scene
        self._legs = legs
        self._set_up: _SetUp | None = None

    @property
    def path(self) -> CameraPath:
        """The camera of every frame of the film, leg after leg."""
        return played(self.shot.legs, tuple(leg.path for leg in self._legs))

    def tags(self) -> dict[str, str]:
        """What the finished file says of its making."""
        made = Provenance(
            version=version("lyra-zoom"),
            engine=self._engine.name,
            request=self.shot.request,
            image_sha256=hashlib.sha256(self.shot.image).hexdigest(),
            path=self.path,
            strengths=self._strengths(),
        )
        return {"comment": made.to_json()}

    def render_chunk(
        self, chunk: Chunk, target: Path, progress: Progress, states: Sequence[bytes] = ()
    ) -> float:
        """Draw one chunk into the segment file `target`; the seconds it took.

        `states` are those of the leg's chunks before, where this film has not drawn them.
        `target` appears when it is finished; an error or `Cancelled` leaves nothing behind.
        """
        started = time.monotonic()
        with whole_file(target) as part:
            ready, share = self._ready_for(chunk, progress, states)
            frames = ready.stage.render(chunk.leg_frames, Portion(progress, share))
            with Mp4Writer(
                part, self.shot.size, self.shot.frames_per_second, len(chunk.frames)
            ) as segment:
                for frame in frames:
                    segment.write(frame)
        ready.next_chunk = chunk.index + 1
        self._set_up = ready
        return time.monotonic() - started

    def state(self) -> bytes | None:
        """What another process needs to go on after the chunk drawn last; see `Stage.state`."""
        return None if self._set_up is None else self._set_up.stage.state()

    def join(self, target: Path, segments: Sequence[Path]) -> None:
        """Write the film of these segments, one per chunk; see `join_film`."""
        join_film(target, in_playing_order(self.chunks, segments), self.tags())

    def goes_on_with(self, chunk: Chunk) -> bool:
        """Whether this is the chunk that follows on the one drawn last: nothing is missing."""
        ready = self._set_up
        return ready is not None and (
            (ready.leg_index, ready.next_chunk) == (chunk.leg_index, chunk.index)
        )

    def _strengths(self) -> dict[str, float]:
        """The strength of each leg that was made, by the name of its field."""
        return {
            f"zoom_{asked.direction}_strength": planned.strength
            for asked, planned in zip(self.shot.legs, self._legs, strict=True)
        }

    def _ready_for(
        self, chunk: Chunk, progress: Progress, states: Sequence[bytes]
    ) -> tuple[_SetUp, float]:
        """The chunk's leg, set up, and the share of the work that is left for its frames.

        What fails halfway is not kept: a stage may only be asked for what follows.
        """
        goes_on = self.goes_on_with(chunk)
        ready, self._set_up = self._set_up, None
        if ready is not None and goes_on:
            return ready, chunk.share
        del ready  # its memory is free before the next one takes as much
        setting_up = Portion(progress, chunk.set_up_share)
        path = self._legs[chunk.leg_index].path
        stage = self._engine.set_up(self._scene, path, self.shot.sampling, setting_up, states)
        return _SetUp(stage, chunk.leg_index, chunk.index), chunk.share - chunk.set_up_share


def _view(scene: Scene) -> SourceView:
    return SourceView(
        K=scene.K, size=scene.size, depth=scene.depth, subject_depth=scene.subject_depth
    )
