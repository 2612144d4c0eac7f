"""Both places where objects can live, so that a test states its rule once for both."""

from __future__ import annotations

import atexit
import functools
import secrets
from pathlib import Path

import httpx
import pytest
from moto.server import ThreadedMotoServer

from lyra_zoom.settings import Settings
from tests.databases import new_database

SIGNED_BY_ANYBODY = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, "
    "SignedHeaders=host, Signature=0"
}
"""The server looks at who signed, never at the signature."""


@functools.cache
def s3_endpoint() -> str:
    """An S3 server of this test process; it forgets everything."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    atexit.register(server.stop)
    host, port = server.get_host_and_port()
    return f"http://{host}:{port}"


def s3_environment() -> dict[str, str]:
    """What an operator exports to reach that server."""
    return {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": s3_endpoint(),
    }


def new_bucket() -> str:
    """The name of an empty bucket there."""
    bucket = f"zoom-{secrets.token_hex(6)}"
    answer = httpx.put(f"{s3_endpoint()}/{bucket}", headers=SIGNED_BY_ANYBODY)
    answer.raise_for_status()
    return bucket


@pytest.fixture(params=["folder", "bucket"])
def store_settings(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """Settings of a server with a folder, then of one with a bucket."""
    if request.param == "folder":
        return Settings(data=tmp_path)
    for name, value in s3_environment().items():
        monkeypatch.setenv(name, value)
    return Settings(data=tmp_path, storage_url=f"s3://{new_bucket()}/kept/here")


@pytest.fixture
def database_url(store_settings: Settings, tmp_path: Path) -> str:
    """What goes with it: SQLite beside the folder, PostgreSQL beside the bucket."""
    return new_database("postgresql" if store_settings.storage_url else "sqlite", tmp_path)
