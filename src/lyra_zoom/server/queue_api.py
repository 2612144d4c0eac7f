"""fal's queue over HTTP: submit, status, stream, result and cancel, under `/queue`."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import JSONResponse

from lyra_zoom.contract.queue import (
    CancelAnswer,
    QueueStatus,
    Status,
    SubmitAnswer,
)
from lyra_zoom.contract.zoom import ENDPOINT_ID, ZoomOutput
from lyra_zoom.jobs.events import Event
from lyra_zoom.jobs.job import CancelOutcome, Job, Submission
from lyra_zoom.server.answers import (
    REQUESTS,
    about,
    not_found,
    result_of,
    status_of,
    submit_answer,
)
from lyra_zoom.server.auth import Caller
from lyra_zoom.server.base_url import base_url
from lyra_zoom.server.lookup import REQUEST_ID, find_job, look_up
from lyra_zoom.server.parts import Parts, parts_of
from lyra_zoom.server.schema import (
    OF_RESULTS,
    WITH_BODY,
    NotFound,
    Refusal,
    answers,
    links_to,
    parameters_of_submit,
    zoom_body,
)
from lyra_zoom.server.status_stream import first_number, stream_of
from lyra_zoom.server.submission import accept, most_waiting, read_object, submission_of

router = APIRouter(tags=["queue"])

FULL_ID_REQUESTS = f"/queue/{ENDPOINT_ID}/requests"
"""The same requests for clients that keep the whole endpoint id."""

AFTER_SUBMIT = links_to("status", "status_stream", "result", "cancel")

RequestId = Annotated[str, Path(description="What the submit was answered with.")]
Logs = Annotated[
    str, Query(description="`1` or `true` adds what the work on the request has said.")
]

CANCELLED: dict[CancelOutcome, tuple[int, str]] = {
    CancelOutcome.REQUESTED: (202, "CANCELLATION_REQUESTED"),
    CancelOutcome.ALREADY_COMPLETED: (400, "ALREADY_COMPLETED"),
    CancelOutcome.NOT_FOUND: (404, "NOT_FOUND"),
}


@router.post(
    f"/queue/{ENDPOINT_ID}",
    summary="Submit a request",
    responses=answers({200: SubmitAnswer}, WITH_BODY),
    openapi_extra={
        "requestBody": zoom_body(),
        "parameters": parameters_of_submit(),
        "responses": {"200": {"links": AFTER_SUBMIT}},
    },
)
async def submit(request: Request, key_id: Caller) -> Response:
    """Accept a request and answer at once; its input is judged when it is worked on."""
    parts = parts_of(request)
    body, _ = await read_object(request)
    submission = submission_of(parts, request, key_id, body)
    limit = most_waiting(request)
    job, position = await parts.threads.write(_accept, parts, submission, limit)
    parts.measured.accepted.labels("queue").inc()
    wire = submit_answer(job, submission.base_url, position).model_dump(mode="json")
    return about(job, wire, 200)


@router.get(
    f"{REQUESTS}/{{request_id}}/status",
    summary="Ask where a request is",
    responses=answers({200: QueueStatus, 202: QueueStatus, 404: NotFound}),
)
@router.get(f"{FULL_ID_REQUESTS}/{{request_id}}/status", include_in_schema=False)
async def status(
    request: Request, key_id: Caller, request_id: RequestId, logs: Logs = "0"
) -> Response:
    """The status: 202 while the request waits or is worked on, 200 when it is over."""
    parts = parts_of(request)
    found = await parts.threads.read(_look_up, parts, request_id, key_id, wanted(logs))
    if found is None:
        return not_found()
    job, position, lines = found
    said = status_of(job, base_url(request, parts.settings), position, lines)
    return about(job, said.to_wire(), 200 if said.status is Status.COMPLETED else 202)


@router.get(
    f"{REQUESTS}/{{request_id}}/status/stream",
    summary="Follow a request",
    responses=answers({200: QueueStatus, 404: NotFound}, stream=True),
)
@router.get(f"{FULL_ID_REQUESTS}/{{request_id}}/status/stream", include_in_schema=False)
async def status_stream(
    request: Request, key_id: Caller, request_id: RequestId, logs: Logs = "0"
) -> Response:
    """Server-sent events, one status each; ends after COMPLETED.

    Every event carries only log entries that no earlier one had. Reconnect with the header
    `Last-Event-ID` to continue after the last one received.
    """
    parts = parts_of(request)
    job = await parts.threads.read(find_job, parts.requests, request_id, key_id)
    if job is None:
        return not_found()
    base = base_url(request, parts.settings)
    return stream_of(parts.watcher, job, base, first_number(request, wanted(logs)))


@router.get(
    f"{REQUESTS}/{{request_id}}",
    summary="Fetch the result",
    responses=answers({200: ZoomOutput, 400: Refusal, 404: NotFound}, OF_RESULTS),
)
@router.get(f"{REQUESTS}/{{request_id}}/response", include_in_schema=False)
@router.get(f"{FULL_ID_REQUESTS}/{{request_id}}", include_in_schema=False)
@router.get(f"{FULL_ID_REQUESTS}/{{request_id}}/response", include_in_schema=False)
async def result(request: Request, key_id: Caller, request_id: RequestId) -> Response:
    """The output, or the error with its own status code; 400 while the request is not over."""
    parts = parts_of(request)
    job = await parts.threads.read(find_job, parts.requests, request_id, key_id)
    if job is None:
        return not_found()
    if job.outcome is None:
        return about(job, {"detail": "Request is still in progress"}, 400)
    return result_of(job)


@router.put(
    f"{REQUESTS}/{{request_id}}/cancel",
    summary="Cancel a request",
    status_code=202,
    responses=answers({202: CancelAnswer, 400: CancelAnswer, 404: CancelAnswer}),
)
@router.put(f"{FULL_ID_REQUESTS}/{{request_id}}/cancel", include_in_schema=False)
async def cancel(request: Request, key_id: Caller, request_id: RequestId) -> Response:
    """Take a request out of the queue, or stop the work on it."""
    parts = parts_of(request)
    outcome = CancelOutcome.NOT_FOUND
    if REQUEST_ID.fullmatch(request_id):
        outcome = await parts.threads.write(
            parts.requests.cancel, request_id, key_id, time.time()
        )
    status_code, word = CANCELLED[outcome]
    found = outcome is not CancelOutcome.NOT_FOUND
    headers = {"x-fal-request-id": request_id} if found else None
    return JSONResponse({"status": word}, status_code, headers)


def wanted(flag: str) -> bool:
    """Whether a flag of the address is set, in the spellings of both clients."""
    return flag.strip().lower() in ("1", "true")


def _accept(parts: Parts, submission: Submission, limit: int | None) -> tuple[Job, int]:
    job = accept(parts, submission, limit)
    return job, parts.requests.position(job)


def _look_up(
    parts: Parts, request_id: str, key_id: str, with_lines: bool
) -> tuple[Job, int, tuple[Event, ...] | None] | None:
    """A request, its position and its lines; the lines last, so that none is missed."""
    found = look_up(parts.requests, request_id, key_id)
    if found is None:
        return None
    return *found, parts.events.since(request_id) if with_lines else None
