"""While the disk is full the queue engine waits; it does not drop what it was writing down."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from dbos._utils import retriable_sqlite_exception

from lyra_zoom.jobs.durable import wait_out_a_full_disk


@pytest.fixture
def full(tmp_path: Path) -> Iterator[sa.Engine]:
    """A database that may not grow by another page."""
    engine = sa.create_engine(
        f"sqlite:///{tmp_path / 'a.sqlite'}", poolclass=sa.pool.StaticPool
    )
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE kept (value TEXT)"))
        connection.execute(sa.text("PRAGMA max_page_count = 2"))
    yield engine
    engine.dispose()


def write(engine: sa.Engine, value: str) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO kept VALUES (:value)"), {"value": value})


def test_a_full_disk_is_something_to_wait_out(full):
    wait_out_a_full_disk(full)
    with pytest.raises(sa.exc.OperationalError, match="disk is full") as error:
        write(full, "x" * 100_000)
    assert retriable_sqlite_exception(error.value)
    write(full, "x")


def test_that_is_not_what_the_queue_engine_does_by_itself(full):
    with pytest.raises(sa.exc.OperationalError) as error:
        write(full, "x" * 100_000)
    assert not retriable_sqlite_exception(error.value)


def test_other_errors_stay_what_they_are(full):
    wait_out_a_full_disk(full)
    wait_out_a_full_disk(full)
    with (
        pytest.raises(sa.exc.OperationalError, match="no such table") as error,
        full.begin() as c,
    ):
        c.execute(sa.text("SELECT * FROM nowhere"))
    assert not retriable_sqlite_exception(error.value)
