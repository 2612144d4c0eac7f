"""A worker's folder for what it has in hand: nobody else's, and never left behind."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lyra_zoom.errors import DataFolderTaken
from lyra_zoom.worker.scratch import open_scratch

HOLD = """
import os, sys
from pathlib import Path
from lyra_zoom.worker.scratch import open_scratch
with open_scratch(Path(sys.argv[1]), "dead") as folder:
    (folder / "photo").write_bytes(b"half")
    os.kill(os.getpid(), 9)
"""


def test_a_folder_is_gone_with_its_block(tmp_path: Path):
    with open_scratch(tmp_path, "local-0") as folder:
        (folder / "photo").write_bytes(b"a photograph")
    assert list(tmp_path.iterdir()) == []


def test_a_second_worker_of_the_name_takes_nothing_from_the_first(tmp_path: Path):
    with open_scratch(tmp_path, "local-0") as folder:
        (folder / "photo").write_bytes(b"a photograph")
        with pytest.raises(DataFolderTaken, match="local-0"), open_scratch(tmp_path, "local-0"):
            pass
        assert (folder / "photo").read_bytes() == b"a photograph"


def test_what_a_killed_worker_left_is_removed(tmp_path: Path):
    killed = subprocess.run([sys.executable, "-c", HOLD, str(tmp_path)])
    assert killed.returncode == -signal.SIGKILL
    assert (tmp_path / "dead" / "photo").exists()
    with open_scratch(tmp_path, "local-0"):
        assert not (tmp_path / "dead").exists()
