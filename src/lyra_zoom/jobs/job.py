"""A request as values: what came in, what we keep of it, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pydantic import JsonValue

from lyra_zoom.contract.queue import ERROR_STATUS, ErrorType, RequestProblem

NORMAL, LOW = 0, 1
"""Priorities: smaller goes first."""

ATTEMPTS = 4
"""The first run of a request and three more, should its worker die."""


class Outcome(StrEnum):
    """How a request ended; clients see all three as COMPLETED."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class CancelOutcome(StrEnum):
    """What became of the wish to cancel."""

    REQUESTED = "requested"
    ALREADY_COMPLETED = "already_completed"
    NOT_FOUND = "not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What a client sent: `body` is JSON as it came, not yet looked at.

    `base_url` is how this client reaches the server; `start_timeout_s` how long it may wait.
    """

    key_id: str
    endpoint: str
    body: bytes
    base_url: str
    priority: int = NORMAL
    start_timeout_s: float | None = None
    max_attempts: int = ATTEMPTS
    webhook_url: str | None = None
    lifecycle: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Our record of a request. `answer` is the JSON text of its result, of any outcome."""

    request_id: str
    key_id: str
    endpoint: str
    priority: int
    accepted_at: float
    start_timeout_s: float | None
    max_attempts: int
    base_url: str
    webhook_url: str | None
    lifecycle: str | None
    idempotency_key: str | None
    started_at: float | None
    attempts: int
    ended_at: float | None
    outcome: str | None
    answer_status: int | None
    answer: str | None
    error: str | None
    error_type: str | None
    inference_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a request ends: its outcome and what its result will be answered with."""

    outcome: Outcome
    status: int
    body: Mapping[str, JsonValue]
    error: str | None = None
    error_type: str | None = None
    inference_s: float | None = None


def failure(error_type: ErrorType, detail: str) -> Ending:
    """The end of a request for a reason that is not in its input."""
    cancelled = error_type in (ErrorType.CLIENT_CANCELLED, ErrorType.CLIENT_DISCONNECTED)
    problem = RequestProblem(detail=detail, error_type=error_type)
    return Ending(
        outcome=Outcome.CANCELLED if cancelled else Outcome.FAILED,
        status=ERROR_STATUS[error_type],
        body=problem.model_dump(mode="json"),
        error=detail,
        error_type=error_type,
    )


def cancelled() -> Ending:
    """The end of a request that its sender no longer wants."""
    return failure(ErrorType.CLIENT_CANCELLED, "The request was cancelled.")


def too_late(timeout_s: float | None) -> Ending:
    """The end of a request that nobody took up in the time its sender gave it."""
    return failure(
        ErrorType.REQUEST_TIMEOUT, f"The request did not start within {timeout_s or 0:g} s."
    )


def worker_died(attempts: int) -> Ending:
    """The end of a request whose workers died one after the other."""
    return failure(
        ErrorType.RUNNER_DISCONNECTED,
        f"The worker died while it worked on the request, {attempts} times.",
    )


def never_begun() -> Ending:
    """The end of a request that the worker could not even begin, by a mistake of ours."""
    return failure(ErrorType.INTERNAL_ERROR, "The worker could not begin the request.")
