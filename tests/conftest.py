"""What all tests share: shapes are checked while they run, and chance repeats itself."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
import sqlalchemy as sa
from jaxtyping import install_import_hook

from lyra_zoom.database.open import migrate, open_database
from lyra_zoom.jobs.durable import DurableQueue
from lyra_zoom.jobs.requests import Requests
from tests import shape_checker
from tests.databases import KINDS, new_database

if TYPE_CHECKING:
    from tests.worker_bench import OpenBench

SOURCE = Path(__file__).parents[1] / "src"


WITH_ARRAYS = ("geometry", "engines", "pipeline")


def _checked_modules() -> list[str]:
    """Every module that handles arrays but the compiled kernels, which cannot be wrapped."""
    files = [
        file for part in WITH_ARRAYS for file in (SOURCE / "lyra_zoom" / part).rglob("*.py")
    ]
    modules = [
        ".".join(file.relative_to(SOURCE).with_suffix("").parts) for file in sorted(files)
    ]
    return [name for name in modules if not name.endswith(("_kernels", "__init__"))]


def pytest_addoption(parser: pytest.Parser) -> None:
    """What `make test-light` asks for."""
    parser.addoption(
        "--without-torch", action="store_true", help="as if torch was not installed"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Tests that need torch are skipped where it is not, or shall not be."""
    if config.getoption("without_torch"):
        sys.modules["torch"] = None  # type: ignore[assignment]  # what import understands


install_import_hook(_checked_modules(), f"{shape_checker.__name__}.check_types")

# The same examples on every run: a red build can be repeated, and is never somebody else's.
hypothesis.settings.register_profile("steady", derandomize=True, max_examples=40, deadline=None)
hypothesis.settings.load_profile("steady")


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database: the test runs once on SQLite and once on PostgreSQL."""
    return new_database(request.param, tmp_path)


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    """A connection to that database, with the tables of this version."""
    engine = open_database(database_url)
    migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def queue(engine: sa.Engine) -> DurableQueue:
    """The queue engine on that database; nobody works."""
    queue = DurableQueue(engine)
    queue.migrate()
    return queue


@pytest.fixture
def requests(engine: sa.Engine, queue: DurableQueue) -> Requests:
    """The request table of that database."""
    return Requests(engine, queue)


@pytest.fixture
def open_bench(tmp_path: Path) -> Iterator[OpenBench]:
    """Opens workers' hands on one fresh data folder, each with an engine of a kind."""
    from tests.worker_bench import benches

    yield from benches(tmp_path)
