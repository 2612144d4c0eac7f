"""How a request ends when a step of it fails: every error becomes the answer of the request."""

from __future__ import annotations

import logging

from pydantic import ValidationError

from lyra_zoom.contract.problems import ProblemBody, body_of_rejection, body_of_validation
from lyra_zoom.contract.queue import ErrorType
from lyra_zoom.errors import (
    Cancelled,
    EngineDied,
    EngineFailed,
    EngineHung,
    EngineNotReady,
    GpuLost,
    GpuMemoryExhausted,
    InputRejected,
    NotPossibleNow,
    NumbersBroken,
    WeightsBroken,
)
from lyra_zoom.jobs.job import Ending, Outcome, failure
from lyra_zoom.storage.integrity import FileDamaged
from lyra_zoom.worker.engine_process import InputRefused

logger = logging.getLogger(__name__)


def ending_of(error: Exception, request_id: str) -> Ending | None:
    """How the request ends by this error; None when it was over before, as by a cancel."""
    if isinstance(error, Cancelled):
        return None
    if isinstance(error, ValidationError):
        return refused(body_of_validation(error))
    if isinstance(error, InputRejected):
        return refused(body_of_rejection(error))
    if isinstance(error, InputRefused):
        return refused(ProblemBody.model_validate(error.body))
    for kind, (error_type, detail) in FAILURES.items():
        if isinstance(error, kind):
            logger.error("a request failed request_id=%s reason=%r", request_id, str(error))
            return failure(error_type, detail)
    logger.error("a request failed request_id=%s", request_id, exc_info=error)
    return failure(ErrorType.INTERNAL_ERROR, "The worker made a mistake of its own.")


# The first that fits counts: a kind of failure comes before what it is a kind of.
FAILURES: dict[type[Exception], tuple[ErrorType, str]] = {
    EngineDied: (
        ErrorType.RUNNER_DISCONNECTED,
        "The engine died while it worked on the request.",
    ),
    EngineHung: (ErrorType.GENERATION_TIMEOUT, "The engine stopped making progress."),
    GpuMemoryExhausted: (
        ErrorType.RUNNER_SERVER_ERROR,
        "The GPU has too little memory for this video.",
    ),
    GpuLost: (ErrorType.RUNNER_SERVER_ERROR, "The GPU failed."),
    NumbersBroken: (
        ErrorType.RUNNER_SERVER_ERROR,
        "The engine computed numbers that are not finite.",
    ),
    WeightsBroken: (ErrorType.RUNNER_SERVER_ERROR, "The engine's weights are damaged."),
    EngineFailed: (ErrorType.RUNNER_SERVER_ERROR, "The engine failed."),
    EngineNotReady: (ErrorType.RUNNER_SCHEDULING_FAILURE, "No engine can run on this server."),
    FileDamaged: (
        ErrorType.INTERNAL_ERROR,
        "The stored photograph is damaged: upload it again.",
    ),
    NotPossibleNow: (ErrorType.INTERNAL_ERROR, "The server's storage was away for too long."),
}
"""What a client is told; what exactly happened is in the worker's own log."""


def refused(body: ProblemBody) -> Ending:
    """The end of a request whose input cannot be used: fal's validation answer."""
    first = body.detail[0]
    where = ".".join(str(part) for part in first.loc[1:]) or "body"
    return Ending(
        outcome=Outcome.FAILED,
        status=422,
        body=body.to_wire(),
        error=f"{where}: {first.msg}",
        error_type=first.type,
    )
