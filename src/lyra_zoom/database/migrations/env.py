"""Runs the migrations on the connection that `open.migrate` holds."""

from __future__ import annotations

from alembic import context

from lyra_zoom.database.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
