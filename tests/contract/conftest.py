"""Servers that the contract tests of one file share."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest

from tests.server import RunningApi, running_api


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApi]:
    """A server without a worker."""
    with running_api(tmp_path_factory.mktemp("api")) as running:
        yield running


@pytest.fixture
def client(api: RunningApi) -> Iterator[httpx.Client]:
    """A client with a valid key."""
    with api.client() as connected:
        yield connected


@pytest.fixture
def now() -> float:
    """This moment."""
    return time.time()
