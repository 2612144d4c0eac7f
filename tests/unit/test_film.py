"""A film made in chunks, by whoever and in whatever order, is the film made at once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from lyra_zoom.contract.zoom import ZoomInput
from lyra_zoom.engines.embedded.engine import EmbeddedEngine
from lyra_zoom.engines.engine import Engine, Progress, Repeated, Sampling, Scene
from lyra_zoom.errors import Cancelled
from lyra_zoom.geometry.camera import CameraPath
from lyra_zoom.geometry.image import Size, resize
from lyra_zoom.pipeline.chunks import plan_chunks
from lyra_zoom.pipeline.decode import decode_photo
from lyra_zoom.pipeline.film import prepare_film
from lyra_zoom.pipeline.metadata import inspect_film
from lyra_zoom.pipeline.progress import ProgressReport, ProgressUpdate
from lyra_zoom.pipeline.shot import Shot, plan_shot
from lyra_zoom.pipeline.zoom import make_zoom, timings_of
from tests.fakes import FadingEngine, Notes, StillEngine, StillStage
from tests.pictures import encoded, landscape, psnr

SIZE = Size(320, 192)
PHOTOGRAPH = encoded(landscape(SIZE), "PNG")


def shot_of(**fields: object) -> Shot:
    request = ZoomInput.model_validate({"image_url": "x", "prompt": "a harbour", **fields})
    return replace(plan_shot(request, PHOTOGRAPH, seed=7), size=SIZE)


BOTH = shot_of(zoom_direction="both", num_frames=161)
LONG = shot_of(zoom_direction="both", num_frames=241)


def made_at_once(folder: Path, shot: Shot, engine: Engine) -> bytes:
    make_zoom(shot, engine, folder / "at once.mp4", ProgressReport())
    return (folder / "at once.mp4").read_bytes()


def segment(folder: Path, index: int) -> Path:
    return folder / f"{index}.mp4"


def render_alone(folder: Path, shot: Shot, engine: Engine, index: int) -> None:
    """What a process does that makes one chunk and knows nothing of the others."""
    film = prepare_film(shot, engine, Notes())
    film.render_chunk(film.chunks[index], segment(folder, index), Notes())


def joined(folder: Path, shot: Shot, engine: Engine) -> bytes:
    """What a process does that has drawn nothing itself."""
    film = prepare_film(shot, engine, Notes())
    film.join(folder / "joined.mp4", [segment(folder, chunk.index) for chunk in film.chunks])
    return (folder / "joined.mp4").read_bytes()


def test_chunks_made_alone_and_in_any_order_give_the_same_bytes(tmp_path):
    for index in (2, 0, 3, 1):
        render_alone(tmp_path, BOTH, StillEngine(), index)
    assert joined(tmp_path, BOTH, StillEngine()) == made_at_once(tmp_path, BOTH, StillEngine())


def render_after(
    folder: Path, shot: Shot, index: int, states: dict[int, bytes]
) -> bytes | None:
    """What a process does that makes one chunk after those that others have made."""
    film = prepare_film(shot, FadingEngine(), Notes())
    chunk = film.chunks[index]
    before = [
        states[other.index]
        for other in film.chunks[:index]
        if other.leg_index == chunk.leg_index
    ]
    film.render_chunk(chunk, segment(folder, index), Notes(), before)
    return film.state()


def test_frames_that_follow_from_earlier_ones_are_the_same_whoever_makes_them(tmp_path):
    states: dict[int, bytes] = {}
    for chunk in plan_chunks(LONG):
        states[chunk.index] = render_after(tmp_path, LONG, chunk.index, states) or b""
    assert joined(tmp_path, LONG, FadingEngine()) == made_at_once(
        tmp_path, LONG, FadingEngine()
    )


def test_a_leg_that_plays_backwards_is_made_from_the_photograph_on(tmp_path):
    film = prepare_film(LONG, FadingEngine(), Notes())
    for chunk in film.chunks:
        film.render_chunk(chunk, segment(tmp_path, chunk.index), Notes())
    film.join(tmp_path / "film.mp4", [segment(tmp_path, c.index) for c in film.chunks])
    with av.open(str(tmp_path / "film.mp4")) as container:
        shown = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    photograph = resize(decode_photo(PHOTOGRAPH, SIZE, Notes().say).texture, SIZE)
    closeness = [psnr(frame, photograph) for frame in shown]
    assert int(np.argmax(closeness)) == 240
    assert closeness[240] > 30


def test_a_chunk_that_has_failed_is_made_again_from_what_was_handed_over(tmp_path):
    film = prepare_film(LONG, FadingEngine(), Notes())
    film.render_chunk(film.chunks[0], segment(tmp_path, 0), Notes())
    state = film.state()
    report = ProgressReport(
        lambda update: report.cancel() if update.stage == "frames" else None
    )
    with pytest.raises(Cancelled):
        film.render_chunk(film.chunks[1], segment(tmp_path, 1), report)
    film.render_chunk(film.chunks[1], segment(tmp_path, 1), Notes(), [state or b""])
    again = segment(tmp_path, 1).read_bytes()
    render_after(tmp_path, LONG, 1, {0: state or b""})
    assert again == segment(tmp_path, 1).read_bytes()


def test_an_engine_that_needs_no_states_hands_none_over(tmp_path):
    film = prepare_film(BOTH, StillEngine(), Notes())
    film.render_chunk(film.chunks[0], segment(tmp_path, 0), Notes())
    assert film.state() is None


def test_a_film_knows_its_cameras_before_it_is_drawn(tmp_path):
    film = prepare_film(BOTH, StillEngine(), Notes())
    made_at_once(tmp_path, BOTH, StillEngine())
    stored = inspect_film(tmp_path / "at once.mp4").provenance
    assert len(film.path) == BOTH.num_frames
    assert film.tags() == {"comment": stored.to_json()}


CLOSER = {"zoom_in_trajectory": "horizontal_zoom", "zoom_in_strength": 2.0}


@pytest.mark.parametrize(
    ("fields", "most"), [(CLOSER, 0.76), (CLOSER | {"strength": "auto"}, 0.31)]
)
def test_a_film_says_how_strong_its_move_became_before_a_wall(tmp_path, fields, most):
    made_at_once(tmp_path, shot_of(**fields), StillEngine())
    made = inspect_film(tmp_path / "at once.mp4").provenance
    assert made.request["zoom_in_strength"] == 2.0
    assert list(made.strengths) == ["zoom_in_strength"], "there is no other leg"
    assert 0.1 < made.strengths["zoom_in_strength"] < most
    reach = np.linalg.norm(made.path.w2c[-1, :3, 3]) / 10.0
    assert made.strengths["zoom_in_strength"] == pytest.approx(reach, rel=0.02)


def test_a_film_of_both_directions_says_the_strength_of_each(tmp_path):
    made_at_once(tmp_path, BOTH, StillEngine())
    made = inspect_film(tmp_path / "at once.mp4").provenance
    assert made.strengths == {"zoom_out_strength": 1.5, "zoom_in_strength": 0.5}


ONE_CHUNK = """
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from lyra_zoom.engines.embedded.engine import EmbeddedEngine
from tests.unit.test_film import BOTH, render_alone
for index in sys.argv[2:]:
    render_alone(Path(sys.argv[1]), BOTH, EmbeddedEngine(), int(index))
