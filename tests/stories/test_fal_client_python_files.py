"""Files go up with fal's Python client, whole or in parts, and live as long as they should."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fal_client
import httpx
import pytest
from fal_client.client import StorageACL, StorageSettings
from PIL import Image

from tests.official_clients import (
    ENDPOINT,
    MAY_LEAVE_CONNECTIONS,
    PHOTOGRAPH,
    ZOOM,
    close_what_is_left,
    data_uri,
    python_client,
)
from tests.receivers import until
from tests.service import Service

pytestmark = [pytest.mark.slow, MAY_LEAVE_CONNECTIONS]

BIG = 101 * 2**20
"""Just beyond the 100 MiB from which the client uploads in parts."""


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[fal_client.SyncClient]:
    yield from python_client(service)


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    yield from close_what_is_left()


def test_bytes_go_up(client: fal_client.SyncClient):
    url = client.upload(PHOTOGRAPH, "image/jpeg", "my photo ü.jpg")
    answer = httpx.get(url)
    assert answer.content == PHOTOGRAPH
    assert answer.headers["content-type"] == "image/jpeg"


def test_a_file_keeps_its_name(client: fal_client.SyncClient, tmp_path: Path):
    file = tmp_path / "photo.jpg"
    file.write_bytes(PHOTOGRAPH)
    url = client.upload_file(file)
    assert url.endswith("/photo.jpg")
    assert httpx.get(url).content == PHOTOGRAPH


def test_a_picture_goes_up(client: fal_client.SyncClient):
    url = client.upload_image(Image.new("RGB", (64, 48)), format="png")
    answer = httpx.get(url)
    assert answer.headers["content-type"] == "image/png"
    assert answer.content.startswith(b"\x89PNG")


def test_the_older_storage_takes_files_as_well(client: fal_client.SyncClient):
    url = client.upload(PHOTOGRAPH, "image/jpeg", "photo.jpg", repository="fal")
    assert httpx.get(url).content == PHOTOGRAPH


def test_a_large_file_goes_up_in_parts(client: fal_client.SyncClient, tmp_path: Path):
    file = tmp_path / "big.bin"
    with file.open("wb") as sparse:
        sparse.seek(BIG - 3)
        sparse.write(b"end")
    url = client.upload_file(file)
    answer = httpx.get(url, headers={"range": "bytes=-4"})
    assert answer.content == b"\0end"
    assert answer.headers["content-range"] == f"bytes {BIG - 4}-{BIG - 1}/{BIG}"


def test_many_bytes_go_up_in_parts(client: fal_client.SyncClient):
    url = client.upload(b"\1" * BIG + b"end", "application/octet-stream")
    answer = httpx.get(url, headers={"range": "bytes=-4"})
    assert answer.content == b"\1end"


def test_a_file_lives_as_long_as_its_owner_said(client: fal_client.SyncClient):
    url = client.upload(PHOTOGRAPH, "image/jpeg", lifecycle=StorageSettings(expires_in=4))
    assert httpx.get(url).status_code == 200
    until(lambda: httpx.get(url).status_code == 404)


@pytest.mark.parametrize(("decision", "status"), [("forbid", 403), ("hide", 404)])
def test_a_file_may_be_closed_to_others(
    client: fal_client.SyncClient, decision: Any, status: int
):
    acl = StorageACL(default=decision)
    url = client.upload(PHOTOGRAPH, "image/jpeg", lifecycle=StorageSettings(initial_acl=acl))
    assert httpx.get(url).status_code == status


def test_results_live_as_long_as_the_request_said(client: fal_client.SyncClient):
    lifetime = {"X-Fal-Object-Lifecycle-Preference": '{"expiration_duration_seconds": 10}'}
    handle = client.submit(ENDPOINT, ZOOM, headers=lifetime)
    url = handle.get()["video"]["url"]
    assert httpx.get(url).status_code == 200
    until(lambda: httpx.get(url).status_code == 404)


def test_a_data_uri_needs_no_upload(tmp_path: Path):
    file = tmp_path / "photo.jpg"
    file.write_bytes(PHOTOGRAPH)
    assert fal_client.encode_file(file) == data_uri(PHOTOGRAPH) == ZOOM["image_url"]
