"""What tests of webhooks share: owed deliveries, and the check that a receiver makes.

`verify` was written from fal's description of it: the message is request id, user id, timestamp
and the SHA-256 of the body in hex, joined by newlines; any key of the JWKS may have signed it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping

import sqlalchemy as sa
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from lyra_zoom.contract.webhook import webhook_body
from lyra_zoom.database.tables import webhook_delivery
from lyra_zoom.jobs.deliveries import receiving_host
from lyra_zoom.jobs.durable import DurableQueue

LEEWAY_S = 300


def verify(
    headers: Mapping[str, str],
    body: bytes,
    jwks: Mapping[str, list[dict[str, str]]],
    now: float,
) -> bool:
    """Whether a webhook comes from the owner of these keys, just now; names in lower case."""
    request_id, user_id, timestamp, signature = (
        headers[f"x-fal-webhook-{name}"]
        for name in ("request-id", "user-id", "timestamp", "signature")
    )
    if abs(now - int(timestamp)) > LEEWAY_S:
        return False
    digest = hashlib.sha256(body).hexdigest()
    message = f"{request_id}\n{user_id}\n{timestamp}\n{digest}".encode()
    return any(_signed_by(key, message, bytes.fromhex(signature)) for key in jwks["keys"])


def _signed_by(key: Mapping[str, str], message: bytes, signature: bytes) -> bool:
    public = base64.urlsafe_b64decode(key["x"] + "=" * (-len(key["x"]) % 4))
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def owe(
    engine: sa.Engine, url: str, request_id: str = "r1", queue: DurableQueue | None = None
) -> bytes:
    """Owe a receiver a webhook, as the end of a request does; returns the body."""
    body = webhook_body(request_id, 200, {"seed": 7}).to_bytes()
    with engine.begin() as connection:
        connection.execute(
            sa.insert(webhook_delivery).values(
                request_id=request_id, key_id="ann", url=url, body=body, created_at=0.0
            )
        )
        if queue is not None:
            queue.enqueue_delivery(connection, request_id, 0, receiving_host(url))
    return body
