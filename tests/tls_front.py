"""A web server in front of ours that speaks TLS, as people put one before it in production."""

from __future__ import annotations

import contextlib
import http.server
import ssl
import threading
from collections.abc import Iterator

import httpx

HOP_BY_HOP = ("connection", "content-length", "transfer-encoding", "content-encoding")


@contextlib.contextmanager
def tls_before(url: str, tls: ssl.SSLContext) -> Iterator[int]:
    """The port on 127.0.0.1 that passes everything on to `url` until the end of the block."""
    with (
        httpx.Client(base_url=url, timeout=120) as behind,
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(behind)) as server,
    ):
        server.daemon_threads = True
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_port
        finally:
            server.shutdown()


def _handler(behind: httpx.Client) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {**self.headers, "x-forwarded-proto": "https"}
            answer = behind.request(self.command, self.path, headers=headers, content=body)
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name not in HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("content-length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_POST = do_PUT = do_GET  # noqa: N815  # the names are the standard library's

        def log_message(self, *arguments: object) -> None:
            """Keep the test's output clean."""

    return Handler
