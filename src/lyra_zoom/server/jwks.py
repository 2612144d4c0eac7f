"""The public keys by which receivers of webhooks know that a delivery comes from here."""

from __future__ import annotations

import time

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from lyra_zoom.jobs.signing import SigningKeys
from lyra_zoom.server.parts import parts_of

JWKS_PATH = "/rest/.well-known/jwks.json"

KEPT_BY_CACHES_S = 3600
"""Well below the day that a new key is published before it signs."""

router = APIRouter(tags=["webhooks"])


@router.head(JWKS_PATH, include_in_schema=False)
@router.get(JWKS_PATH, summary="The keys that sign webhooks")
async def jwks(request: Request) -> JSONResponse:
    """A JSON Web Key Set of Ed25519 keys; anybody may read it, and keep it for an hour."""
    parts = parts_of(request)
    keys = SigningKeys(parts.engine)
    return JSONResponse(
        await parts.threads.write(keys.jwks, time.time()),
        headers={"Cache-Control": f"public, max-age={KEPT_BY_CACHES_S}"},
    )
