"""A full disk is an error that can be caught, wherever a video is being written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.films import write_film
from tests.pictures import landscape
from tests.small_disk import small_disk

WRITE_A_FILM = """
import sys
from pathlib import Path
from tests.films import write_film
from tests.pictures import landscape
write_film(Path(sys.argv[1]), [landscape()] * int(sys.argv[2]), 16, None)
"""


def test_a_video_that_finds_no_space_is_an_error_not_a_crash(tmp_path: Path):
    with small_disk(tmp_path / "disk", mib=1) as disk:
        disk.fill()
        for num_frames in (2, 81):
            command = [WRITE_A_FILM, str(disk.folder / "a.mp4"), str(num_frames)]
            ended = subprocess.run(
                [sys.executable, "-c", *command], capture_output=True, text=True
            )
            assert ended.returncode == 1, "it was killed by its own mistake"
            assert "No space left on device" in ended.stderr


def test_the_next_video_is_written_once_there_is_room(tmp_path: Path):
    with small_disk(tmp_path / "disk", mib=4) as disk:
        disk.fill()
        disk.make_room()
        assert write_film(disk.folder / "a.mp4", [landscape()] * 2, 16, None).stat().st_size
