"""A process that may open no more files answers again once some are closed; nothing is lost."""

from __future__ import annotations

import resource
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.cluster import Api, clean_environment, seconds_until
from tests.service import KEY

pytestmark = pytest.mark.slow

SPARE = 12
PEERS = 40


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    api = Api(tmp_path, clean_environment({"api_keys": KEY}))
    api.wait_until_ready()
    yield api
    assert api.stop() == 0, api.said()


def answers(api: Api) -> bool:
    try:
        return httpx.get(f"{api.url}/healthz", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def test_an_api_without_file_descriptors_answers_again_when_it_has_some(api: Api):
    accepted = api.submit()
    process = psutil.Process(api.process.pid)
    _, hard = process.rlimit(resource.RLIMIT_NOFILE)
    process.rlimit(resource.RLIMIT_NOFILE, (process.num_fds() + SPARE, hard))
    port = httpx.URL(api.url).port
    assert port
    peers = [socket.create_connection(("127.0.0.1", port)) for _ in range(PEERS)]
    seconds_until(lambda: not answers(api))
    for peer in peers:
        peer.close()
    seconds_until(lambda: answers(api))
    assert api.status(accepted)["status"] == "IN_QUEUE"
    later = api.submit()
    assert api.status(later)["status"] == "IN_QUEUE"
