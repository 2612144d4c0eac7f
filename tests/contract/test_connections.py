"""Connections that stall: closed in time, while everybody else is served."""

from __future__ import annotations

import socket
import threading
import time

import httpx
import pytest
import uvicorn

from lyra_zoom.server.connection import GuardedConnection
from lyra_zoom.server.listener import listen, url_of

STALLED_IF_S = 30.0
"""Two hundred heads waited for in turn would take over three times as long."""


class ImpatientConnection(GuardedConnection):
    head_within_s = 0.5


async def hello(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


@pytest.fixture(scope="module")
def impatient():
    """A server that waits half a second for headers."""
    config = uvicorn.Config(
        hello, http=ImpatientConnection, ws="none", lifespan="off", log_config=None
    )
    server = uvicorn.Server(config)
    with listen("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield url_of(listener, "127.0.0.1")
        server.should_exit = True
        thread.join(10)


def connect(url):
    host, port = url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=STALLED_IF_S)


@pytest.mark.parametrize("begun", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\nX-A: "])
def test_a_head_that_does_not_come_ends_the_connection(impatient, begun):
    with connect(impatient) as connection:
        connection.sendall(begun)
        assert connection.recv(1) == b""


def _is_hung_up(connection: socket.socket, drop: bytes) -> bool:
    try:
        for _ in range(300):
            connection.sendall(drop)
            time.sleep(0.1)
    except ConnectionError:
        return True
    return False


def test_dripping_a_head_does_not_help(impatient):
    with connect(impatient) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        assert _is_hung_up(connection, b"X-A: b\r\n")


def test_empty_lines_do_not_keep_a_connection(impatient):
    with connect(impatient) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        while b"hello" not in connection.recv(4096):
            pass
        connection.sendall(b"\r\n")
        assert connection.recv(4096) in (b"", b"0\r\n\r\n")
        assert connection.recv(4096) == b""


def test_a_kept_connection_has_time_for_each_of_its_requests(impatient):
    with httpx.Client(base_url=impatient) as client:
        for _ in range(3):
            assert client.get("/").text == "hello"
            time.sleep(0.4)


def test_many_half_open_connections_leave_others_alone(impatient):
    stalled = [connect(impatient) for _ in range(200)]
    try:
        assert httpx.get(impatient, timeout=STALLED_IF_S).text == "hello"
    finally:
        for connection in stalled:
            connection.close()