"""


@pytest.mark.slow
def test_the_embedded_engine_makes_the_same_film_in_several_processes(tmp_path):
    for indexes in ("3", "1", "2"), ("0",):
        command = [sys.executable, "-c", ONE_CHUNK, str(tmp_path), *indexes]
        subprocess.run(command, check=True, timeout=300)
    here = made_at_once(tmp_path, BOTH, EmbeddedEngine())
    assert joined(tmp_path, BOTH, EmbeddedEngine()) == here


class CountingEngine(StillEngine):
    """Counts how often a leg was set up."""

    def __init__(self) -> None:
        self.set_ups = 0

    def set_up(
        self,
        scene: Scene,
        path: CameraPath,
        sampling: Sampling,
        progress: Progress,
        states: Sequence[bytes] = (),
    ) -> StillStage:
        self.set_ups += 1
        progress.begin("layers", share=1.0)
        return super().set_up(scene, path, sampling, progress, states)


def test_a_leg_is_set_up_once_for_all_its_chunks(tmp_path):
    engine = CountingEngine()
    make_zoom(BOTH, engine, tmp_path / "a.mp4", ProgressReport())
    assert engine.set_ups == 2


def test_progress_of_many_chunks_is_one_fraction(tmp_path):
    updates: list[ProgressUpdate] = []
    make_zoom(BOTH, CountingEngine(), tmp_path / "a.mp4", ProgressReport(updates.append))
    fractions = [update.fraction for update in updates]
    steps = [after - before for before, after in pairwise(fractions)]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert max(steps) < 0.06  # the scene and the set-up, which the still engine makes at once


def test_another_process_goes_on_where_the_fraction_stood(tmp_path):
    updates: list[ProgressUpdate] = []
    third = prepare_film(BOTH, StillEngine(), Notes()).chunks[2]
    report = ProgressReport(updates.append, done=third.done_before)
    film = prepare_film(BOTH, CountingEngine(), Repeated(report))
    for chunk in film.chunks[2:]:
        film.render_chunk(chunk, segment(tmp_path, chunk.index), report)
    fractions = [update.fraction for update in updates]
    assert fractions[0] == pytest.approx(third.done_before)
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1, abs=0.01)


def test_a_cancelled_chunk_leaves_no_file(tmp_path):
    report = ProgressReport(
        lambda update: report.cancel() if update.stage == "frames" else None
    )
    film = prepare_film(BOTH, StillEngine(), Notes())
    with pytest.raises(Cancelled):
        film.render_chunk(film.chunks[1], segment(tmp_path, 1), report)
    assert list(tmp_path.iterdir()) == []


def test_a_cancelled_chunk_can_be_made_again(tmp_path):
    engine = StillEngine()
    report = ProgressReport(
        lambda update: report.cancel() if update.stage == "frames" else None
    )
    film = prepare_film(BOTH, engine, Notes())
    with pytest.raises(Cancelled):
        film.render_chunk(film.chunks[0], segment(tmp_path, 0), report)
    for chunk in film.chunks:
        film.render_chunk(chunk, segment(tmp_path, chunk.index), Notes())
    assert joined(tmp_path, BOTH, engine) == made_at_once(tmp_path, BOTH, engine)


def test_the_seconds_of_a_leg_are_those_of_its_chunks():
    timings = timings_of(BOTH, 0.5, [1, 2, 3, 4.0004])
    assert (timings.encode_s, timings.zoom_out_s, timings.zoom_in_s) == (0.5, 3, 7)


def test_a_leg_that_was_not_made_has_no_seconds():
    assert timings_of(shot_of(), 0.5, [1.0]).zoom_out_s is None
