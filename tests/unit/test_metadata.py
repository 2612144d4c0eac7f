"""A video says how it was made, and says it to any tool that reads its tags."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from lyra_zoom.errors import VideoUnreadable
from lyra_zoom.geometry.camera import CameraPath, centred_intrinsics
from lyra_zoom.geometry.image import Size
from lyra_zoom.geometry.rigid import look_at
from lyra_zoom.pipeline.metadata import Provenance, inspect_film
from tests.films import write_film
from tests.pictures import landscape

SIZE = Size(64, 48)


def winding_path(num_frames: int) -> CameraPath:
    """A path on which every number changes with every frame."""
    turns = np.linspace(0, 6, num_frames)
    centres = np.stack([np.sin(turns), 0.1 * np.cos(turns), turns / 3], axis=1)
    w2c = np.stack([look_at(centre, np.array([0.0, 0.0, 9.0])) for centre in centres])
    intrinsics = np.stack([centred_intrinsics(50 + turn, SIZE) for turn in turns])
    return CameraPath(w2c, intrinsics, SIZE)


def still_path(num_frames: int) -> CameraPath:
    w2c = np.tile(np.eye(4), (num_frames, 1, 1))
    intrinsics = np.tile(centred_intrinsics(50.0, SIZE), (num_frames, 1, 1))
    return CameraPath(w2c, intrinsics, SIZE)


def made_with(path: CameraPath, prompt: str = "a harbour") -> Provenance:
    return Provenance(
        version="1.2.3",
        engine="still",
        request={"prompt": prompt, "seed": 7, "zoom_in_strength": 0.5},
        image_sha256="ab" * 32,
        path=path,
    )


def film(target: Path, provenance: Provenance, num_frames: int = 3) -> Path:
    tags = {"comment": provenance.to_json()}
    return write_film(target, [landscape(SIZE)] * num_frames, tags=tags)


@pytest.mark.parametrize("path", [winding_path(81), winding_path(961), still_path(81)])
def test_request_engine_version_and_cameras_come_back(tmp_path, path):
    found = inspect_film(film(tmp_path / "a.mp4", made_with(path))).provenance
    assert (found.version, found.engine) == ("1.2.3", "still")
    assert found.request == {"prompt": "a harbour", "seed": 7, "zoom_in_strength": 0.5}
    assert found.image_sha256 == "ab" * 32
    assert found.path.size == SIZE
    assert found.path.w2c.shape == path.w2c.shape
    np.testing.assert_allclose(found.path.w2c, path.w2c, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(found.path.K, path.K, rtol=1e-8)


def test_a_film_says_its_size_rate_and_length(tmp_path):
    found = inspect_film(film(tmp_path / "a.mp4", made_with(still_path(3))))
    assert (found.size, found.num_frames) == (SIZE, 3)
    assert (found.frames_per_second, found.duration_s) == (16, 3 / 16)
    assert found.file_size == (tmp_path / "a.mp4").stat().st_size


@pytest.mark.parametrize(
    "prompt", ["", "a\0b", "\r\n[error] fake", "🌊 日本", '"};{', "x" * 10_000]
)
def test_any_prompt_comes_back_and_stays_on_one_line(tmp_path, prompt):
    provenance = made_with(still_path(3), prompt)
    assert provenance.to_json().isascii()
    assert "\n" not in provenance.to_json()
    found = inspect_film(film(tmp_path / "a.mp4", provenance)).provenance
    assert found.request["prompt"] == prompt


def test_a_long_path_needs_little_room():
    assert len(made_with(winding_path(961)).to_json()) < 250_000


def test_ffprobe_shows_it_too(tmp_path):
    if not shutil.which("ffprobe"):
        pytest.skip("there is no ffprobe on this machine")
    provenance = made_with(winding_path(961))
    file = film(tmp_path / "a.mp4", provenance)
    command = ["ffprobe", "-v", "error", "-show_format", "-of", "json", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["format"]["tags"]["comment"] == provenance.to_json()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "there is no such file"),
        (b"", "this is not a video"),
        (b"hello" * 100, "this is not a video"),
    ],
)
def test_what_is_no_video_is_said_to_be_none(tmp_path, content, reason):
    file = tmp_path / "a.mp4"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(VideoUnreadable, match=reason):
        inspect_film(file)


@pytest.mark.parametrize("tags", [{}, {"comment": "my holiday"}, {"comment": "[1, 2]"}])
def test_a_video_of_somebody_else_is_said_to_be_that(tmp_path, tags):
    write_film(tmp_path / "a.mp4", [landscape(SIZE)], tags=tags)
    with pytest.raises(VideoUnreadable, match="does not say how it was made"):
        inspect_film(tmp_path / "a.mp4")


def test_a_video_from_before_strengths_were_kept_is_read():
    document = json.loads(made_with(still_path(3)).to_json())
    del document["used"]
    assert Provenance.from_json(json.dumps(document)).strengths == {}


@pytest.mark.parametrize("used", [[1], "x", {"zoom_in_strength": "much"}, None])
def test_a_strength_that_is_none_is_not_believed(used):
    document = json.loads(made_with(still_path(3)).to_json()) | {"used": used}
    with pytest.raises(VideoUnreadable):
        Provenance.from_json(json.dumps(document))


def test_a_video_of_a_later_format_is_not_guessed_at(tmp_path):
    text = made_with(still_path(3)).to_json().replace("lyra-zoom/1", "lyra-zoom/9")
    with pytest.raises(VideoUnreadable, match="another version"):
        Provenance.from_json(text)
