"""A program that uses fal's JavaScript client does what it did before: in Node, in a page."""

from __future__ import annotations

import functools
import http.server
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.official_clients import PHOTOGRAPH, ZOOM
from tests.receivers import receiving, until
from tests.service import KEY, OTHER_KEY, Service
from tests.webhooks import verify

pytestmark = pytest.mark.slow

SCRIPTS = Path(__file__).parents[1] / "clients"
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")

Node = Callable[..., str]
recipe = pytest.mark.parametrize("recipe", ["proxy", "middleware"])


@pytest.fixture
def node(service: Service, tmp_path: Path) -> Node:
    """Runs one script of `tests/clients`; what it asserts holds when it ends with 0."""
    if shutil.which("node") is None:
        pytest.skip("Node.js is not installed")
    if not (SCRIPTS / "node_modules").is_dir():
        pytest.skip("the JavaScript client is not installed: npm is missing")
    photograph = tmp_path / "photo.jpg"
    photograph.write_bytes(PHOTOGRAPH)

    def run(script: str, recipe: str = "proxy", **more: str) -> str:
        environment = os.environ | {
            "LYRA_ZOOM_URL": service.url,
            "FAL_KEY": KEY,
            "OTHER_KEY": OTHER_KEY,
            "PHOTO": str(photograph),
            "RECIPE": recipe,
        }
        done = subprocess.run(
            ["node", str(SCRIPTS / script)],
            env=environment | more,
            capture_output=True,
            text=True,
            timeout=150,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    return run


@pytest.mark.parametrize(
    ("recipe", "mode"),
    [("proxy", "polling"), ("proxy", "streaming"), ("middleware", "streaming")],
)
def test_subscribe_brings_a_video_and_every_line_once(node: Node, recipe: str, mode: str):
    node("subscribe.mjs", recipe, MODE=mode)


def test_every_call_of_the_queue(node: Node):
    node("queue.mjs", "middleware")


@recipe
def test_waiting_and_cancelling(node: Node, recipe: str):
    node("waiting.mjs", recipe)


@recipe
def test_errors_are_the_clients_own(node: Node, recipe: str):
    node("refusals.mjs", recipe)


@recipe
def test_files_go_up(node: Node, recipe: str):
    node("uploads.mjs", recipe)


@recipe
def test_a_webhook_is_told_the_end(service: Service, node: Node, recipe: str):
    with receiving() as receiver:
        url = f"{receiver.url}/done?order=7&x=a%20b"
        request_id = node("webhook.mjs", recipe, WEBHOOK_URL=url)
        until(lambda: receiver.received, seconds=60)
    (sent,) = receiver.received
    assert sent.path == "/done?order=7&x=a%20b"
    assert json.loads(sent.body)["request_id"] == request_id
    jwks = httpx.get(f"{service.url}/rest/.well-known/jwks.json").json()
    assert verify(sent.headers, sent.body, jwks, time.time())


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """A web server of another origin; its page loads the client's own files."""
    handler = functools.partial(_Quiet, directory=str(SCRIPTS))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Keep the test's output clean."""


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
@recipe
def test_a_page_of_another_origin_makes_a_video(service: Service, elsewhere: str, recipe: str):
    if not (SCRIPTS / "node_modules").is_dir():
        pytest.skip("the JavaScript client is not installed: npm is missing")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        page = browser.new_page()
        page.goto(f"{elsewhere}/page.html")
        order = {"here": service.url, "key": KEY, "recipe": recipe, "input": ZOOM}
        answer: dict[str, Any] = page.evaluate("order => window.makeVideo(order)", order)
        browser.close()
    assert answer["result"]["data"]["video"]["num_frames"] == 81
    assert answer["result"]["requestId"] == answer["enqueued"]
    assert answer["updates"][-1] == "COMPLETED"
    assert answer["lines"] > 0
    assert answer["size"] == answer["result"]["data"]["video"]["file_size"]
    assert answer["refused"] == {"name": "ValidationError", "field": "missing", "id": True}


PREFLIGHTS = [
    ("POST", "/queue/fal-ai/lyra-2/zoom"),
    ("POST", "/run/fal-ai/lyra-2/zoom"),
    ("GET", "/queue/fal-ai/lyra-2/requests/1/status/stream"),
    ("PUT", "/queue/fal-ai/lyra-2/requests/1/cancel"),
    ("POST", "/rest/storage/upload/initiate"),
    ("PUT", "/api/fal/proxy"),
]


@pytest.mark.parametrize(("method", "path"), PREFLIGHTS)
def test_a_browser_is_allowed_to_call_from_anywhere(service: Service, method: str, path: str):
    asked = "authorization,content-type,x-fal-queue-priority,x-fal-target-url,x-fal-new"
    answer = httpx.options(
        service.url + path,
        headers={
            "origin": "https://example.org",
            "access-control-request-method": method,
            "access-control-request-headers": asked,
        },
    )
    assert answer.status_code in (200, 204)
    assert answer.headers["access-control-allow-origin"] in ("*", "https://example.org")
    assert method in answer.headers["access-control-allow-methods"]
    allowed = answer.headers["access-control-allow-headers"].lower().replace(" ", "")
    assert set(asked.split(",")) <= set(allowed.split(","))


def test_a_browser_may_read_what_the_client_needs(service: Service):
    answer = httpx.get(
        f"{service.url}/queue/fal-ai/lyra-2/requests/1/status",
        headers={"origin": "https://example.org", "authorization": f"Key {KEY}"},
    )
    shown = answer.headers["access-control-expose-headers"].lower().replace(" ", "").split(",")
    assert {
        "x-fal-request-id",
        "x-fal-request-timeout-type",
        "x-fal-error-type",
        "etag",
    } <= set(shown)
