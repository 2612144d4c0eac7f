"""The first tables.

While this is the newest revision it makes what `tables` says; a later change of `tables` comes
with a revision of its own, and this one is then written out.
"""

from __future__ import annotations

from alembic import op

from lyra_zoom.database.tables import metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table."""
    metadata.create_all(op.get_bind())
