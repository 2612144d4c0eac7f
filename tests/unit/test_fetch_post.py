"""A message to a receiver that a stranger chose: one answer, soon, and not much of it."""

from __future__ import annotations

import socket
import time

import pytest

from lyra_zoom.errors import AddressUnreachable
from lyra_zoom.storage.outbound import post_outbound
from lyra_zoom.storage.pinned import OutboundPolicy
from tests.internet import SmallInternet, Talk, answering, serving, within

PUBLIC = "93.184.216.34"


@pytest.fixture
def internet() -> SmallInternet:
    internet = SmallInternet()
    internet.names["photos.example"] = [PUBLIC]
    return internet


def post(internet: SmallInternet, talk: Talk, timeout_s: float = 5) -> int:
    with serving(talk) as port:
        internet.routes[PUBLIC] = port
        policy = OutboundPolicy(field_name="webhook", network=internet.network)
        return post_outbound(
            "http://photos.example/hook", b'{"status":"OK"}', {"x-a": "b"}, policy, timeout_s
        )


def test_the_status_of_the_receiver_is_returned(internet):
    heard: list[bytes] = []

    def receive(connection: socket.socket, head: bytes) -> None:
        body = head.partition(b"\r\n\r\n")[2]
        heard.append(head + (b"" if body else connection.recv(65536)))
        answering(status="202 Accepted")(connection, head)

    assert post(internet, receive) == 202
    assert heard[0].startswith(b"POST /hook HTTP/1.1\r\nhost: photos.example\r\n")
    assert b"\r\nx-a: b\r\n" in heard[0]
    assert heard[0].endswith(b'\r\n\r\n{"status":"OK"}')


@pytest.mark.parametrize("status", [200, 204, 301, 404, 410, 500])
def test_every_status_is_an_answer(internet, status):
    talk = answering(status=f"{status} Said", location="http://127.0.0.1/")
    assert post(internet, talk) == status


def test_at_most_64_kilobytes_of_an_answer_are_read(internet):
    taken = 0

    def endless(connection: socket.socket, _: bytes) -> None:
        nonlocal taken
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(bytes(2**16))
            taken += 2**16

    with within(3):
        assert post(internet, endless) == 200
    assert taken < 64 * 2**20


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"])
def test_a_receiver_that_hangs_is_left_at_the_deadline(internet, sent):
    def hang(connection: socket.socket, _: bytes) -> None:
        connection.sendall(sent)
        time.sleep(3)

    with within(2), pytest.raises(AddressUnreachable, match=r"within 0\.3 s"):
        post(internet, hang, timeout_s=0.3)


def test_a_receiver_that_closes_is_unreachable(internet):
    with pytest.raises(AddressUnreachable):
        post(internet, lambda connection, _: None)
