"""Opens the database, brings its tables up to date, and says plainly when it cannot be used."""

from __future__ import annotations

import sqlite3
from importlib import import_module
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from lyra_zoom.database.tables import NEWEST_REVISION
from lyra_zoom.errors import DatabaseUnusable, NotPossibleNow, UnknownRevision

BUSY_TIMEOUT_S = 30
"""How long a writer waits for another one before it gives up."""

POOL_SIZE = 4
"""Connections that one process keeps; PostgreSQL's default allows a hundred for all."""

_NOTICE_A_LOST_NETWORK = {
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""For PostgreSQL, in seconds and milliseconds; else one waits two hours for an answer."""

LARGEST_CHECKED_BYTES = 64 * 2**20
"""Of a SQLite file that is read once at the start; a larger one would take too long."""


def open_database(url: str) -> sa.Engine:
    """The database of this URL, connected when first used; a SQLite folder is made.

    Transactions on SQLite take the write lock when they begin, so that none fails halfway.
    """
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _open_sqlite(parsed)
    return sa.create_engine(
        parsed.set(drivername="postgresql+psycopg"),
        pool_size=POOL_SIZE,
        max_overflow=POOL_SIZE,
        pool_pre_ping=True,
        hide_parameters=True,  # errors are logged, and may hold a prompt
        connect_args={"connect_timeout": 10, **_NOTICE_A_LOST_NETWORK},
    )


def migrate(engine: sa.Engine) -> None:
    """Bring our tables to this version; any number of processes may do so at once.

    A damaged file, or one written by a newer version, raises `DatabaseUnusable`.
    """
    try:
        if engine.dialect.name == "sqlite":
            _refuse_damaged(engine)
        if _revision(engine) != NEWEST_REVISION:  # else the migration engine is not even loaded
            import_module("lyra_zoom.database.upgrade").upgrade(engine)
    except UnknownRevision as error:
        raise DatabaseUnusable(
            f"the database of {_where(engine)} was written by a newer version of lyra-zoom; "
            "install that version again, or start with another data folder"
        ) from error
    except sa.exc.OperationalError as error:
        raise NotPossibleNow(
            f"the database of {_where(engine)} cannot be reached or written: {_reason(error)}"
        ) from error
    except sa.exc.DatabaseError as error:
        raise DatabaseUnusable(
            f"the database of {_where(engine)} is damaged ({_reason(error)}); restore it "
            "from a backup, or move it away to start with an empty one"
        ) from error


def _open_sqlite(url: sa.URL) -> sa.Engine:
    if url.database is not None:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(
        url, pool_size=POOL_SIZE, max_overflow=POOL_SIZE, hide_parameters=True
    )
    sa.event.listen(engine, "connect", _prepare_sqlite_connection)
    return engine


def _prepare_sqlite_connection(connection: sqlite3.Connection, record: Any) -> None:  # noqa: ANN401
    """What the queue engine sets on its own connections, and a journal that readers share."""
    connection.isolation_level = "IMMEDIATE"
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_S * 1000}")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA journal_mode=WAL")  # kept in the file: readers never wait
    connection.execute("PRAGMA synchronous=FULL")  # an acknowledged request survives power loss


def _revision(engine: sa.Engine) -> str | None:
    """Which revision the tables are at; None when there are none yet."""
    if not sa.inspect(engine).has_table("alembic_version"):
        return None
    with engine.connect() as connection:
        found: str | None = connection.execute(
            sa.text("SELECT version_num FROM alembic_version")
        ).scalar()
    return found


def _refuse_damaged(engine: sa.Engine) -> None:
    """Find damage to a SQLite file now, rather than in the middle of a request."""
    with engine.connect() as connection:
        size = connection.exec_driver_sql(
            "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        ).scalar_one()
        if size > LARGEST_CHECKED_BYTES:
            return
        found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
    if found != "ok":
        raise sa.exc.DatabaseError(None, None, ValueError(" ".join(found.split())))


def _where(engine: sa.Engine) -> str:
    """The database in words, without a password."""
    name = engine.url.database or ""
    return (
        f"the file {Path(name).name}" if engine.dialect.name == "sqlite" else f"server {name}"
    )


def _reason(error: sa.exc.DBAPIError) -> str:
    return str(error.orig).splitlines()[0] if error.orig else "unknown reason"
