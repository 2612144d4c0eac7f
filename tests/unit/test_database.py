"""A database is opened, brought up to date, or refused with advice."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from lyra_zoom.database.open import migrate, open_database
from lyra_zoom.database.tables import NEWEST_REVISION, metadata
from lyra_zoom.errors import DatabaseUnusable, NotPossibleNow
from tests.databases import new_database


def test_an_empty_database_gets_every_table(engine: sa.Engine):
    assert set(metadata.tables) <= set(sa.inspect(engine).get_table_names())


def test_the_migrations_end_at_the_newest_revision(engine: sa.Engine):
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert context.get_current_revision() == NEWEST_REVISION


def test_the_migrations_make_the_tables_that_the_code_knows(engine: sa.Engine):
    def ours(name: str | None, kind: str, parents: object) -> bool:
        return kind != "table" or name in metadata.tables

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": ours})
        assert compare_metadata(context, metadata) == []


def test_a_database_that_is_up_to_date_stays_as_it_is(engine: sa.Engine):
    migrate(engine)
    migrate(engine)


def test_a_file_that_is_no_database_is_refused_with_advice(tmp_path: Path):
    (tmp_path / "bad.sqlite").write_bytes(b"not a database " * 1000)
    with pytest.raises(DatabaseUnusable, match="restore it from a backup"):
        migrate(open_database(f"sqlite:///{tmp_path / 'bad.sqlite'}"))


def test_tables_of_a_newer_version_are_refused(engine: sa.Engine):
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseUnusable, match="newer version"):
        migrate(engine)


def test_a_server_that_is_not_there_is_named_without_its_password():
    engine = open_database("postgresql://ann:secret@127.0.0.1:1/zoom")
    with pytest.raises(NotPossibleNow) as refused:
        migrate(engine)
    assert "zoom" in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_server_whose_network_is_gone_is_noticed_within_a_minute(tmp_path: Path):
    engine = open_database(new_database("postgresql", tmp_path))
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        told = driver.info.get_parameters()
    engine.dispose()
    silence_s = int(told["keepalives_idle"]) + 3 * int(told["keepalives_interval"])
    assert (silence_s, told["keepalives_count"], told["tcp_user_timeout"]) == (30, "3", "30000")
