"""It runs as a plain user without a home, in any language, from folders with any name."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.cluster import Api, Machine, Worker, seconds_until
from tests.official_clients import facts_of
from tests.service import KEY

pytestmark = pytest.mark.slow

NOBODY = 65534

POOR = {
    "PATH": os.defpath,
    "LC_ALL": "C",
    "TZ": "Pacific/Kiritimati",
    "LYRA_ZOOM_API_KEYS": KEY,
    "PYTHONDONTWRITEBYTECODE": "1",
}
"""All there is: no home, no language, a time zone far ahead."""


def as_nobody() -> tuple[str, ...]:
    """Starts a program as a user who owns nothing, but may read what root installed."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        return ()  # a plain user already
    user = (f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    caps = ("--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search")
    return ("setpriv", *user, *caps)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder that this user may make."""
    theirs = tmp_path / "Fotos für Öl & Kreide"
    theirs.mkdir()
    if as_nobody():
        os.chown(theirs, NOBODY, NOBODY)
    return theirs / "lyra 'zoom' 写真"


@pytest.fixture
def _plain_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Machine, "prefix", as_nobody())


@pytest.mark.usefixtures("_plain_user")
def test_a_plain_user_without_a_home_makes_videos(tmp_path: Path, data: Path):
    environment = POOR | {"LYRA_ZOOM_DATA": str(data)}
    api = Api(tmp_path / "api", environment)
    worker = Worker(tmp_path / "worker", "local-0", environment, kind="still")
    api.wait_until_ready()
    answer = api.result(api.submit(prompt="ein Hafen im Nebel 写真"))
    assert answer.status_code == 200, answer.text
    film = api.http.get(httpx.URL(answer.json()["video"]["url"]).path).content
    assert facts_of(film)["num_frames"] == 81
    assert [worker.stop(), api.stop()] == [0, 0]


def test_serve_starts_and_stops_there(data: Path):
    command = [sys.executable, "-m", "lyra_zoom", "serve", "--port", "0", "--data", str(data)]
    environment = {name: value for name, value in POOR.items() if "KEYS" not in name}
    with subprocess.Popen(
        [*as_nobody(), *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as serve:
        assert serve.stdout
        words = [serve.stdout.readline().split(" ")[0] for _ in range(3)]
        serve.send_signal(signal.SIGTERM)
        said = serve.communicate(timeout=20)[1]
    assert words == ["export", "page", "ready"], said
    assert serve.returncode == 0
    assert "Traceback" not in said
    assert (data / "lyra-zoom.sqlite").stat().st_uid == (
        NOBODY if as_nobody() else os.geteuid()
    )


def test_a_folder_of_somebody_else_is_named(tmp_path: Path):
    if not as_nobody():
        pytest.skip("needs root, to own a folder that others may not write")
    command = [sys.executable, "-m", "lyra_zoom", "serve", "--port", "0"]
    ended = subprocess.run(
        [*as_nobody(), *command, "--data", str(tmp_path / "data")],
        capture_output=True,
        text=True,
        env=POOR,
        timeout=30,
    )
    assert ended.returncode == 1
    assert "cannot write to the data folder" in ended.stderr
    assert "permission denied" in ended.stderr
    seconds_until(lambda: not (tmp_path / "data").exists())
