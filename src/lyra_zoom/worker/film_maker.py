"""Makes films piece by piece; keeps the one in hand, so that its next piece begins at once.

Every call names its film completely: a process that has never heard of it prepares it first.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from lyra_zoom.contract.zoom import EngineName, ZoomInput
from lyra_zoom.engines.engine import Engine, Repeated
from lyra_zoom.errors import EngineNotReady, InputRejected
from lyra_zoom.pipeline.chunks import Chunk, plan_chunks
from lyra_zoom.pipeline.film import Film, prepare_film
from lyra_zoom.pipeline.progress import ProgressReport, ProgressUpdate
from lyra_zoom.pipeline.shot import Shot, plan_shot, random_seed
from lyra_zoom.pipeline.whole_file import whole_file
from lyra_zoom.pipeline.words import notes_on
from lyra_zoom.pipeline.zoom import timings_of
from lyra_zoom.worker.engine_messages import FilmOrder, Line

Choose = Callable[[str, Callable[[str], None]], Engine]
"""The engine of a name, ready to work, or `EngineNotReady`; tells why it was chosen."""


@dataclass(slots=True)
class _Work:
    """A film in the making; `next_piece` is the chunk that its report expects."""

    order: FilmOrder
    film: Film
    report: ProgressReport
    next_piece: int = 0


class FilmMaker:
    """Makes one film at a time. `tell` hears of progress, and stops the work by raising."""

    def __init__(self, choose: Choose) -> None:
        self._choose = choose
        self._engines: dict[str, tuple[Engine, tuple[str, ...]]] = {}
        self._work: _Work | None = None
        self.tell: Callable[[ProgressUpdate], None] = lambda update: None

    def load(self) -> str:
        """Choose the best engine of this machine and return its name, or `EngineNotReady`."""
        return self._engine("auto")[0].name

    def why_not_ready(self) -> str | None:
        """What has befallen one of the engines since it was chosen, in one sentence."""
        reasons = (engine.why_not_ready() for engine, _ in self._engines.values())
        return next((reason for reason in reasons if reason is not None), None)

    def warm_up(self, report: ProgressReport) -> None:
        """Compile and load whatever the first film would wait for, by making three frames."""
        request = ZoomInput(image_url="-", prompt="")
        shot = plan_shot(request, _small_photograph(), seed=0)
        film = prepare_film(shot, self._engine("auto")[0], report)
        few = replace(film.chunks[0], frames=range(3), leg_frames=range(3))
        with TemporaryDirectory(prefix="lyra-zoom-") as folder:
            film.render_chunk(few, Path(folder) / "warm.mp4", report)

    def prepare(self, order: FilmOrder) -> Line:
        """Understand the photograph; answers the seed, the number of chunks and the seconds."""
        self._work = None
        seed = random_seed() if order.seed is None else order.seed
        order = replace(order, seed=seed)
        request, engine, said = self._chosen(order)
        report = ProgressReport(self._tell)
        for line in said:
            report.say(line)
        for note in notes_on(request, engine.name):
            report.say(note)
        film = prepare_film(_shot(order, request), engine, report)
        self._work = _Work(order, film, report)
        return {"seed": seed, "chunks": len(film.chunks), "prepare_s": film.prepare_s}

    def chunk(
        self, order: FilmOrder, index: int, target: Path, states: Sequence[Path | None] = ()
    ) -> Line:
        """Draw one chunk into the file `target`; answers the seconds.

        `states` are the files that the chunks before left, None where there is none. Where this
        chunk leaves one, the answer names it: it lies beside `target`.
        """
        work = self._resumed(order, index)
        self._work = None  # what fails halfway is prepared anew
        film, chunk = work.film, work.film.chunks[index]
        before = () if film.goes_on_with(chunk) else _states_for(film, chunk, states)
        answer: Line = {"seconds": film.render_chunk(chunk, target, work.report, before)}
        state = film.state()
        if state is not None:
            answer["state"] = str(_write_state(target.with_suffix(".state"), state))
        work.next_piece = index + 1
        self._work = work
        return answer

    def join(
        self,
        order: FilmOrder,
        segments: Sequence[Path],
        target: Path,
        prepare_s: float,
        chunks_s: Sequence[float],
    ) -> Line:
        """Make one film of its segments; answers what the answer says of the video."""
        work = self._resumed(order, len(segments))
        self._work = None
        with whole_file(target) as part:
            work.film.join(part, segments)
        work.report.finish()
        shot = work.film.shot
        return {
            "width": shot.size.width,
            "height": shot.size.height,
            "fps": shot.frames_per_second,
            "duration": shot.num_frames / shot.frames_per_second,
            "num_frames": shot.num_frames,
            "timings": timings_of(shot, prepare_s, chunks_s).model_dump(exclude_none=True),
        }

    def _resumed(self, order: FilmOrder, piece: int) -> _Work:
        """The film at this piece: as it was left, or prepared again without a word."""
        work = self._work
        if work is not None and work.order == order and work.next_piece == piece:
            return work
        self._work = None
        request, engine, _ = self._chosen(order)
        shot = _shot(order, request)
        chunks = plan_chunks(shot, engine.costs(shot.sampling))
        done = chunks[piece].done_before if piece < len(chunks) else 1.0
        report = ProgressReport(self._tell, done=done)
        return _Work(order, prepare_film(shot, engine, Repeated(report)), report, piece)

    def _chosen(self, order: FilmOrder) -> tuple[ZoomInput, Engine, tuple[str, ...]]:
        request = ZoomInput.model_validate({**order.request, "image_url": "-"})
        try:
            return request, *self._engine(request.engine)
        except EngineNotReady as error:
            if request.engine is EngineName.AUTO:
                raise
            told = request.engine is EngineName.LYRA2  # what it says is fit for a client
            reason = str(error) if told else f"{request.engine} cannot run on this server"
            raise InputRejected("engine", reason, "feature_not_supported") from error

    def _engine(self, name: str) -> tuple[Engine, tuple[str, ...]]:
        if name not in self._engines:
            said: list[str] = []
            engine = self._choose(name, said.append)
            self._engines[name] = (engine, tuple(said))
            self._engines.setdefault(engine.name, (engine, ()))
        return self._engines[name]

    def _tell(self, update: ProgressUpdate) -> None:
        self.tell(update)


def _shot(order: FilmOrder, request: ZoomInput) -> Shot:
    return plan_shot(request, Path(order.photo).read_bytes(), order.seed or 0)


def _states_for(film: Film, chunk: Chunk, states: Sequence[Path | None]) -> tuple[bytes, ...]:
    """What the chunks of the same leg left, which have been made by another process."""
    files = [
        state
        for before, state in zip(film.chunks[: chunk.index], states, strict=False)
        if before.leg_index == chunk.leg_index and state is not None
    ]
    return tuple(file.read_bytes() for file in files)


def _write_state(target: Path, state: bytes) -> Path:
    with whole_file(target) as part:
        part.write_bytes(state)
    return target


def _small_photograph() -> bytes:
    """Something with depth to find: a bright band above a dark one."""
    rows = np.linspace(255, 0, 120)[:, None, None]
    pixels = np.broadcast_to(rows, (120, 208, 3)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()
