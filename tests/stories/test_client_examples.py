"""The clients' examples in the manual run as they stand, against a real server."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import fal_client
import pytest
from PIL import Image

from lyra_zoom.bench.photograph import drawn_photograph
from tests.service import KEY, Service

EXAMPLES = Path(__file__).parents[2] / "examples" / "clients"
PACKAGES = Path(__file__).parents[1] / "clients" / "node_modules"

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a person works who has a photograph."""
    Image.fromarray(drawn_photograph()).save(tmp_path / "photo.jpg")
    return tmp_path


def run(service: Service, folder: Path, *command: str, **more: str) -> str:
    environment = os.environ | {"LYRA_ZOOM_URL": service.url, "FAL_KEY": KEY} | more
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def node(folder: Path, script: str) -> tuple[str, str]:
    """The command that runs an example beside the client's package."""
    if shutil.which("node") is None:
        pytest.skip("Node.js is not installed")
    if not PACKAGES.is_dir():
        pytest.skip("the JavaScript client is not installed: npm is missing")
    (folder / "node_modules").symlink_to(PACKAGES)
    shutil.copy(EXAMPLES / script, folder)
    return "node", script


def test_python(service: Service, folder: Path):
    said = run(service, folder, sys.executable, str(EXAMPLES / "zoom.py"))
    assert said.strip().endswith(".mp4")


def test_javascript(service: Service, folder: Path):
    said = run(service, folder, *node(folder, "zoom.mjs"))
    assert said.strip().endswith(".mp4")


def test_javascript_without_the_proxy(service: Service, folder: Path):
    photograph = fal_client.encode_file(folder / "photo.jpg")
    command = node(folder, "zoom_without_proxy.mjs")
    said = run(service, folder, *command, PHOTO_URL=photograph)
    assert said.startswith("COMPLETED http")


def test_curl(service: Service, folder: Path):
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    run(service, folder, "sh", str(EXAMPLES / "zoom.sh"))
    assert (folder / "zoom.mp4").read_bytes()[4:8] == b"ftyp"
