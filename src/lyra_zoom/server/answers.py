"""Step 6 of 6: what clients are told of a request: taken in, its status, its result."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from starlette.responses import JSONResponse, Response

from lyra_zoom.contract.queue import (
    ErrorType,
    LogEntry,
    Metrics,
    QueueStatus,
    Status,
    SubmitAnswer,
)
from lyra_zoom.jobs.events import Event
from lyra_zoom.jobs.job import Job

REQUESTS = "/queue/fal-ai/lyra-2/requests"
"""Where requests are asked about: fal leaves the last part of the endpoint id away."""

NOT_FOUND = {"status": "NOT_FOUND"}


def status_word(job: Job) -> Status:
    """The one of fal's three words that says where a request is."""
    if job.outcome is not None:
        return Status.COMPLETED
    return Status.IN_QUEUE if job.started_at is None else Status.IN_PROGRESS


def status_of(job: Job, base: str, position: int, lines: Sequence[Event] | None) -> QueueStatus:
    """Where a request is; `lines` is None when the client did not ask for logs."""
    return QueueStatus(
        status=status_word(job),
        request_id=job.request_id,
        **_urls(job.request_id, base),
        queue_position=position,
        logs=None if lines is None else tuple(_log_entry(line) for line in lines),
        metrics=Metrics(inference_time=job.inference_s),
        error=job.error,
        error_type=job.error_type,
    )


def submit_answer(job: Job, base: str, position: int) -> SubmitAnswer:
    """How a submit is confirmed."""
    return SubmitAnswer(
        request_id=job.request_id,
        gateway_request_id=job.request_id,
        **_urls(job.request_id, base),
        queue_position=position,
    )


def result_of(job: Job) -> Response:
    """The output of a request that is over, or its error, with the status that goes with it."""
    headers = naming(job)
    if job.error_type is not None:
        headers["X-Fal-Error-Type"] = job.error_type
    if job.error_type == ErrorType.REQUEST_TIMEOUT:
        headers["X-Fal-Request-Timeout-Type"] = "user"
    return Response(
        job.answer or "null",
        job.answer_status or 500,
        headers,
        media_type="application/json",
    )


def about(job: Job, body: object, status_code: int) -> Response:
    """An answer that belongs to a request."""
    return JSONResponse(body, status_code, naming(job))


def not_found() -> Response:
    """The answer for an unknown request, and for another key's."""
    return JSONResponse(NOT_FOUND, 404)


def naming(job: Job) -> dict[str, str]:
    """The header by which clients know which request an answer belongs to."""
    return {"x-fal-request-id": job.request_id}


def _urls(request_id: str, base: str) -> dict[str, Any]:
    here = f"{base}{REQUESTS}/{request_id}"
    return {
        "response_url": here,
        "status_url": f"{here}/status",
        "cancel_url": f"{here}/cancel",
    }


def _log_entry(line: Event) -> LogEntry:
    at = datetime.fromtimestamp(line.at, UTC).isoformat(timespec="milliseconds")
    return LogEntry(message=line.message, level=line.level, timestamp=at)  # type: ignore[arg-type]
