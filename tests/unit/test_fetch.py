"""What a person or a client points at becomes bytes, within a time and a size."""

from __future__ import annotations

import base64
import contextlib
import gzip
import http.server
import socket
import threading
import time
from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest

from lyra_zoom.errors import InputRejected
from lyra_zoom.storage.fetch import OWN_MACHINE, fetch_any, fetch_remote
from tests.pictures import encoded, landscape

PNG = encoded(landscape(), "PNG")


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers with what the path names."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        what = self.path.strip("/")
        answers: dict[str, Callable[[], None]] = {
            "photo.png": lambda: self.answer(200, PNG),
            "to-photo": lambda: self.redirect("/photo.png"),
            "round": lambda: self.redirect("/round"),
            "to-file": lambda: self.redirect("file:///etc/passwd"),
            "to-nowhere": lambda: self.redirect("http://"),
            "huge": lambda: self.answer(200, b"", {"Content-Length": str(5 << 30)}),
            "endless": self.endless,
            "bomb": lambda: self.answer(
                200, gzip.compress(bytes(80 << 20), 9), {"Content-Encoding": "gzip"}
            ),
            "short": lambda: self.answer(200, PNG, {"Content-Length": str(len(PNG) + 99)}),
            "drip": self.drip,
        }
        if what in answers:
            answers[what]()
        else:
            self.answer(int(what) if what.isdigit() else 404, b"no")

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def redirect(self, target: str) -> None:
        self.answer(302, b"", {"Location": target})

    def endless(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(b"100000\r\n" + bytes(1 << 20) + b"\r\n")

    def drip(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(b"x")
                time.sleep(0.05)

    def log_message(self, *arguments: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a server of photographs and of trouble."""
    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    httpd.server_close()


def refusal(where: str, deadline_s: float = 20) -> InputRejected:
    with pytest.raises(InputRejected) as refused:
        fetch_remote(where, policy=OWN_MACHINE, deadline_s=deadline_s)
    assert refused.value.field_name == "image_url"
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 300
    return refused.value


BASE64 = base64.b64encode(PNG).decode()


@pytest.mark.parametrize(
    "uri",
    [
        pytest.param("data:image/png;base64," + BASE64, id="as it should be"),
        pytest.param("DATA:image/png;BASE64," + BASE64, id="upper case"),
        pytest.param("data:;base64," + BASE64, id="no media type"),
        pytest.param("data:text/html;base64," + BASE64, id="a wrong media type"),
        pytest.param("data:image/png;name=a.png;base64," + BASE64, id="a parameter"),
        pytest.param("data:image/png;base64," + BASE64.rstrip("="), id="no padding"),
        pytest.param("data:image/png;base64," + BASE64 + "==", id="too much padding"),
        pytest.param(
            "data:image/png;base64,"
            + "\r\n ".join(BASE64[i : i + 76] for i in range(0, len(BASE64), 76)),
            id="white space",
        ),
        pytest.param(
            "data:image/png;base64," + base64.urlsafe_b64encode(PNG).decode(), id="url-safe"
        ),
        pytest.param(
            "data:image/png;base64," + quote(BASE64, safe=""), id="percent-encoded base64"
        ),
        pytest.param("data:image/png," + quote(PNG), id="percent-encoded"),
    ],
)
def test_a_data_uri_is_read_kindly(uri):
    assert fetch_remote(uri, policy=OWN_MACHINE) == PNG
    assert fetch_any(uri) == PNG


@pytest.mark.parametrize(
    "uri", ["data:image/png;base64", "data:", "data:;base64,*$!", "data:;base64,A"]
)
def test_a_broken_data_uri_is_an_image_that_does_not_load(uri):
    assert refusal(uri).kind == "image_load_error"


def test_a_data_uri_of_30_megabytes_works():
    uri = "data:;base64," + base64.b64encode(bytes(30 << 20)).decode()
    assert len(fetch_remote(uri, policy=OWN_MACHINE)) == 30 << 20


def test_a_data_uri_over_the_limit_is_refused():
    assert refusal("data:," + "x" * (65 << 20)).kind == "file_too_large"


def test_an_address_is_fetched(server):
    assert fetch_remote(f"{server}/photo.png", policy=OWN_MACHINE) == PNG
    assert fetch_any(f"{server}/photo.png") == PNG


def test_redirects_are_followed(server):
    assert fetch_remote(f"{server}/to-photo", policy=OWN_MACHINE) == PNG


@pytest.mark.parametrize("path", ["round", "to-file", "to-nowhere"])
def test_redirects_that_lead_nowhere_end(server, path):
    assert refusal(f"{server}/{path}").kind == "file_download_error"


@pytest.mark.parametrize("status", [401, 403, 404, 410, 500, 503, 204])
def test_an_answer_without_a_photograph_says_its_status(server, status):
    refused = refusal(f"{server}/{status}")
    assert refused.kind == "file_download_error"
    assert refused.context == {"status_code": status}


@pytest.mark.parametrize("path", ["huge", "endless", "bomb"])
def test_a_file_over_the_limit_is_cut_off(server, path):
    refused = refusal(f"{server}/{path}")
    assert refused.kind == "file_too_large"
    assert refused.context == {"max_size": 64 * 2**20}


def test_a_transfer_that_ends_early_is_no_file(server):
    assert refusal(f"{server}/short").kind == "file_download_error"


def test_a_slow_drip_ends_at_the_deadline(server):
    start = time.monotonic()
    assert refusal(f"{server}/drip", deadline_s=0.5).kind == "file_download_error"
    assert time.monotonic() - start < 20


def test_a_server_that_never_answers_is_left_at_the_deadline():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        start = time.monotonic()
        refused = refusal(f"http://127.0.0.1:{port}/", deadline_s=0.5)
        assert refused.kind == "file_download_error"
        assert time.monotonic() - start < 20


def test_nobody_listening_is_said():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert refusal(f"http://127.0.0.1:{port}/a.png").kind == "file_download_error"


def test_a_name_that_does_not_exist_is_said():
    assert refusal("http://no-such-host.invalid/a.png").kind == "file_download_error"


def test_proxies_of_the_machine_are_not_for_addresses_of_users(server, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert fetch_remote(f"{server}/photo.png", policy=OWN_MACHINE) == PNG


def test_credentials_in_an_address_are_refused_without_being_shown(server):
    refused = refusal(server.replace("http://", "http://user:secret@") + "/photo.png")
    assert refused.kind == "file_download_error"
    assert "secret" not in str(refused)


@pytest.mark.parametrize(
    "where",
    [
        "file:///etc/passwd", "ftp://example.com/a.png", "gopher://x", "dict://x:1/", "jar:x",
        "unix:/run/x", "blob:http://x/1", "javascript:alert(1)", "/etc/passwd", "photo.png",
        "http://", "https:///a.png", "http:a.png", "", " ", "http://a b/", "http://x/\n",
        "http://[::1", "http://x:99999/", "\0", "http://" + "a" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_http_address_is_refused_without_being_opened(where):
    assert refusal(where).kind == "file_download_error"


def test_a_file_is_read(tmp_path):
    file = tmp_path / "a photo ü.png"
    file.write_bytes(PNG)
    assert fetch_any(str(file)) == PNG


@pytest.mark.parametrize(
    ("where", "reason"),
    [("missing.png", "no such file"), (".", "is a directory"), ("a\0b", "not a file name")],
)
def test_a_file_that_cannot_be_read_says_why(where, reason):
    with pytest.raises(InputRejected, match=reason) as refused:
        fetch_any(where)
    assert str(refused.value).isprintable()


def test_a_file_over_the_limit_is_refused(tmp_path):
    file = tmp_path / "sparse.png"
    with file.open("wb") as opened:
        opened.truncate(5 << 30)
    with pytest.raises(InputRejected, match="larger than 64 MiB"):
        fetch_any(str(file))
