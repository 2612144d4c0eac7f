"""Step 1 of 6: a submit becomes a value: its JSON, and what headers and address say of it.

The input of the model is not looked at here: that it is a JSON object is all that is asked.
"""

from __future__ import annotations

import math
import time
from typing import Any

import pydantic_core
from fastapi import Request

from lyra_zoom.contract.queue import ErrorType
from lyra_zoom.contract.zoom import ENDPOINT_ID
from lyra_zoom.errors import InputRejected
from lyra_zoom.jobs.job import ATTEMPTS, LOW, NORMAL, Job, Submission
from lyra_zoom.server.base_url import base_url
from lyra_zoom.server.lifecycles import lifecycle_of
from lyra_zoom.server.parts import Parts
from lyra_zoom.server.problems import BodyRejected, ParameterRejected, Refused, bad_request
from lyra_zoom.storage.pinned import OutboundPolicy, refuse_address

START_TIMEOUT_HEADERS = ("x-fal-request-start-timeout", "x-fal-request-timeout")

SHORTEST_TIMEOUT_S, LONGEST_TIMEOUT_S = 0.1, 7 * 24 * 3600.0

LONGEST_IDEMPOTENCY_KEY = 255


async def read_object(request: Request) -> tuple[bytes, dict[str, Any]]:
    """The body as it came, and the JSON object it is; anything else is refused."""
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    if media_type.strip().lower() != "application/json":
        raise Refused(415, "the body must be JSON: send `Content-Type: application/json`")
    if "charset=" in parameters.lower() and "utf-8" not in parameters.lower():
        raise Refused(415, "the body must be UTF-8")
    body = await request.body()
    return body, parse_object(body)


def parse_object(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`; nesting is limited, NaN and Infinity are not JSON."""
    if body[:2] in (b"\xff\xfe", b"\xfe\xff") or body[:3] == b"\xef\xbb\xbf" or b"\0" in body:
        raise bad_request("the body must be UTF-8 without a byte order mark")
    try:
        value = pydantic_core.from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise BodyRejected("json_invalid", "JSON decode error", str(error)) from error
    if not isinstance(value, dict):
        raise BodyRejected("dict_type", "Input should be a valid dictionary")
    return value


def submission_of(parts: Parts, request: Request, key_id: str, body: bytes) -> Submission:
    """Everything that headers and parameters ask for; unknown ones are ignored."""
    headers = request.headers
    low = headers.get("x-fal-queue-priority", "").strip().lower() == "low"
    once = headers.get("x-fal-no-retry", "").strip().lower() in ("1", "true", "yes")
    return Submission(
        key_id=key_id,
        endpoint=ENDPOINT_ID,
        body=body,
        base_url=base_url(request, parts.settings),
        priority=LOW if low else NORMAL,
        start_timeout_s=_start_timeout_s(request),
        max_attempts=1 if once else ATTEMPTS,
        webhook_url=_webhook_url(request, parts.settings.allow_private_webhooks),
        lifecycle=_lifecycle(request),
        idempotency_key=_idempotency_key(request),
    )


def most_waiting(request: Request) -> int | None:
    """How many may wait already before this request shall rather be refused."""
    text = request.query_params.get("fal_max_queue_length")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise bad_request("fal_max_queue_length must be a whole number from 0")
    return int(text)


def accept(parts: Parts, submission: Submission, limit: int | None) -> Job:
    """Keep and queue a request, unless more than `limit` wait already."""
    if limit is not None and parts.requests.waiting_count() > limit:
        raise Refused(
            429,
            f"more than {limit} requests are waiting",
            ErrorType.CONCURRENT_REQUESTS_LIMIT,
            {"X-Fal-Needs-Retry": "1"},
        )
    return parts.requests.accept(submission, time.time())


def _start_timeout_s(request: Request) -> float | None:
    name = next((name for name in START_TIMEOUT_HEADERS if name in request.headers), None)
    if name is None:
        return None
    try:
        seconds = float(request.headers[name])
    except ValueError:
        seconds = math.nan
    if not SHORTEST_TIMEOUT_S < seconds <= LONGEST_TIMEOUT_S:
        raise bad_request(
            f"{name} must be a number of seconds, more than {SHORTEST_TIMEOUT_S:g} "
            f"and at most {LONGEST_TIMEOUT_S:g}"
        )
    return seconds


def _webhook_url(request: Request, allow_private: bool) -> str | None:
    url = request.query_params.get("fal_webhook")
    if url is None:
        return None
    try:
        refuse_address(
            url, OutboundPolicy(field_name="fal_webhook", allow_private=allow_private)
        )
    except InputRejected as error:
        raise ParameterRejected(
            error.field_name, error.message + _way_in(url), "value_error", error.context
        ) from error
    return url


def _way_in(url: str) -> str:
    """What whoever runs this server can do about a refused address, if anything."""
    try:
        refuse_address(url, OutboundPolicy(field_name="fal_webhook", allow_private=True))
    except InputRejected:
        return ""
    return "; with LYRA_ZOOM_ALLOW_PRIVATE_WEBHOOKS=1 this server calls its own network, too"


def _lifecycle(request: Request) -> str | None:
    """As JSON again, without what nobody understands."""
    lifecycle = lifecycle_of(request)
    return None if lifecycle is None else lifecycle.model_dump_json(exclude_unset=True)


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is not None and not (0 < len(key) <= LONGEST_IDEMPOTENCY_KEY):
        raise bad_request(
            f"Idempotency-Key must have 1 to {LONGEST_IDEMPOTENCY_KEY} characters"
        )
    return key
