"""A newcomer types one command and has a video; a program makes one call and has the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest

from lyra_zoom.contract.zoom import ZoomInput, ZoomOutput
from lyra_zoom.generate import generate
from lyra_zoom.geometry.image import Size
from lyra_zoom.pipeline.metadata import inspect_film
from lyra_zoom.pipeline.progress import ProgressUpdate
from tests.pictures import encoded, landscape

pytestmark = pytest.mark.slow

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def photograph(tmp_path: Path) -> Path:
    """A photograph in a folder with an awkward name."""
    file = tmp_path / "my photos ü" / "photo.jpg"
    file.parent.mkdir()
    file.write_bytes(encoded(landscape(Size(1200, 800)), "JPEG"))
    return file


def lyra_zoom(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lyra_zoom", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
        timeout=300,
    )


def made(photograph: Path, name: str, *options: str, **environment: str) -> dict[str, Any]:
    """What `generate --json` answers."""
    target = str(photograph.parent / name)
    done = lyra_zoom(
        "generate", str(photograph), "--prompt", "hills", "-o", target, "--json", *options,
        **environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_one_command_makes_a_video_and_answers_as_the_api_does(photograph):
    answer = made(photograph, "a b.mp4", "--seed", "7")
    file = photograph.parent / "a b.mp4"
    assert ZoomOutput.model_validate(answer).seed == 7
    assert answer["video"] == {
        "url": file.as_uri(),
        "content_type": "video/mp4",
        "file_name": "a b.mp4",
        "file_size": file.stat().st_size,
        "width": 832,
        "height": 480,
        "fps": 16.0,
        "duration": 5.0625,
        "num_frames": 81,
    }
    assert answer["timings"].keys() == {"encode_s", "zoom_in_s"}
    with av.open(str(file)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 81


def test_the_video_knows_its_request_and_its_cameras(photograph):
    made(photograph, "a.mp4", "--zoom-in-trajectory", "spiral", "--seed", "7")
    film = inspect_film(photograph.parent / "a.mp4")
    asked = ZoomInput(image_url="x", prompt="hills", zoom_in_trajectory="spiral", seed=7)  # type: ignore[arg-type]  # text, as on the wire
    assert film.provenance.request == asked.model_dump(mode="json", exclude={"image_url"})
    assert film.provenance.engine == "embedded"
    assert len(film.provenance.path) == 81


def test_the_same_photograph_and_seed_give_the_same_bytes_in_other_processes(photograph):
    for name in ("a.mp4", "b.mp4"):
        made(photograph, name, "--seed", "7")
    files = [(photograph.parent / name).read_bytes() for name in ("a.mp4", "b.mp4")]
    assert files[0] == files[1]


def test_a_program_gets_the_same_video_and_hears_how_far_it_is(photograph):
    made(photograph, "a.mp4", "--seed", "7", "--zoom-direction", "out")
    updates: list[ProgressUpdate] = []
    answer = generate(
        photograph,
        prompt="hills",
        output=photograph.parent / "b.mp4",
        on_progress=updates.append,
        seed=7,
        zoom_direction="out",
    )
    assert answer.video.num_frames == 81
    assert (photograph.parent / "b.mp4").read_bytes() == (
        photograph.parent / "a.mp4"
    ).read_bytes()
    fractions = [update.fraction for update in updates]
    assert fractions == sorted(fractions)
    assert (updates[-1].stage, fractions[-1]) == ("done", 1.0)


def test_a_bare_environment_is_enough(photograph):
    """No home, no locale, no terminal."""
    answer = made(photograph, "a.mp4", HOME="/nonexistent", LC_ALL="C", LANG="C", TERM="dumb")
    assert answer["video"]["num_frames"] == 81
