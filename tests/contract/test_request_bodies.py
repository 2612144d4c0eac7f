"""Bodies as nobody should send them: refused quickly, in words, and the server goes on."""

from __future__ import annotations

import contextlib
import json
import socket
import time

import pytest

from tests.server import INPUT, KEY, RUN, SUBMIT, running_api

JSON = {"Content-Type": "application/json"}
BODY = json.dumps(INPUT).encode()


@pytest.fixture(params=[SUBMIT, RUN])
def route(request):
    return request.param


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"no json",
        b'{"prompt": NaN}',
        b'{"zoom_in_strength": Infinity}',
        b'{"zoom_in_strength": -Infinity}',
        b'{"a": 1,}',
        b'{"a": "\xff"}',
        b'{"prompt": "\\ud800"}',
        b"[1, 2]",
        b'"text"',
        b"null",
        b"17",
    ],
)
def test_what_is_not_a_json_object_is_refused_in_fals_shape(client, route, body):
    answer = client.post(route, content=body, headers=JSON)
    assert answer.status_code == 422
    (problem,) = answer.json()["detail"]
    assert problem["loc"] == ["body"]
    assert problem["type"] in ("json_invalid", "dict_type")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig", "utf-32"])
def test_another_encoding_is_refused(client, route, encoding):
    body = json.dumps(INPUT).encode(encoding)
    assert client.post(route, content=body, headers=JSON).status_code == 400


@pytest.mark.parametrize(
    "body", [b"[" * 50_000_000, b'{"a":' * 100_000, b'{"a":' + b"[" * 100_000 + b"}"]
)
def test_deep_nesting_is_refused_at_once(client, body):
    began = time.monotonic()
    answer = client.post(SUBMIT, content=body, headers=JSON)
    assert answer.status_code == 422
    assert time.monotonic() - began < 30  # one second, and what a busy machine adds


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""],
)
def test_a_form_or_text_is_refused(client, route, content_type):
    headers = {"Content-Type": content_type} if content_type else {}
    assert client.post(route, content=BODY, headers=headers).status_code == 415


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "Application/JSON", "application/json;"]
)
def test_json_may_be_announced_in_other_words(client, content_type):
    answer = client.post(SUBMIT, content=BODY, headers={"Content-Type": content_type})
    assert answer.status_code == 200


def test_a_compressed_body_is_refused(client, route):
    headers = JSON | {"Content-Encoding": "gzip"}
    assert client.post(route, content=b"\x1f\x8b", headers=headers).status_code == 415


def test_the_last_of_two_equal_fields_counts(api, client):
    body = b'{"image_url": "x", "prompt": "a", "prompt": 7}'
    assert client.post(RUN, content=body, headers=JSON).json()["detail"][0]["input"] == 7


def test_a_data_uri_of_many_megabytes_is_accepted(client):
    large = INPUT | {"image_url": "data:image/png;base64," + "A" * 25_000_000}
    assert client.post(SUBMIT, json=large).status_code == 200


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A server that accepts bodies of at most one MiB."""
    with running_api(tmp_path_factory.mktemp("small"), max_body_mb=1) as running:
        yield running


class TestSize:
    def test_a_body_over_the_limit_is_refused(self, small):
        with small.client() as client:
            answer = client.post(SUBMIT, content=b" " * 1_100_000, headers=JSON)
            assert answer.status_code == 413
            assert client.post(SUBMIT, json=INPUT).status_code == 200

    def test_an_announced_size_is_refused_before_the_body_comes(self, small):
        told = exchange(small, f"Content-Length: {5 * 2**30}\r\n")
        assert told.startswith(b"HTTP/1.1 413 ")
        assert b"connection: close" in told

    def test_nobody_is_asked_to_continue_with_too_much(self, small):
        told = exchange(small, "Expect: 100-continue\r\nContent-Length: 9000000\r\n")
        assert told.startswith(b"HTTP/1.1 413 ")

    def test_an_endless_body_in_chunks_is_cut(self, small):
        def pieces():
            for _ in range(4000):
                yield b" " * 10_000

        with small.client() as client:
            answer = client.post(SUBMIT, content=pieces(), headers=JSON)
        assert answer.status_code == 413

    def test_a_body_shorter_than_announced_leaves_the_server_well(self, small):
        exchange(small, "Content-Length: 100\r\n", b"{}", half_close=True)
        with small.client() as client:
            assert client.post(SUBMIT, json=INPUT).status_code == 200


class TestHead:
    def test_two_ways_to_say_the_length_are_refused(self, api):
        told = exchange(api, "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", b"{}")
        assert told.startswith(b"HTTP/1.1 400 ")

    def test_two_lengths_are_refused(self, api):
        told = exchange(api, "Content-Length: 2\r\nContent-Length: 3\r\n", b"{}")
        assert told.startswith(b"HTTP/1.1 400 ")

    def test_two_hosts_are_refused(self, api):
        told = exchange(api, "Host: other.example\r\nContent-Length: 0\r\n")
        assert told.startswith(b"HTTP/1.1 400 ")

    def test_ten_thousand_headers_are_refused(self, api):
        flood = "".join(f"X-{number}: y\r\n" for number in range(10_000))
        assert exchange(api, flood).startswith(b"HTTP/1.1 431 ")

    def test_a_header_of_a_megabyte_is_refused(self, api):
        assert exchange(api, f"X-Long: {'y' * 2**20}\r\n").startswith(b"HTTP/1.1 431 ")

    def test_an_address_that_is_too_long_is_refused(self, client):
        assert client.get("/" + "a" * 30_000).status_code in (414, 431)


def exchange(api, headers, body=b"", half_close=False):
    """What the server says to a submit with these raw headers, until it hangs up or waits."""
    host, port = api.url.removeprefix("http://").split(":")
    head = (
        f"POST {SUBMIT} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Key {KEY}\r\n"
        f"Content-Type: application/json\r\n{headers}\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        with contextlib.suppress(ConnectionError):  # refused while it still speaks
            connection.sendall(head.encode() + body)
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        return received(connection)


def received(connection):
    told = b""
    connection.settimeout(3)
    try:
        while piece := connection.recv(65536):
            told += piece
            if b"\r\n\r\n" in told and b"connection: close" not in told:
                break
    except (TimeoutError, ConnectionError):
        pass
    return told
