"""What is hardly HTTP at all: refused or hung up on, quickly, and the next caller is served."""

from __future__ import annotations

import contextlib
import random
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fuzz.rules import breach_of
from tests.server import INPUT, KEY, SUBMIT, RunningApi, running_api

WAIT_S = 5.0
LINE = f"POST {SUBMIT} HTTP/1.1\r\n".encode()
HEAD = (
    LINE
    + (
        f"Host: x.test\r\nAuthorization: Key {KEY}\r\nContent-Type: application/json\r\n"
    ).encode()
)

BROKEN = {
    "binary": bytes(range(256)) * 4,
    "a TLS greeting": bytes.fromhex("16030100a5010000a10303") + b"\x00" * 160,
    "HTTP 2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP 0.9": b"GET /\r\n\r\n",
    "HTTP 9.9": b"GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n",
    "no version": b"POST " + SUBMIT.encode() + b"\r\nHost: x\r\n\r\n",
    "only line ends": b"\r\n" * 200,
    "a made-up method": b"BREW /queue HTTP/1.1\r\nHost: x\r\n\r\n",
    "a method of 10,000 letters": b"A" * 10_000 + b" / HTTP/1.1\r\n\r\n",
    "another server's address": b"GET http://169.254.169.254/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "CONNECT": b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: x\r\n\r\n",
    "OPTIONS *": b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    "a path of NULs": b"GET /\0\0\0 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a path that is no UTF-8": b"GET /%ff%fe%c3%28 HTTP/1.1\r\nHost: x\r\n\r\n",
    "broken escapes": b"GET /%zz%%%1 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a path up the folders": b"GET /../../../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
    "a header without a colon": HEAD + b"broken\r\n\r\n",
    "a header without a name": HEAD + b": value\r\n\r\n",
    "a header with a space before its colon": HEAD + b"X-A : b\r\n\r\n",
    "a folded header": HEAD + b"X-A: b\r\n  and more\r\n\r\n",
    "a header with NUL": HEAD + b"X-A: b\0c\r\n\r\n",
    "bare line feeds": HEAD.replace(b"\r\n", b"\n") + b"Content-Length: 2\n\n{}",
    "a negative length": HEAD + b"Content-Length: -1\r\n\r\n{}",
    "a length in letters": HEAD + b"Content-Length: two\r\n\r\n{}",
    "a length of 400 digits": HEAD + b"Content-Length: " + b"9" * 400 + b"\r\n\r\n",
    "chunks of no size": HEAD + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n{}\r\n",
    "a chunk of endless size": HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"F" * 40,
    "a chunk longer than said": HEAD
    + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{}{}{}\r\n0\r\n",
    "an unknown encoding": HEAD + b"Transfer-Encoding: gzip, x-any\r\n\r\n",
    "an upgrade": b"GET /queue HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n\r\n",
    "an expectation": HEAD + b"Expect: something\r\nContent-Length: 2\r\n\r\n{}",
    "a host that is none": b"GET /openapi.json HTTP/1.1\r\nHost: \xff\xfe;<script>\r\n\r\n",
    "a key in Latin-1": LINE + b"Host: x\r\nAuthorization: Key \xe9\xff\r\n\r\n",
    "smuggling": HEAD + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET",
}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApi]:
    with running_api(tmp_path_factory.mktemp("api")) as running:
        yield running


@pytest.mark.parametrize("name", BROKEN)
def test_it_is_answered_by_the_rules_or_hung_up_on(api: RunningApi, name: str):
    told, took_s = exchange(api, BROKEN[name])
    assert_by_the_rules(told, took_s)
    assert_serves(api)


@pytest.mark.slow
def test_requests_cut_or_garbled_anywhere_harm_nobody(api: RunningApi):
    chance = random.Random(1)
    whole = HEAD + b'Content-Length: 34\r\n\r\n{"prompt": "a", "image_url": "b.c"}'
    for _ in range(150):
        broken = bytearray(whole[: chance.randrange(1, len(whole))])
        for _ in range(chance.randrange(4)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        told, took_s = exchange(api, bytes(broken), ends=True)
        assert_by_the_rules(told, took_s)
    assert_serves(api)


@pytest.mark.slow
def test_callers_who_leave_before_the_answer_harm_nobody(api: RunningApi):
    body = b'{"prompt": "a", "image_url": "b"}'
    for _ in range(100):
        with connected(api) as connection:
            connection.sendall(HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
    assert_serves(api)


def test_two_requests_sent_at_once_get_their_own_answers(api: RunningApi):
    hello = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    told, _ = exchange(
        api, hello + hello.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    )
    assert told.count(b"HTTP/1.1 200 ") == 2


def connected(api: RunningApi) -> socket.socket:
    host, port = api.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=WAIT_S)


def exchange(api: RunningApi, sent: bytes, ends: bool = False) -> tuple[bytes, float]:
    """What comes back until the server hangs up or a whole head is there; and after how long.

    With `ends` nothing more will be sent, and the server can know it.
    """
    told, began = b"", time.monotonic()
    with connected(api) as connection, contextlib.suppress(ConnectionError, TimeoutError):
        connection.sendall(sent)
        if ends:
            connection.shutdown(socket.SHUT_WR)
        connection.settimeout(1.0)  # who waits for more bytes of ours says nothing
        while piece := connection.recv(65536):
            told += piece
    return told, time.monotonic() - began


def assert_by_the_rules(told: bytes, took_s: float) -> None:
    if not told:
        return
    head, _, body = told.partition(b"\r\n\r\n")
    line, *lines = head.decode("latin-1").split("\r\n")
    headers = {
        name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)
    }
    body = body[: int(headers.get("content-length", len(body)))]
    assert breach_of(int(line.split(" ")[1]), headers, body, took_s) is None, told


def assert_serves(api: RunningApi) -> None:
    with api.client() as client:
        answer: Any = client.post(SUBMIT, json=INPUT)
    assert answer.status_code == 200
