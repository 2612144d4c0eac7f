"""The path of an image from end to end, with an engine that only repeats the photograph."""

from __future__ import annotations

import hashlib
from pathlib import Path

import av
import numpy as np
import pytest

from lyra_zoom.contract.zoom import ZoomInput
from lyra_zoom.errors import Cancelled, InputRejected
from lyra_zoom.geometry.image import Size
from lyra_zoom.pipeline.metadata import inspect_film
from lyra_zoom.pipeline.progress import ProgressReport, ProgressUpdate
from lyra_zoom.pipeline.shot import Shot, plan_shot
from lyra_zoom.pipeline.zoom import make_zoom
from tests.fakes import StillEngine
from tests.pictures import encoded, landscape, psnr

PHOTOGRAPH = encoded(landscape(Size(832, 480)), "PNG")


def shot_of(image: bytes = PHOTOGRAPH, **fields: object) -> Shot:
    request = ZoomInput.model_validate({"image_url": "x", "prompt": "a harbour", **fields})
    return plan_shot(request, image, seed=7)


@pytest.mark.parametrize(
    ("direction", "num_frames", "legs"),
    [
        ("in", 81, {"zoom_in_s"}),
        ("out", 81, {"zoom_out_s"}),
        ("both", 161, {"zoom_in_s", "zoom_out_s"}),
    ],
)
def test_a_video_has_the_frames_and_the_timings_of_its_legs(
    tmp_path, direction, num_frames, legs
):
    target = tmp_path / "a.mp4"
    timings = make_zoom(
        shot_of(zoom_direction=direction), StillEngine(), target, ProgressReport()
    )
    film = inspect_film(target)
    assert (film.num_frames, len(film.provenance.path)) == (num_frames, num_frames)
    assert timings.model_dump(exclude_none=True).keys() == {"encode_s", *legs}


def test_the_photograph_stands_in_the_middle_of_both(tmp_path):
    make_zoom(
        shot_of(zoom_direction="both"), StillEngine(), tmp_path / "a.mp4", ProgressReport()
    )
    w2c = inspect_film(tmp_path / "a.mp4").provenance.path.w2c
    at_photograph = [n for n in range(161) if np.allclose(w2c[n], np.eye(4), atol=1e-9)]
    assert at_photograph == [80]


def test_the_first_frame_is_the_photograph(tmp_path):
    make_zoom(shot_of(), StillEngine(), tmp_path / "a.mp4", ProgressReport())
    with av.open(str(tmp_path / "a.mp4")) as container:
        first = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert psnr(first, landscape(Size(832, 480))) > 33


def test_a_video_says_what_was_asked_for_but_not_where_the_photograph_lay(tmp_path):
    make_zoom(
        shot_of(zoom_in_strength=0.25), StillEngine(), tmp_path / "a.mp4", ProgressReport()
    )
    made = inspect_film(tmp_path / "a.mp4").provenance
    assert made.engine == "still"
    assert made.image_sha256 == hashlib.sha256(PHOTOGRAPH).hexdigest()
    assert (made.request["prompt"], made.request["zoom_in_strength"]) == ("a harbour", 0.25)
    assert made.request["seed"] == 7
    assert "image_url" not in made.request


def test_the_same_shot_gives_the_same_bytes(tmp_path):
    for name in ("a.mp4", "b.mp4"):
        make_zoom(shot_of(), StillEngine(), tmp_path / name, ProgressReport())
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_progress_goes_from_nothing_to_done(tmp_path):
    updates: list[ProgressUpdate] = []
    make_zoom(shot_of(), StillEngine(), tmp_path / "a.mp4", ProgressReport(updates.append))
    assert (updates[0].stage, updates[0].fraction) == ("decode", 0)
    assert (updates[-1].stage, updates[-1].fraction) == ("done", 1)
    assert list(dict.fromkeys(update.stage for update in updates)) == [
        "decode", "scene", "frames", "done",
    ]  # fmt: skip


def test_cancelled_work_stops_within_a_frame_and_leaves_no_file(tmp_path):
    drawn = 0

    def cancel_at_the_fifth_frame(update: ProgressUpdate) -> None:
        nonlocal drawn
        drawn += update.stage == "frames"
        if drawn == 5:
            progress.cancel()

    progress = ProgressReport(cancel_at_the_fifth_frame)
    with pytest.raises(Cancelled):
        make_zoom(shot_of(), StillEngine(), tmp_path / "a.mp4", progress)
    assert drawn == 5
    assert list(tmp_path.iterdir()) == []


def test_a_bad_photograph_stops_before_anything_is_written(tmp_path):
    with pytest.raises(InputRejected):
        make_zoom(shot_of(b"no picture"), StillEngine(), tmp_path / "a.mp4", ProgressReport())
    assert list(Path(tmp_path).iterdir()) == []
