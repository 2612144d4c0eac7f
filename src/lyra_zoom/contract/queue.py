"""The envelope of fal's queue: what is the same for every endpoint, as clients read it."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Status(StrEnum):
    """The three words on the wire; failed and cancelled requests are completed too."""

    IN_QUEUE = "IN_QUEUE"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"


class ErrorType(StrEnum):
    """Why a request failed for a reason that is not in its input."""

    REQUEST_TIMEOUT = "request_timeout"
    STARTUP_TIMEOUT = "startup_timeout"
    RUNNER_SCHEDULING_FAILURE = "runner_scheduling_failure"
    RUNNER_DISCONNECTED = "runner_disconnected"
    RUNNER_SERVER_ERROR = "runner_server_error"
    CLIENT_DISCONNECTED = "client_disconnected"
    CLIENT_CANCELLED = "client_cancelled"
    BAD_REQUEST = "bad_request"
    INTERNAL_ERROR = "internal_error"
    GENERATION_TIMEOUT = "generation_timeout"
    CONCURRENT_REQUESTS_LIMIT = "concurrent_requests_limit"


ERROR_STATUS: dict[ErrorType, int] = {
    ErrorType.REQUEST_TIMEOUT: 504,
    ErrorType.STARTUP_TIMEOUT: 504,
    ErrorType.RUNNER_SCHEDULING_FAILURE: 503,
    ErrorType.RUNNER_DISCONNECTED: 503,
    ErrorType.RUNNER_SERVER_ERROR: 500,
    ErrorType.CLIENT_DISCONNECTED: 499,
    ErrorType.CLIENT_CANCELLED: 499,
    ErrorType.BAD_REQUEST: 400,
    ErrorType.INTERNAL_ERROR: 500,
    ErrorType.GENERATION_TIMEOUT: 504,
    ErrorType.CONCURRENT_REQUESTS_LIMIT: 429,
}
"""The HTTP status that goes with each type."""


class RequestProblem(BaseModel):
    """The body of an answer that refuses or failed for a reason outside the input."""

    model_config = ConfigDict(frozen=True)

    detail: str
    error_type: ErrorType


class LogEntry(BaseModel):
    """One line that the work on a request wrote."""

    model_config = ConfigDict(frozen=True)

    message: str
    level: Literal["STDERR", "STDOUT", "ERROR", "INFO", "WARN", "DEBUG"] = "INFO"
    source: Literal["USER"] = "USER"
    timestamp: str = Field(description="ISO 8601 with its offset.")


class SubmitAnswer(BaseModel):
    """What a submit is answered with; clients follow the URLs as they are."""

    model_config = ConfigDict(frozen=True)

    status: Literal[Status.IN_QUEUE] = Status.IN_QUEUE
    request_id: str
    response_url: str
    status_url: str
    cancel_url: str
    queue_position: int = Field(ge=0, description="Requests ahead of this one.")
    gateway_request_id: str


class Metrics(BaseModel):
    """How long the work took, once it is over."""

    model_config = ConfigDict(frozen=True)

    inference_time: float | None = Field(default=None, ge=0, description="Seconds.")


class QueueStatus(BaseModel):
    """Where a request is. Which fields are there depends on `status`; see `to_wire`."""

    model_config = ConfigDict(frozen=True)

    status: Status
    request_id: str
    response_url: str
    status_url: str
    cancel_url: str
    queue_position: int | None = Field(default=None, ge=0, description="While IN_QUEUE.")
    logs: tuple[LogEntry, ...] | None = Field(
        default=None, description="Only when asked for with logs=1; always there once started."
    )
    metrics: Metrics = Metrics()
    error: str | None = Field(
        default=None, description="Only of a failed or cancelled request."
    )
    error_type: str | None = None

    def to_wire(self) -> dict[str, object]:
        """The JSON object clients expect: fal's Python client demands some keys by status."""
        wire: dict[str, object] = self.model_dump(mode="json", exclude_none=True)
        if self.status is Status.IN_QUEUE:
            wire.setdefault("queue_position", 0)
        else:
            wire.pop("queue_position", None)
            wire.setdefault("logs", None)
        return wire


class CancelAnswer(BaseModel):
    """What a cancel is answered with."""

    model_config = ConfigDict(frozen=True)

    status: Literal["CANCELLATION_REQUESTED", "ALREADY_COMPLETED", "NOT_FOUND"]
