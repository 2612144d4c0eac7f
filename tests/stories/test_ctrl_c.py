"""Ctrl-C stops within a frame and leaves no half file, whatever the program is at."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lyra_zoom.geometry.image import Size
from tests.pictures import encoded, landscape

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("stage", ["reading the photograph", "seeing depth", "drawing frames"])
def test_a_video_being_made_is_given_up_cleanly(tmp_path: Path, stage, signal_number):
    photograph = tmp_path / "photo.jpg"
    photograph.write_bytes(encoded(landscape(Size(832, 480)), "JPEG"))
    command = [
        sys.executable, "-m", "lyra_zoom", "generate", str(photograph), "--prompt", "hills",
        "-o", str(tmp_path / "out" / "a.mp4"), "--num-frames", "481", "--resolution", "720p",
    ]  # fmt: skip
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as made:
        assert made.stderr is not None
        seen = []
        for line in made.stderr:
            seen.append(line)
            if stage in line:
                break
        made.send_signal(signal_number)
        rest = made.stderr.read()
        status = made.wait()
    assert stage in seen[-1], seen
    assert status == 130
    assert rest.splitlines()[-1] == "lyra-zoom: cancelled"
    assert list((tmp_path / "out").glob("*")) == []
