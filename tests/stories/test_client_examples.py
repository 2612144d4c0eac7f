"""The clients' examples in the manual run as they stand, against a real server."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import fal_client
import httpx
import pytest
from PIL import Image

from lyra_zoom.bench.photograph import drawn_photograph
from tests.internet import Authority
from tests.official_clients import PHOTOGRAPH
from tests.service import KEY, Part, Service
from tests.tls_front import tls_before

EXAMPLES = Path(__file__).parents[2] / "examples" / "clients"
PACKAGES = Path(__file__).parents[1] / "clients" / "node_modules"

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a person works who has a photograph."""
    Image.fromarray(drawn_photograph()).save(tmp_path / "photo.jpg")
    return tmp_path


@pytest.fixture
def photo_url(service: Service) -> str:
    """A photograph that lies on the server, where no socket is needed to read it."""
    answer = httpx.post(
        f"{service.url}/rest/storage/upload/initiate?storage_type=fal-cdn-v3",
        json={"file_name": "photo.jpg", "content_type": "image/jpeg"},
        headers={"Authorization": f"Key {KEY}"},
    ).json()
    httpx.put(answer["upload_url"], content=PHOTOGRAPH).raise_for_status()
    url: str = answer["file_url"]
    return url


def run(service: Service, folder: Path, *command: str, **more: str) -> str:
    done = done_by(service.url, folder, *command, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def failure(url: str, folder: Path, *command: str) -> str:
    """What an example that cannot succeed says on stderr."""
    done = done_by(url, folder, *command)
    assert done.returncode != 0, done.stdout + done.stderr
    return done.stderr


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Service]:
    """A server of its own, to be killed."""
    service = Service(tmp_path / "served" / "data")
    service.log.parent.mkdir()
    service.start()
    yield service
    service.kill(Part.EVERYTHING)


def done_by(
    url: str, folder: Path, *command: str, **more: str
) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"LYRA_ZOOM_URL": url, "FAL_KEY": KEY} | more
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )


def node(folder: Path, *scripts: str) -> tuple[str, ...]:
    """The command that runs examples beside the client's package, the last as the program."""
    if shutil.which("node") is None:
        pytest.skip("Node.js is not installed")
    if not PACKAGES.is_dir():
        pytest.skip("the JavaScript client is not installed: npm is missing")
    (folder / "node_modules").symlink_to(PACKAGES)
    for script in scripts:
        shutil.copy(EXAMPLES / script, folder)
    *before, program = scripts
    return ("node", *(f"--import=./{script}" for script in before), program)


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


@pytest.fixture
def command(request: pytest.FixtureRequest, folder: Path) -> tuple[str, ...]:
    """The command that runs the example of a language."""
    if request.param == "curl":
        if shutil.which("curl") is None:
            pytest.skip("curl is not installed")
        return ("sh", str(EXAMPLES / "zoom.sh"))
    if request.param == "javascript":
        return node(folder, "zoom.mjs")
    return (sys.executable, str(EXAMPLES / "zoom.py"))


every_language = pytest.mark.parametrize(
    "command", ["curl", "javascript", "python"], indirect=True
)


@every_language
def test_a_refusal_is_told_with_its_reason(
    service: Service, folder: Path, command: tuple[str, ...]
):
    (folder / "photo.jpg").write_text("not a photograph")
    assert "not an image" in failure(service.url, folder, *command)


@every_language
def test_a_server_that_is_down_ends_the_example(
    nobody: str, folder: Path, command: tuple[str, ...]
):
    said = failure(nobody, folder, *command)
    assert re.search("connect|ECONNREFUSED", said)


def test_curl_ends_when_the_server_goes(folder: Path, mortal: Service):
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    environment = os.environ | {"LYRA_ZOOM_URL": mortal.url, "FAL_KEY": KEY}
    with subprocess.Popen(
        ["sh", str(EXAMPLES / "zoom.sh")],
        cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as example:  # fmt: skip
        assert example.stdout is not None
        assert example.stdout.readline().startswith("waiting for http")
        mortal.kill(Part.EVERYTHING)
        _, said = example.communicate(timeout=60)
    assert example.returncode == 1
    assert said.count("curl: (7)") == 1


def test_a_javascript_program_for_fal_runs_unchanged(
    service: Service, folder: Path, photo_url: str
):
    said = run(service, folder, *node(folder, "here.mjs", "from_fal.mjs"), photo_url)
    assert "content_type: 'video/mp4'" in said
    assert "%" in said


def test_a_python_program_for_fal_runs_unchanged(
    service: Service, folder: Path, photo_url: str
):
    programs = [str(EXAMPLES / name) for name in ("here.py", "from_fal.py")]
    said = run(service, folder, sys.executable, *programs, photo_url)
    assert "'content_type': 'video/mp4'" in said
    assert "%" in said


def test_behind_tls_variables_are_enough_for_a_python_program(
    service: Service, folder: Path, photo_url: str
):
    authority = Authority(folder)
    trusted = folder / "authority.pem"
    trusted.write_text(authority.pem)
    with tls_before(service.url, authority.server("localhost")) as port:
        variables = {
            "FAL_RUN_HOST": f"localhost:{port}/run",
            "FAL_QUEUE_RUN_HOST": f"localhost:{port}/queue",
            "SSL_CERT_FILE": str(trusted),
        }
        program = [sys.executable, str(EXAMPLES / "from_fal.py")]
        photograph = photo_url.replace(service.url, f"https://localhost:{port}")
        said = run(service, folder, *program, photograph, **variables)
    assert f"'url': 'https://localhost:{port}/cdn/files/" in said
