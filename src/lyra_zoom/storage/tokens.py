"""Short-lived permissions to upload, so that a client need not send its key everywhere."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

import sqlalchemy as sa

from lyra_zoom.database import tables

TOKEN_LIFE_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedToken:
    """A token, told once; only its hash is kept."""

    token: str
    expires_at: float


class CdnTokens:
    """Issues and recognises tokens."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def issue(self, key_id: str, now: float) -> IssuedToken:
        """A new token that uploads in the name of this key for an hour."""
        token, expires_at = secrets.token_urlsafe(32), now + TOKEN_LIFE_S
        row = {"token_hash": _hash(token), "key_id": key_id, "expires_at": expires_at}
        with self._engine.begin() as connection:
            connection.execute(sa.insert(tables.cdn_token).values(row))
        return IssuedToken(token=token, expires_at=expires_at)

    def holder(self, token: str, now: float) -> str | None:
        """Whose token this is; None when it is unknown, too old, or its key was revoked."""
        table, key = tables.cdn_token, tables.api_key
        revoked = sa.exists().where(key.c.key_id == table.c.key_id, key.c.revoked_at <= now)
        query = sa.select(table.c.key_id).where(
            table.c.token_hash == _hash(token), table.c.expires_at > now, ~revoked
        )
        with self._engine.connect() as connection:
            return connection.execute(query).scalar_one_or_none()

    def sweep(self, now: float) -> None:
        """Forget tokens that are too old."""
        table = tables.cdn_token
        with self._engine.begin() as connection:
            connection.execute(sa.delete(table).where(table.c.expires_at < now))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
