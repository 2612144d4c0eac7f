"""The public keys that receivers of webhooks ask for."""

from __future__ import annotations

import time
from collections.abc import Iterator

import anyio
import httpx
import pytest
from fastapi import FastAPI

from lyra_zoom.jobs.signing import SigningKeys
from lyra_zoom.server import jwks
from lyra_zoom.server.parts import Parts, open_parts
from lyra_zoom.settings import Settings


@pytest.fixture
def parts(tmp_path) -> Iterator[Parts]:
    parts = open_parts(Settings(data=tmp_path))
    yield parts
    parts.engine.dispose()


@pytest.fixture
def answer(parts: Parts) -> httpx.Response:
    """What a stranger without a key gets."""
    app = FastAPI()
    app.state.parts = parts
    app.include_router(jwks.router)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return await client.get("/rest/.well-known/jwks.json")

    return anyio.run(ask)


def test_anybody_may_read_the_keys(answer, parts):
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == SigningKeys(parts.engine).jwks(time.time())


def test_caches_may_keep_them_for_less_than_a_day(answer):
    assert answer.headers["cache-control"] == "public, max-age=3600"
