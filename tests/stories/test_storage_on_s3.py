"""A server that keeps its files in a bucket works as one with a folder does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import fal_client
import httpx
import obstore
import pytest
from obstore.store import S3Store

from tests.buckets import new_bucket, s3_environment
from tests.official_clients import (
    ENDPOINT,
    MAY_LEAVE_CONNECTIONS,
    PHOTOGRAPH,
    close_what_is_left,
    facts_of,
    python_client,
)
from tests.service import Service

pytestmark = [pytest.mark.slow, MAY_LEAVE_CONNECTIONS]


@pytest.fixture(scope="module")
def bucket() -> str:
    return new_bucket()


@pytest.fixture(scope="module")
def on_s3(bucket: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """`lyra-zoom serve` whose objects live in the bucket."""
    service = Service(tmp_path_factory.mktemp("on-s3") / "data")
    with pytest.MonkeyPatch.context() as environment:
        for name, value in s3_environment().items():
            environment.setenv(name, value)
        environment.setenv("LYRA_ZOOM_STORAGE_URL", f"s3://{bucket}/zoom")
        service.start()
    yield service
    service.stop()


@pytest.fixture(scope="module")
def client(on_s3: Service) -> Iterator[fal_client.SyncClient]:
    yield from python_client(on_s3)


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    yield from close_what_is_left()


def objects_in(bucket: str) -> dict[str, int]:
    """Key and size of everything in the bucket."""
    store = S3Store(
        bucket,
        endpoint=s3_environment()["AWS_ENDPOINT_URL"],
        access_key_id="test",
        secret_access_key="test",
        region="us-east-1",
        client_options={"allow_http": True},
    )
    return {meta["path"]: meta["size"] for meta in obstore.list(store).collect()}


def test_a_zoom_goes_from_the_bucket_into_the_bucket(
    client: fal_client.SyncClient, bucket: str
):
    photograph = client.upload(PHOTOGRAPH, "image/jpeg", "harbour.jpg")
    output = client.subscribe(ENDPOINT, {"image_url": photograph, "prompt": "hills at noon"})
    film = httpx.get(output["video"]["url"]).content
    assert facts_of(film)["num_frames"] == 81
    kept = objects_in(bucket)
    assert all(key.startswith("zoom/") for key in kept)
    assert {len(PHOTOGRAPH), len(film)} <= set(kept.values())


def test_a_large_file_goes_into_the_bucket_in_parts(
    client: fal_client.SyncClient, bucket: str, tmp_path: Path
):
    file = tmp_path / "big.bin"
    with file.open("wb") as sparse:
        sparse.seek(101 * 2**20 - 3)
        sparse.write(b"end")
    url = client.upload_file(file)
    answer = httpx.get(url, headers={"Range": "bytes=-4"}, timeout=30)
    assert (answer.status_code, answer.content) == (206, b"\0end")
    assert 101 * 2**20 in objects_in(bucket).values()
    assert not [key for key in objects_in(bucket) if "/uploads/" in key]


def test_the_data_folder_keeps_no_file(on_s3: Service):
    folders = {path.name for path in on_s3.data.iterdir() if path.is_dir()}
    assert "objects" not in folders
    assert list((on_s3.data / "incoming").glob("*")) == []
