"""fal's synchronous call, under `/run`: submit and wait on one connection."""

from __future__ import annotations

import time

import anyio
from fastapi import APIRouter, Request, Response

from lyra_zoom.contract.queue import ErrorType
from lyra_zoom.contract.zoom import ENDPOINT_ID, ZoomInput, ZoomOutput
from lyra_zoom.jobs.job import Job, failure
from lyra_zoom.server.answers import naming, result_of
from lyra_zoom.server.auth import Caller
from lyra_zoom.server.parts import Parts, parts_of
from lyra_zoom.server.problems import problem_answer
from lyra_zoom.server.schema import (
    OF_RESULTS,
    WITH_BODY,
    answers,
    parameters_of_submit,
    zoom_body,
)
from lyra_zoom.server.submission import accept, most_waiting, read_object, submission_of

router = APIRouter(tags=["run"])


@router.post(
    f"/run/{ENDPOINT_ID}",
    summary="Make a video and wait for it",
    responses=answers({200: ZoomOutput}, WITH_BODY, OF_RESULTS),
    openapi_extra={"requestBody": zoom_body(), "parameters": parameters_of_submit()},
)
async def run(request: Request, key_id: Caller) -> Response:
    """The output itself; bad input is refused at once, hanging up cancels the request."""
    parts = parts_of(request)
    body, fields = await read_object(request)
    ZoomInput.model_validate(fields)
    submission = submission_of(parts, request, key_id, body)
    limit = most_waiting(request)
    job = await parts.threads.write(accept, parts, submission, limit)
    parts.measured.accepted.labels("run").inc()
    over = await _wait(parts, request, job)
    if over is None:
        detail = "This server is being stopped; send the request again."
        headers = naming(job) | {"X-Fal-Needs-Retry": "1"}
        return problem_answer(ErrorType.RUNNER_DISCONNECTED, detail, headers=headers)
    return result_of(over)


async def _wait(parts: Parts, request: Request, job: Job) -> Job | None:
    """The request when it is over; None when this process stops before."""
    async with (
        parts.watcher.watching(job) as watched,
        anyio.create_task_group() as meanwhile,
    ):
        meanwhile.start_soon(_cancel_when_gone, parts, request, job)
        over = await watched.until_over()
        meanwhile.cancel_scope.cancel()
    if over is None:
        await _end(parts, job, ErrorType.RUNNER_DISCONNECTED, "The server was stopped.")
    return over


async def _cancel_when_gone(parts: Parts, request: Request, job: Job) -> None:
    """End the request as soon as nobody waits for it any more."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    await _end(parts, job, ErrorType.CLIENT_DISCONNECTED, "The client hung up.")


async def _end(parts: Parts, job: Job, error_type: ErrorType, detail: str) -> None:
    ending = failure(error_type, detail)
    await parts.threads.write(parts.requests.end, job.request_id, ending, time.time())
