"""What stories share: a whole server, started once for all stories of one process."""

from __future__ import annotations

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
