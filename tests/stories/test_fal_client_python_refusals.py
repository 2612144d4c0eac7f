"""What is refused reaches a program as the Python client's own error, with fal's body."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import fal_client
import pytest

from tests.official_clients import (
    BROKEN,
    ENDPOINT,
    MAY_LEAVE_CONNECTIONS,
    ZOOM,
    close_what_is_left,
    python_client,
)
from tests.receivers import receiving, until
from tests.service import Service

pytestmark = [pytest.mark.slow, MAY_LEAVE_CONNECTIONS]


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[fal_client.SyncClient]:
    yield from python_client(service)


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    yield from close_what_is_left()


def refused(client: fal_client.SyncClient, **wrong: object) -> list[dict[str, Any]]:
    """The entries that a request with these fields is refused with, once it is worked on."""
    arguments = {name: value for name, value in (ZOOM | wrong).items() if value is not None}
    with pytest.raises(fal_client.FalClientHTTPError) as caught:
        client.subscribe(ENDPOINT, arguments)
    assert caught.value.status_code == 422
    entries: Any = caught.value.message
    assert entries == caught.value.response.json()["detail"]
    return list(entries)


def test_a_missing_field_is_named(client: fal_client.SyncClient):
    (entry,) = refused(client, prompt=None)
    assert entry["loc"] == ["body", "prompt"]
    assert entry["type"] == "missing"
    assert entry["msg"]
    assert entry["url"].endswith("#missing")


def test_every_wrong_field_is_named(client: fal_client.SyncClient):
    entries = refused(client, resolution="4k", num_frames=80, zoom_in_strength=9)
    assert {entry["loc"][-1]: entry["type"] for entry in entries} == {
        "resolution": "enum",
        "num_frames": "literal_error",
        "zoom_in_strength": "less_than_equal",
    }


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        (BROKEN["image_url"], "image_load_error"),
        ("data:image/jpeg;base64,bm90aGluZyB0byBzZWU=", "unsupported_image_format"),
    ],
)
def test_bytes_that_cannot_be_decoded_are_refused(
    client: fal_client.SyncClient, url: str, kind: str
):
    (entry,) = refused(client, image_url=url)
    assert entry["loc"] == ["body", "image_url"]
    assert entry["type"] == kind


@pytest.mark.parametrize(
    "url", ["http://nobody.invalid/photo.jpg", "http://127.0.0.1/photo.jpg", "photo.jpg"]
)
def test_an_address_that_cannot_be_visited_is_refused(client: fal_client.SyncClient, url: str):
    (entry,) = refused(client, image_url=url)
    assert entry["loc"] == ["body", "image_url"]
    assert entry["type"] == "file_download_error"


def test_run_refuses_at_once(client: fal_client.SyncClient):
    with pytest.raises(fal_client.FalClientHTTPError) as caught:
        client.run(ENDPOINT, ZOOM | {"zoom_direction": "up"})
    assert caught.value.status_code == 422
    assert caught.value.response.json()["detail"][0]["loc"] == ["body", "zoom_direction"]


def test_the_webhook_carries_the_refusal(client: fal_client.SyncClient):
    with receiving() as receiver:
        handle = client.submit(ENDPOINT, BROKEN, webhook_url=receiver.url)
        until(lambda: receiver.received, seconds=60)
    body = json.loads(receiver.received[0].body)
    assert body["status"] == "ERROR"
    assert body["error"] == "Invalid status code: 422"
    assert body["request_id"] == handle.request_id
    assert body["payload"]["detail"][0]["type"] == "image_load_error"


def test_a_wrong_key_is_refused(client: fal_client.SyncClient):
    stranger = fal_client.SyncClient(key="no:such-key")
    with pytest.raises(fal_client.FalClientHTTPError) as caught:
        stranger.submit(ENDPOINT, ZOOM)
    assert caught.value.status_code == 401
    assert caught.value.message == "invalid key credentials"


def test_an_unknown_request_is_not_found(client: fal_client.SyncClient):
    with pytest.raises(fal_client.FalClientHTTPError) as caught:
        client.status(ENDPOINT, "00000000-0000-4000-8000-000000000000")
    assert caught.value.status_code == 404
    assert caught.value.response.json() == {"status": "NOT_FOUND"}
