"""The Ed25519 keys that sign webhooks: made when first needed, kept in the database, replaced.

A receiver reads the public keys from our JWKS and may keep that answer for a day. So a new key
is published a day before it signs, and an old one for an hour after it last did.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lyra_zoom.contract.webhook import SIGNATURE_HEADERS
from lyra_zoom.database.tables import signing_key

SIGNS_AFTER_S = 24 * 3600
"""How long a new key is published before it signs: as long as receivers may keep the JWKS."""

PUBLISHED_AFTER_RETIREMENT_S = SIGNS_AFTER_S + 3600
"""How long a retired key is published: it signs a day more, and a signature lives minutes."""

_LOCK_NUMBER = 20261123  # of PostgreSQL's advisory locks, this program's own


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """One key; `kid` is the thumbprint of its public half (RFC 7638)."""

    kid: str
    private_key: Ed25519PrivateKey
    created_at: float
    retired_at: float | None

    def to_jwk(self) -> dict[str, str]:
        """The public half as receivers read it (RFC 8037); `x` has no padding."""
        return {
            **_public_parts(self.private_key),
            "alg": "EdDSA",
            "use": "sig",
            "kid": self.kid,
        }


class SigningKeys:
    """All keys of this server; every process that shares the database signs with the same."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def sign(self, request_id: str, user_id: str, body: bytes, now: float) -> dict[str, str]:
        """The headers by which a receiver knows that this body came from here, just now."""
        first_three = (request_id, user_id, str(int(now)))
        message = "\n".join((*first_three, hashlib.sha256(body).hexdigest()))
        signature = self.signing(now).private_key.sign(message.encode())
        return dict(zip(SIGNATURE_HEADERS, (*first_three, signature.hex()), strict=True))

    def signing(self, now: float) -> SigningKey:
        """The key that signs at this moment; the first one is made if there is none."""
        known = self.published(now)
        ready = [key for key in known if key.created_at <= now - SIGNS_AFTER_S]
        return ready[-1] if ready else known[0]

    def published(self, now: float) -> list[SigningKey]:
        """The keys that receivers may meet, oldest first; never none."""
        with self._engine.connect() as connection:
            found = _published(connection, now)
        return found or [self._make_first(now)]

    def jwks(self, now: float) -> dict[str, list[dict[str, str]]]:
        """The JSON object behind the address that receivers are told."""
        return {"keys": [key.to_jwk() for key in self.published(now)]}

    def rotate(self, now: float) -> SigningKey:
        """Publish a new key, which signs from tomorrow on; deliveries under way stay valid."""
        with self._engine.begin() as connection:
            _wait_for_others(connection)
            over = signing_key.c.retired_at <= now - PUBLISHED_AFTER_RETIREMENT_S
            connection.execute(sa.delete(signing_key).where(over))
            current = signing_key.c.retired_at.is_(None)
            connection.execute(sa.update(signing_key).where(current).values(retired_at=now))
            return _insert_new(connection, now)

    def replace(self, now: float) -> SigningKey:
        """Forget every key and sign with a new one at once: for a key that others have seen.

        Receivers that still remember the old JWKS refuse what is signed now.
        """
        with self._engine.begin() as connection:
            _wait_for_others(connection)
            connection.execute(sa.delete(signing_key))
            return _insert_new(connection, now)

    def _make_first(self, now: float) -> SigningKey:
        with self._engine.begin() as connection:
            _wait_for_others(connection)
            made_meanwhile = _published(connection, now)
            return made_meanwhile[0] if made_meanwhile else _insert_new(connection, now)


def _wait_for_others(connection: sa.Connection) -> None:
    """Let no other process make a key until this transaction ends."""
    if connection.dialect.name == "sqlite":
        connection.execute(sa.text("BEGIN IMMEDIATE"))
    else:
        connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({_LOCK_NUMBER})"))


def _published(connection: sa.Connection, now: float) -> list[SigningKey]:
    retired_at = signing_key.c.retired_at
    rows = connection.execute(
        sa.select(signing_key)
        .where(retired_at.is_(None) | (retired_at > now - PUBLISHED_AFTER_RETIREMENT_S))
        .order_by(signing_key.c.created_at, retired_at.is_(None), signing_key.c.kid)
    )
    return [
        SigningKey(
            kid=row.kid,
            private_key=Ed25519PrivateKey.from_private_bytes(row.private_key),
            created_at=row.created_at,
            retired_at=row.retired_at,
        )
        for row in rows
    ]


def _insert_new(connection: sa.Connection, now: float) -> SigningKey:
    private_key = Ed25519PrivateKey.generate()
    key = SigningKey(
        kid=_thumbprint(private_key), private_key=private_key, created_at=now, retired_at=None
    )
    connection.execute(
        sa.insert(signing_key).values(
            kid=key.kid, private_key=private_key.private_bytes_raw(), created_at=now
        )
    )
    return key


def _public_parts(private_key: Ed25519PrivateKey) -> dict[str, str]:
    x = _base64url(private_key.public_key().public_bytes_raw())
    return {"crv": "Ed25519", "kty": "OKP", "x": x}


def _thumbprint(private_key: Ed25519PrivateKey) -> str:
    members = json.dumps(_public_parts(private_key), separators=(",", ":"), sort_keys=True)
    return _base64url(hashlib.sha256(members.encode()).digest())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
