"""What a webhook receives when a request is over."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue

SIGNATURE_HEADERS = (
    "X-Fal-Webhook-Request-Id",
    "X-Fal-Webhook-User-Id",
    "X-Fal-Webhook-Timestamp",
    "X-Fal-Webhook-Signature",
)
"""The headers that a receiver checks; the signature joins the first three in this order."""


class WebhookBody(BaseModel):
    """The body of a delivery; the same bytes at every attempt."""

    model_config = ConfigDict(frozen=True)

    request_id: str
    gateway_request_id: str
    status: Literal["OK", "ERROR"]
    payload: JsonValue
    error: str | None = None

    def to_bytes(self) -> bytes:
        """The JSON text that is sent and signed; `error` is absent from a success."""
        return self.model_dump_json(exclude={"error"} if self.error is None else None).encode()


def webhook_body(request_id: str, answer_status: int, answer: JsonValue) -> WebhookBody:
    """What to tell a receiver about a request that ended with this HTTP status and body."""
    succeeded = answer_status == 200
    return WebhookBody(
        request_id=request_id,
        gateway_request_id=request_id,
        status="OK" if succeeded else "ERROR",
        payload=answer,
        error=None if succeeded else f"Invalid status code: {answer_status}",
    )
