"""Very many clients, and clients that vanish without a word, cost an API little."""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.cluster import REQUESTS, Api, clean_environment, seconds_until
from tests.far_away import far_away
from tests.service import KEY

pytestmark = pytest.mark.slow

POLLERS = 1000
EACH_S = 10.0
"""How often every one of them asks; fal's clients ask more often, but there are fewer."""

FOR_S = 20.0
STREAMS = 100
DROPPED_WITHIN_S = 60.0
MIB = 2**20

HEAD = (
    "GET {path}/status/stream?logs=1 HTTP/1.1\r\nHost: here\r\nAuthorization: Key {key}\r\n\r\n"
)

LENGTH = re.compile(rb"(?i)content-length: (\d+)")

OPEN_STREAMS = """
import socket, sys, time
host, port, head, count = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
peers = [socket.create_connection((host, port)) for _ in range(count)]
for peer in peers:
    peer.sendall(head.encode())
for peer in peers:
    assert b" 200 " in peer.recv(4096)
print("open", flush=True)
time.sleep(600)
"""


@pytest.fixture
def environment() -> dict[str, str]:
    return clean_environment({"api_keys": KEY})


@pytest.fixture
def api(tmp_path: Path, environment: dict[str, str]) -> Iterator[Api]:
    """An API without workers: requests wait for ever."""
    api = Api(tmp_path, environment)
    api.wait_until_ready()
    yield api
    assert api.stop() == 0, api.said()


def memory_mib(api: Api) -> float:
    return psutil.Process(api.process.pid).memory_info().rss / MIB


def head_for(request_id: str) -> str:
    return HEAD.format(path=f"{REQUESTS}/{request_id}", key=KEY)


def streams_of(api: Api) -> int:
    """How many connections the API holds besides the test's own."""
    connections = psutil.Process(api.process.pid).net_connections("tcp")
    return sum(1 for one in connections if one.status == psutil.CONN_ESTABLISHED) - 1


async def poll_for_a_while(api: Api, request_id: str, tell: Callable[[float], None]) -> int:
    """Let all pollers ask for a while, each on its own connection; how many answers came."""
    head = (
        f"GET {REQUESTS}/{request_id}/status?logs=1 HTTP/1.1\r\n"
        f"Host: here\r\nAuthorization: Key {KEY}\r\n\r\n"
    ).encode()
    port = httpx.URL(api.url).port
    ends_s = time.monotonic() + FOR_S
    answers = 0

    async def poll(number: int) -> None:
        nonlocal answers
        await asyncio.sleep(EACH_S * number / POLLERS)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.monotonic() < ends_s:
            began = time.monotonic()
            writer.write(head)
            answer = await reader.readuntil(b"\r\n\r\n")
            assert b" 202 " in answer[:20], answer
            await reader.readexactly(int(LENGTH.findall(answer)[0]))
            tell(time.monotonic() - began)
            answers += 1
            await asyncio.sleep(EACH_S - 0.2)
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(poll(number) for number in range(POLLERS)))
    return answers


def test_a_thousand_pollers_leave_memory_as_it_was(api: Api):
    request_id = api.submit()
    asked_s: list[float] = []
    asyncio.run(poll_for_a_while(api, request_id, asked_s.append))
    before = memory_mib(api)
    asked_s.clear()
    answers = asyncio.run(poll_for_a_while(api, request_id, asked_s.append))
    after = memory_mib(api)
    print(
        f"{answers} answers, the slowest of a hundred after "
        f"{sorted(asked_s)[int(0.99 * len(asked_s))]:.3f} s; {before:.0f}, then {after:.0f} MiB"
    )
    assert after - before < 20
    assert api.cancel(request_id).status_code == 202


def test_listeners_that_read_nothing_leave_memory_as_it_was(api: Api):
    request_id = api.submit()
    before = memory_mib(api)
    port = httpx.URL(api.url).port
    assert port
    peers = [socket.create_connection(("127.0.0.1", port)) for _ in range(STREAMS)]
    for peer in peers:
        peer.sendall(head_for(request_id).encode())
    seconds_until(lambda: streams_of(api) >= STREAMS)
    time.sleep(5)
    after = memory_mib(api)
    print(f"{before:.0f}, then {after:.0f} MiB with {STREAMS} streams")
    assert after - before < 30
    for peer in peers:
        peer.close()
    seconds_until(lambda: streams_of(api) <= 0, within_s=15)


def test_listeners_that_vanish_are_let_go_within_a_minute(
    tmp_path: Path, environment: dict[str, str]
):
    with far_away() as place:
        if place is None:
            pytest.skip("needs root and `ip`, to make a network that can fail")
        api = Api(tmp_path, environment, host=place.here)
        api.wait_until_ready()
        request_id = api.submit()
        port = str(httpx.URL(api.url).port)
        options = (place.here, port, head_for(request_id), str(STREAMS))
        peers = subprocess.Popen(
            place.command(sys.executable, "-c", OPEN_STREAMS, *options),
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert peers.stdout
            assert peers.stdout.readline() == "open\n"
            seconds_until(lambda: streams_of(api) >= STREAMS)
            place.pull_the_cable()
            gone_s = seconds_until(lambda: streams_of(api) <= 0, within_s=DROPPED_WITHIN_S)
        finally:
            peers.kill()
            peers.communicate()
            status = api.stop()
        print(f"{STREAMS} listeners were let go {gone_s:.0f} s after they vanished")
        assert status == 0
