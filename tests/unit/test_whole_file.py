"""A result appears when it is whole, or not at all."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lyra_zoom.errors import Cancelled, OutputRejected
from lyra_zoom.pipeline.whole_file import whole_file


def write(target: Path, failure: Exception | None = None) -> None:
    with whole_file(target) as part:
        part.write_bytes(b"new")
        assert not target.exists() or target.read_bytes() == b"old"
        if failure:
            raise failure


def test_the_file_appears_when_the_block_ends(tmp_path):
    write(tmp_path / "a.mp4")
    assert (tmp_path / "a.mp4").read_bytes() == b"new"


def test_what_was_there_is_replaced_in_one_step(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"old")
    write(tmp_path / "a.mp4")
    assert (tmp_path / "a.mp4").read_bytes() == b"new"


def test_nothing_lies_beside_it(tmp_path):
    write(tmp_path / "a.mp4")
    assert [file.name for file in tmp_path.iterdir()] == ["a.mp4"]


def test_an_error_leaves_what_was_there(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"old")
    with pytest.raises(Cancelled):
        write(tmp_path / "a.mp4", Cancelled())
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"old"]


def test_a_full_disk_is_said_in_words(tmp_path):
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(OutputRejected, match="no space left on device"):
        write(tmp_path / "a.mp4", full)
    assert list(tmp_path.iterdir()) == []


def test_trouble_with_another_file_is_not_blamed_on_this_one(tmp_path):
    with pytest.raises(FileNotFoundError):
        write(tmp_path / "a.mp4", FileNotFoundError(errno.ENOENT, "gone", "weights.onnx"))
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_made(tmp_path):
    write(tmp_path / "out" / "deep" / "a.mp4")
    assert (tmp_path / "out" / "deep" / "a.mp4").exists()


def test_a_place_that_cannot_be_written_is_refused_in_words(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputRejected, match="cannot write"):
        write(tmp_path / "file" / "a.mp4")
    with pytest.raises(OutputRejected, match="is a folder"):
        write(tmp_path)


def test_the_file_is_readable_like_any_other_of_the_person(tmp_path):
    (tmp_path / "other").write_text("")
    write(tmp_path / "a.mp4")
    assert (tmp_path / "a.mp4").stat().st_mode == (tmp_path / "other").stat().st_mode


FILM_ON_A_FULL_DISK = """
import pathlib, resource, sys
from lyra_zoom.pipeline.encode import Mp4Writer
from lyra_zoom.pipeline.whole_file import whole_file
from tests.unit.test_encode import SIZE, moving
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
with whole_file(pathlib.Path(sys.argv[1])) as part, Mp4Writer(part, SIZE, 16, 200) as film:
    for frame in moving(200):
        film.write(frame)
"""


def test_a_film_that_finds_no_more_room_ends_in_words_and_leaves_nothing(tmp_path):
    command = [sys.executable, "-c", FILM_ON_A_FULL_DISK, str(tmp_path / "a.mp4")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    *_, last = done.stderr.splitlines()
    assert last.startswith("lyra_zoom.errors.OutputRejected: output: cannot write")
    assert list(tmp_path.iterdir()) == []
