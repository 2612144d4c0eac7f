"""Who is calling: API keys, checked quickly, and patience with those who guess that ends."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader

from lyra_zoom.server.parts import Parts, parts_of
from lyra_zoom.server.problems import Refused

SCHEME = APIKeyHeader(
    name="Authorization",
    scheme_name="Key",
    description="`Key` and an API key with a space between: `Authorization: Key id:secret`.",
    auto_error=False,
)


async def caller(
    request: Request, authorization: Annotated[str | None, Security(SCHEME)] = None
) -> str:
    """The key that this request belongs to; without a valid one it is answered 401."""
    return await identify(parts_of(request), request, authorization)


Caller = Annotated[str, Depends(caller)]


async def identify(parts: Parts, request: Request, authorization: str | None) -> str:
    """The id of the key in an `Authorization` header."""
    scheme, _, key = (authorization or "").partition(" ")
    key = key.strip()
    if scheme.lower() != "key" or not key:
        raise _unknown()
    known = parts.recent_keys.find(key)
    if known is not None:
        return known
    key_id = await parts.threads.read(parts.keys.verify, key)
    if key_id is None:
        address = request.client.host if request.client else ""
        raise _too_many() if parts.guesses.one_more(address) else _unknown()
    parts.recent_keys.remember(key, key_id)
    return key_id


def _unknown() -> Refused:
    return Refused(401, "invalid key credentials", headers={"WWW-Authenticate": "Key"})


def _too_many() -> Refused:
    headers = {"Retry-After": "60"}
    return Refused(429, "too many invalid keys from this address", headers=headers)
