"""Runs the migrations that a database lacks; loaded only when one does."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.util import CommandError

from lyra_zoom.errors import UnknownRevision

_MIGRATIONS = Path(__file__).parent / "migrations"

_LOCK = 20261122
"""PostgreSQL's number for our lock; any number that nobody else uses."""


def upgrade(engine: sa.Engine) -> None:
    """Bring the tables to the newest revision, one process after the other.

    Tables at a revision that this version does not know raise `UnknownRevision`.
    """
    with engine.connect() as connection, connection.begin():
        _wait_for_other_migrators(connection)
        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS))
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise UnknownRevision(str(error)) from error


def _wait_for_other_migrators(connection: sa.Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.execute(sa.text("BEGIN IMMEDIATE"))
    else:
        connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
