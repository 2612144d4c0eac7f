"""The path of an image as one story: prepare (decode, scene, cameras), chunks, join."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lyra_zoom.contract.zoom import Direction, Timings
from lyra_zoom.engines.engine import Engine
from lyra_zoom.pipeline.chunks import plan_chunks
from lyra_zoom.pipeline.film import prepare_film
from lyra_zoom.pipeline.progress import ProgressReport
from lyra_zoom.pipeline.shot import Shot
from lyra_zoom.pipeline.whole_file import folder_beside, whole_file


def make_zoom(shot: Shot, engine: Engine, target: Path, progress: ProgressReport) -> Timings:
    """Turn one photograph into one camera move: the MP4 `target` and the seconds it took.

    `target` appears when it is finished; an error or `Cancelled` leaves nothing behind.
    """
    with whole_file(target) as part, folder_beside(target) as folder:
        film = prepare_film(shot, engine, progress)
        segments = [folder / f"{chunk.index}.mp4" for chunk in film.chunks]
        chunks_s = [
            film.render_chunk(chunk, segment, progress)
            for chunk, segment in zip(film.chunks, segments, strict=True)
        ]
        film.join(part, segments)
    progress.finish()
    return timings_of(shot, film.prepare_s, chunks_s)


def timings_of(shot: Shot, prepare_s: float, chunks_s: Sequence[float]) -> Timings:
    """What the answer says of the time: `chunks_s` are seconds per chunk, whoever made it."""
    legs_s: dict[Direction, float] = {}
    for chunk, seconds in zip(plan_chunks(shot), chunks_s, strict=True):
        legs_s[chunk.leg.direction] = legs_s.get(chunk.leg.direction, 0.0) + seconds
    rounded = {direction: round(seconds, 3) for direction, seconds in legs_s.items()}
    return Timings(
        encode_s=round(prepare_s, 3),
        zoom_in_s=rounded.get(Direction.IN),
        zoom_out_s=rounded.get(Direction.OUT),
    )
