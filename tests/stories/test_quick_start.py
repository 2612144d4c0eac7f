"""The quick start of the manual: start, export the printed key, one video, start again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.official_clients import PHOTOGRAPH

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[2] / "examples" / "clients"


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """What `serve` wrote until it was ready; `key` only the first time."""

    url: str
    key: str | None


@contextmanager
def serving(data: Path) -> Iterator[Printed]:
    """`lyra-zoom serve` as a person starts it, ended by Ctrl-C."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LYRA_ZOOM_")}
    server = subprocess.Popen(
        [sys.executable, "-m", "lyra_zoom", "serve", "--port", "0", "--data", str(data)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    with server:
        try:
            yield read_until_ready(server)
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(20)


def read_until_ready(server: subprocess.Popen[str]) -> Printed:
    key = None
    for line in server.stdout or ():
        word, _, rest = line.strip().partition(" ")
        if word == "export":
            key = rest.removeprefix("FAL_KEY=")
        if word == "ready":
            return Printed(url=rest, key=key)
    raise AssertionError("it ended before it was ready")


def test_the_printed_key_makes_a_video_that_is_there_after_a_restart(tmp_path: Path):
    (tmp_path / "photo.jpg").write_bytes(PHOTOGRAPH)
    with serving(tmp_path / "data") as first:
        assert first.key
        variables = {"FAL_KEY": first.key, "LYRA_ZOOM_URL": first.url}
        said = subprocess.run(
            [sys.executable, str(EXAMPLES / "zoom.py")],
            cwd=tmp_path,
            env=os.environ | variables,
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        ).stdout
    video = said.split()[-1]
    assert video.startswith(first.url)
    with serving(tmp_path / "data") as second:
        assert second.key is None
        answer = httpx.get(video.replace(first.url, second.url))
        assert answer.content[4:8] == b"ftyp"
        unknown = httpx.get(
            f"{second.url}/queue/fal-ai/lyra-2/requests/1/status",
            headers={"Authorization": f"Key {first.key}"},
        )
        assert unknown.status_code == 404, "the key is still good"
