"""Servers that are slow, endless or dishonest: no photograph, and in good time."""

from __future__ import annotations

import contextlib
import gzip
import socket
import threading
import time
import zlib

import pytest

from lyra_zoom.errors import InputRejected
from lyra_zoom.storage.fetch import fetch_remote
from lyra_zoom.storage.pinned import OutboundPolicy
from tests.internet import (
    Canary,
    SmallInternet,
    Talk,
    answering,
    closed_port,
    serving,
    within,
)

PUBLIC = "93.184.216.34"
PHOTO = b"the bytes of a photograph"
LIMIT = 2**20


@pytest.fixture
def internet() -> SmallInternet:
    internet = SmallInternet()
    internet.names["photos.example"] = [PUBLIC]
    return internet


@pytest.fixture
def policy(internet: SmallInternet) -> OutboundPolicy:
    return OutboundPolicy(network=internet.network)


def fetched(internet: SmallInternet, talk: Talk, deadline_s: float = 5) -> bytes:
    """What comes from `photos.example` when its server talks so."""
    with serving(talk) as port:
        internet.routes[PUBLIC] = port
        return fetch_remote(
            "http://photos.example/a.png",
            policy=OutboundPolicy(network=internet.network),
            deadline_s=deadline_s,
            limit=LIMIT,
        )


def refusal(internet: SmallInternet, talk: Talk, deadline_s: float = 5) -> InputRejected:
    with pytest.raises(InputRejected) as refused:
        fetched(internet, talk, deadline_s)
    check_words(refused.value)
    return refused.value


def check_words(refused: InputRejected) -> None:
    """A refusal is one line for a person: nothing of this machine or its libraries in it."""
    assert refused.field_name == "image_url"
    assert str(refused).isprintable()
    assert len(str(refused)) < 300
    assert not any(
        word in str(refused) for word in ("127.0.0.1", PUBLIC, "Errno", ".c:", ".py")
    )


class TestNoConnection:
    def test_a_name_that_does_not_resolve_is_said(self, policy):
        with pytest.raises(InputRejected, match="does not resolve") as refused:
            fetch_remote("http://nowhere.example/", policy=policy)
        assert refused.value.kind == "file_download_error"

    def test_a_resolver_that_never_answers_is_left_at_the_deadline(self, internet, policy):
        asleep = threading.Event()
        internet.names["slow.example"] = lambda: [PUBLIC] if asleep.wait(20) else []
        with within(3), pytest.raises(InputRejected) as refused:
            fetch_remote("http://slow.example/", policy=policy, deadline_s=0.3)
        asleep.set()
        assert refused.value.kind == "file_download_error"

    def test_a_name_without_an_address_is_said(self, internet, policy):
        internet.names["empty.example"] = []
        with pytest.raises(InputRejected) as refused:
            fetch_remote("http://empty.example/", policy=policy)
        assert refused.value.kind == "file_download_error"

    def test_a_server_that_refuses_is_said(self, internet, policy):
        internet.routes[PUBLIC] = closed_port()
        with within(3), pytest.raises(InputRejected, match="refuses the connection") as refused:
            fetch_remote("http://photos.example/", policy=policy)
        check_words(refused.value)

    def test_a_server_that_resets_is_said(self, internet):
        def reset(connection: socket.socket, _: bytes) -> None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

        assert refusal(internet, reset).kind == "file_download_error"


class TestTime:
    def test_a_drip_of_the_body_ends_at_the_deadline(self, internet):
        def drip(connection: socket.socket, _: bytes) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            _drip(connection, b"x")

        with within(3):
            assert "within 0.3 s" in refusal(internet, drip, deadline_s=0.3).message

    def test_a_drip_of_headers_ends_at_the_deadline(self, internet):
        def drip(connection: socket.socket, _: bytes) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            _drip(connection, b"X-Padding: y\r\n")

        with within(3):
            assert "within 0.3 s" in refusal(internet, drip, deadline_s=0.3).message

    def test_an_endless_row_of_preliminary_answers_ends_at_the_deadline(self, internet):
        def drip(connection: socket.socket, _: bytes) -> None:
            _drip(connection, b"HTTP/1.1 103 Early Hints\r\n\r\n")

        with within(3):
            assert "within 0.3 s" in refusal(internet, drip, deadline_s=0.3).message

    def test_a_body_that_never_comes_ends_at_the_deadline(self, internet):
        def promise(connection: socket.socket, _: bytes) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
            time.sleep(3)

        with within(2):
            assert "within 0.3 s" in refusal(internet, promise, deadline_s=0.3).message

    def test_a_handshake_that_never_ends_is_left_at_the_deadline(self, internet, policy):
        def drip(connection: socket.socket, _: bytes) -> None:
            _drip(connection, b"\x16")

        with serving(drip) as port, within(3):
            internet.routes[PUBLIC] = port
            with pytest.raises(InputRejected) as refused:
                fetch_remote("https://photos.example/", policy=policy, deadline_s=0.3)
        assert refused.value.kind == "file_download_error"

    def test_the_deadline_is_for_all_redirects_together(self, internet):
        def slowly_on(connection: socket.socket, _: bytes) -> None:
            time.sleep(0.2)
            answering(status="302 Found", location="/again")(connection, b"")

        with within(3):
            assert "within 0.5 s" in refusal(internet, slowly_on, deadline_s=0.5).message


