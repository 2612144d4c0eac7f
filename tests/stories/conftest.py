"""What stories share: a whole server, started once for all stories of one process."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.service import Service


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """`lyra-zoom serve` on a fresh folder; accepts the key `tests.service.KEY`."""
    service = Service(tmp_path_factory.mktemp("served") / "data")
    service.start()
    yield service
    service.stop()


@pytest.fixture
def nobody() -> Iterator[str]:
    """The address of a server that is down: its port is taken, and nobody listens."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{silent.getsockname()[1]}"
