"""API keys: made here, shown once, kept only as hashes."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

import sqlalchemy as sa

from lyra_zoom.database.tables import api_key

ID_BYTES, SECRET_BYTES = 6, 32


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key that was just made; `key` is what the client sends, and is nowhere kept."""

    key_id: str
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKey:
    """What is known of a key: never the key itself."""

    key_id: str
    name: str
    created_at: float
    revoked_at: float | None


class Keys:
    """The stored keys, and those that the operator set by `LYRA_ZOOM_API_KEYS`."""

    def __init__(self, engine: sa.Engine, extra: tuple[str, ...] = ()) -> None:
        self._engine = engine
        self._extra = {_hash(key): _public_id(key) for key in extra}

    def create(self, name: str, now: float) -> NewKey:
        """Make a key in fal's form, `id:secret`."""
        key_id, secret = (
            f"lz-{secrets.token_hex(ID_BYTES)}",
            secrets.token_urlsafe(SECRET_BYTES),
        )
        with self._engine.begin() as connection:
            connection.execute(
                sa.insert(api_key).values(
                    key_id=key_id, name=name, secret_hash=_hash(secret), created_at=now
                )
            )
        return NewKey(key_id=key_id, key=f"{key_id}:{secret}")

    def verify(self, key: str) -> str | None:
        """Whose key this is, or None; takes the same time wherever it is wrong."""
        given = _hash(key)
        for known, key_id in self._extra.items():
            if hmac.compare_digest(known, given):
                return key_id
        key_id, _, secret = key.partition(":")
        with self._engine.connect() as connection:
            known_hash = connection.execute(
                sa.select(api_key.c.secret_hash).where(
                    api_key.c.key_id == key_id, api_key.c.revoked_at.is_(None)
                )
            ).scalar()
        matches = hmac.compare_digest(known_hash or _hash(""), _hash(secret))
        return key_id if matches and known_hash and secret else None

    def revoke(self, key_id: str, now: float) -> bool:
        """Make a key useless; False when there is no such key in use."""
        with self._engine.begin() as connection:
            found = connection.execute(
                sa.update(api_key)
                .where(api_key.c.key_id == key_id, api_key.c.revoked_at.is_(None))
                .values(revoked_at=now)
            )
            return found.rowcount == 1

    def known(self) -> tuple[KnownKey, ...]:
        """Every stored key, the oldest first."""
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(api_key).order_by(api_key.c.created_at))
            return tuple(
                KnownKey(
                    key_id=row.key_id,
                    name=row.name,
                    created_at=row.created_at,
                    revoked_at=row.revoked_at,
                )
                for row in rows
            )

    def any_usable(self) -> bool:
        """Whether any key at all would be accepted."""
        return bool(self._extra) or any(key.revoked_at is None for key in self.known())


def _hash(secret: str) -> str:
    """Plain SHA-256: a secret of 256 random bits cannot be guessed from its hash."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _public_id(key: str) -> str:
    """Names a key that a person may have chosen, the same in every process.

    Receivers of webhooks see it, so guessing the key from it has to be slow.
    """
    slow = hashlib.scrypt(
        key.encode("utf-8", "surrogatepass"), salt=b"lyra-zoom key id", n=2**14, r=8, p=1
    )
    return f"env-{slow.hex()[:12]}"