class TestSize:
    def test_the_length_that_is_promised_is_believed_when_it_is_too_much(self, internet):
        sent = threading.Event()

        def promise(connection: socket.socket, _: bytes) -> None:
            connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {5 << 30}\r\n\r\n".encode())
            sent.set()
            time.sleep(3)

        with within(2):
            refused = refusal(internet, promise)
        assert sent.wait(2)
        assert refused.kind == "file_too_large"
        assert refused.context == {"max_size": LIMIT}

    @pytest.mark.parametrize("framing", ["Transfer-Encoding: chunked", "Connection: close"])
    def test_an_endless_body_is_cut_off(self, internet, framing):
        taken = 0

        def endless(connection: socket.socket, _: bytes) -> None:
            nonlocal taken
            connection.sendall(f"HTTP/1.1 200 OK\r\n{framing}\r\n\r\n".encode())
            piece = bytes(2**16)
            while True:
                connection.sendall(
                    b"10000\r\n" + piece + b"\r\n" if "chunked" in framing else piece
                )
                taken += len(piece)

        assert refusal(internet, endless).kind == "file_too_large"
        assert taken < 64 * LIMIT  # what the kernel's buffers hold, never a gigabyte

    def test_what_comes_beyond_the_promised_length_is_not_read(self, internet):
        def more(connection: socket.socket, _: bytes) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n" + bytes(LIMIT))

        assert len(fetched(internet, more)) == 10

    def test_exactly_the_limit_is_accepted(self, internet):
        assert len(fetched(internet, answering(bytes(LIMIT)))) == LIMIT
        assert refusal(internet, answering(bytes(LIMIT + 1))).kind == "file_too_large"

    @pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP", "deflate"])
    def test_a_compressed_photograph_is_unpacked(self, internet, encoding):
        packed = zlib.compress(PHOTO) if encoding == "deflate" else gzip.compress(PHOTO)
        assert fetched(internet, answering(packed, content_encoding=encoding)) == PHOTO

    @pytest.mark.parametrize("encoding", ["gzip", "deflate"])
    def test_a_body_that_swells_is_counted_unpacked(self, internet, encoding):
        pack = zlib.compress if encoding == "deflate" else gzip.compress
        bomb = pack(bytes(100 * LIMIT), 9)
        assert len(bomb) < LIMIT
        refused = refusal(internet, answering(bomb, content_encoding=encoding))
        assert refused.kind == "file_too_large"

    @pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, gzip", "exi"])
    def test_other_compressions_are_not_unpacked(self, internet, encoding):
        refused = refusal(internet, answering(b"anything", content_encoding=encoding))
        assert refused.kind == "file_download_error"

    @pytest.mark.parametrize(
        "packed", [b"not gzip", gzip.compress(PHOTO)[:-9]], ids=["not packed", "cut short"]
    )
    def test_a_broken_compression_is_said(self, internet, packed):
        refused = refusal(internet, answering(packed, content_encoding="gzip"))
        assert refused.kind == "file_download_error"


class TestHonesty:
    @pytest.mark.parametrize("status", [204, 206, 300, 304, 401, 403, 404, 410, 429, 500, 503])
    def test_the_status_of_the_server_is_passed_on(self, internet, status):
        refused = refusal(internet, answering(status=f"{status} Said"))
        assert refused.kind == "file_download_error"
        assert refused.context == {"status_code": status}

    @pytest.mark.parametrize(
        "message",
        [b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort",
         b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort",
         b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Le", b"",
         b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
         b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000 + b"\r\n\r\n"],
    )  # fmt: skip
    def test_an_answer_that_is_cut_short_or_broken_is_no_file(self, internet, message):
        refused = refusal(internet, lambda connection, _: connection.sendall(message))
        assert refused.kind == "file_download_error"

    def test_a_page_instead_of_a_photograph_arrives_as_it_is(self, internet):
        page = b"<!doctype html><title>Please sign in</title>"
        assert fetched(internet, answering(page, content_type="image/png")) == page

    def test_proxies_of_the_machine_are_not_used(self, internet, monkeypatch):
        canary = Canary()
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{canary.port}")
        assert fetched(internet, answering(PHOTO)) == PHOTO
        assert canary.heard == 0
        canary.close()

    def test_only_what_is_needed_is_sent(self, internet):
        heads: list[bytes] = []

        def listen(connection: socket.socket, head: bytes) -> None:
            heads.append(head)
            answering(PHOTO)(connection, head)

        fetched(internet, listen)
        assert heads[0].lower().split(b"\r\n") == [
            b"get /a.png http/1.1", b"host: photos.example", b"user-agent: lyra-zoom",
            b"accept: */*", b"accept-encoding: identity", b"", b"",
        ]  # fmt: skip


def _drip(connection: socket.socket, piece: bytes) -> None:
    with contextlib.suppress(OSError):
        for _ in range(100):
            connection.sendall(piece)
            time.sleep(0.05)
