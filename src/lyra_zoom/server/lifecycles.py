"""How long a client wants its files to live, and who may read them: a header of JSON."""

from __future__ import annotations

from fastapi import Request
from pydantic import ValidationError

from lyra_zoom.contract.storage import Lifecycle
from lyra_zoom.server.problems import bad_request

HEADERS = ("x-fal-object-lifecycle", "x-fal-object-lifecycle-preference")
"""The first of an upload, the second of what a request makes; clients send either or both."""

LONGEST = 16_000


def lifecycle_of(request: Request) -> Lifecycle | None:
    """What the client asked for; None when it said nothing."""
    for name in HEADERS:
        text = request.headers.get(name)
        if text is None:
            continue
        if len(text) > LONGEST:
            raise bad_request(f"{name} is too long")
        try:
            return Lifecycle.model_validate_json(text)
        except ValidationError as error:
            raise bad_request(f"{name}: {error.errors()[0]['msg']}") from error
    return None
