"""What signals do to a busy server: it ends in good order and leaves nothing running."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from lyra_zoom.contract.zoom import ENDPOINT_ID
from tests.cluster import REQUESTS, Api, clean_environment, seconds_until
from tests.official_clients import LONG, ZOOM
from tests.service import KEY, Part, Service, still_running

pytestmark = pytest.mark.slow

CONTAINER_PATIENCE_S = 30.0
"""What Kubernetes gives a container to stop in; an idle machine needs a tenth."""

HEADERS = {"Authorization": f"Key {KEY}"}


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Service]:
    """`serve` with a video half drawn, a listener to it, and a caller who waits for one."""
    service = Service(tmp_path / "data")
    service.start()
    with httpx.Client(base_url=service.url, headers=HEADERS, timeout=60) as client:
        request_id = client.post(f"/queue/{ENDPOINT_ID}", json=LONG).json()["request_id"]
        path = f"{REQUESTS}/{request_id}/status"
        seconds_until(lambda: "drawing" in client.get(path, params={"logs": 1}).text)
    listening = threading.Event()
    callers = [
        threading.Thread(target=_listen, args=(f"{service.url}{path}/stream", listening)),
        threading.Thread(target=_wait_for_a_video, args=(service.url,)),
    ]
    for caller in callers:
        caller.start()
    assert listening.wait(20)
    yield service
    service.kill(Part.EVERYTHING)  # if a test failed
    for caller in callers:
        caller.join(20)


def _listen(url: str, listening: threading.Event) -> None:
    with (
        contextlib.suppress(httpx.TransportError),
        httpx.stream("GET", url, headers=HEADERS, timeout=60) as stream,
    ):
        for _ in stream.iter_lines():
            listening.set()


def _wait_for_a_video(url: str) -> None:
    with contextlib.suppress(httpx.TransportError):
        httpx.post(f"{url}/run/{ENDPOINT_ID}", json=ZOOM, headers=HEADERS, timeout=60)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_one_signal_ends_a_busy_server_in_good_order(busy: Service, number: signal.Signals):
    began = time.monotonic()
    assert busy.stop(number) == 0
    took_s = time.monotonic() - began
    print(f"it ended {took_s:.2f} s after {number.name}")
    assert took_s < CONTAINER_PATIENCE_S
    assert list((busy.data / "scratch").iterdir()) == []
    assert "Traceback" not in busy.log.read_text()


def test_a_second_signal_ends_it_at_once(busy: Service):
    began = time.monotonic()
    assert busy.stop(signal.SIGTERM, signal.SIGINT) == 0
    print(f"it ended {time.monotonic() - began:.2f} s after two signals")


def test_an_api_alone_lets_a_slow_reader_go_in_time(tmp_path: Path):
    api = Api(tmp_path, clean_environment({"api_keys": KEY}))
    api.wait_until_ready()
    request_id = api.submit()
    port = httpx.URL(api.url).port
    assert port
    with socket.create_connection(("127.0.0.1", port)) as peer:
        head = f"GET {REQUESTS}/{request_id}/status/stream HTTP/1.1\r\nHost: here\r\n"
        peer.sendall(f"{head}Authorization: Key {KEY}\r\n\r\n".encode())
        seconds_until(lambda: b"IN_QUEUE" in peer.recv(4096, socket.MSG_PEEK))
        began = time.monotonic()
        assert api.stop(within_s=CONTAINER_PATIENCE_S) == 0
        print(f"it ended {time.monotonic() - began:.2f} s after SIGTERM")


def test_a_server_that_is_told_to_stop_while_it_starts_stops(tmp_path: Path):
    command = [sys.executable, "-m", "lyra_zoom", "serve", "--port", "0"]
    for pause_s in (0.3, 0.8, 1.5):
        with subprocess.Popen(
            [*command, "--data", str(tmp_path / "data")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=clean_environment({}),
            text=True,
        ) as serve:
            time.sleep(pause_s)
            below = psutil.Process(serve.pid).children(recursive=True)
            serve.send_signal(signal.SIGTERM)
            said = serve.communicate(timeout=20)[1]
        assert serve.returncode in (0, -signal.SIGTERM), said
        assert "Traceback" not in said
        assert still_running(below, timeout_s=15) == []
