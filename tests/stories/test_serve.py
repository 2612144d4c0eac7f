"""One command serves everything on this machine, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest

from tests.receivers import until
from tests.service import Part, Service, still_running

pytestmark = pytest.mark.slow

ENVIRONMENT = {
    name: value for name, value in os.environ.items() if not name.startswith("LYRA_ZOOM_")
}


@dataclass(frozen=True, slots=True)
class Served:
    """A server and what it printed until it was ready."""

    process: subprocess.Popen[str]
    printed: dict[str, str]

    def children(self) -> list[psutil.Process]:
        """Every process below it."""
        return psutil.Process(self.process.pid).children(recursive=True)


def command(data: Path, port: int = 0) -> list[str]:
    served = [sys.executable, "-m", "lyra_zoom", "serve"]
    return [*served, "--port", str(port), "--data", str(data)]


@contextmanager
def serving(data: Path) -> Iterator[Served]:
    """`lyra-zoom serve` on any free port, until the block ends."""
    process = subprocess.Popen(
        command(data), stdout=subprocess.PIPE, text=True, env=ENVIRONMENT
    )
    assert process.stdout is not None
    printed: dict[str, str] = {}
    try:
        while "ready" not in printed:
            word, _, rest = process.stdout.readline().strip().partition(" ")
            assert word, "it ended before it was ready"
            printed[word] = rest
        yield Served(process, printed)
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


def said_by_failing(data: Path, port: int = 0) -> str:
    """The one line of a server that cannot start."""
    ended = subprocess.run(
        command(data, port), capture_output=True, text=True, env=ENVIRONMENT, timeout=30
    )
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    return ended.stderr


def test_the_first_start_makes_a_key_that_works(tmp_path: Path):
    with serving(tmp_path / "data") as served:
        key = served.printed["export"].removeprefix("FAL_KEY=")
        assert served.printed["page"] == f"{served.printed['ready']}/#key={key}"
        endpoint = f"{served.printed['ready']}/queue/fal-ai/lyra-2/zoom"
        assert httpx.post(endpoint, json={"prompt": "x"}).status_code == 401
        answer = httpx.post(
            endpoint, json={"prompt": "x"}, headers={"Authorization": f"Key {key}"}
        )
        assert answer.json()["status"] == "IN_QUEUE"


def test_a_second_start_prints_no_key(tmp_path: Path):
    with serving(tmp_path / "data"):
        pass
    with serving(tmp_path / "data") as served:
        assert served.printed.keys() == {"ready"}


def test_two_servers_never_share_a_folder(tmp_path: Path):
    with serving(tmp_path / "data"):
        assert "another lyra-zoom serves from" in said_by_failing(tmp_path / "data")


def test_a_taken_port_is_named(tmp_path: Path):
    with serving(tmp_path / "data") as served:
        port = int(served.printed["ready"].rpartition(":")[2])
        assert f"port {port}" in said_by_failing(tmp_path / "other", port)


def test_it_stops_in_good_order(tmp_path: Path):
    scratch = tmp_path / "data" / "scratch"
    with serving(tmp_path / "data") as served:
        until(lambda: scratch.exists() and list(scratch.iterdir()))
        children = served.children()
        served.process.send_signal(signal.SIGINT)
        assert served.process.wait(15) == 0
        assert not [child for child in children if child.is_running()]
    assert list(scratch.iterdir()) == []


def test_nothing_outlives_a_killed_server(tmp_path: Path):
    with serving(tmp_path / "data") as served:
        until(lambda: len(served.children()) == 3)
        children = served.children()
        served.process.kill()
        assert still_running(children, timeout_s=10) == []


def test_callers_wait_while_the_api_is_started_again(service: Service):
    before = httpx.get(f"{service.url}/healthz")
    assert service.kill(Part.API)
    began = time.monotonic()
    after = httpx.get(f"{service.url}/healthz", timeout=30)
    print(f"the API answered again after {time.monotonic() - began:.2f} s")
    assert (before.status_code, after.status_code) == (200, 200)


def test_what_was_killed_whole_starts_again(tmp_path: Path):
    service = Service(tmp_path / "data")
    service.start()
    service.kill(Part.EVERYTHING)
    print(f"ready again after {service.start():.2f} s")
    assert service.stop() == 0
