"""A result appears when it is whole, or not at all."""

from __future__ import annotations

import errno
import os
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
