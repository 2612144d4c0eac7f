"""The one place where errors become HTTP: status, body and headers that fal's clients read."""

from __future__ import annotations

import errno
import logging
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from lyra_zoom.contract.problems import (
    ERROR_REFERENCE,
    Problem,
    ProblemBody,
    body_of_rejection,
    body_of_validation,
)
from lyra_zoom.contract.queue import ERROR_STATUS, ErrorType, RequestProblem
from lyra_zoom.contract.zoom import ENDPOINT_ID
from lyra_zoom.errors import InputRejected, LyraZoomError, NotPossibleNow
from lyra_zoom.storage.files import FileForbidden
from lyra_zoom.storage.integrity import FileDamaged
from lyra_zoom.storage.landing import TooLarge
from lyra_zoom.storage.uploads import UploadProblem, UploadRefused

logger = logging.getLogger(__name__)

RETRY_AFTER_S = 2

DISK_TROUBLE = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE))

UPLOAD_STATUS: dict[UploadProblem, int] = {
    UploadProblem.UNKNOWN: 404,
    UploadProblem.EXPIRED: 410,
    UploadProblem.ALREADY_THERE: 409,
    UploadProblem.WRONG_PARTS: 400,
    UploadProblem.TOO_MANY: 429,
}

FILE_STATUS: dict[type[Exception], int] = {TooLarge: 413, FileForbidden: 403, FileDamaged: 500}

NOTHING_HERE = (
    f"There is nothing at this address. The endpoint of this server is {ENDPOINT_ID}: "
    f"POST /queue/{ENDPOINT_ID} or /run/{ENDPOINT_ID}; /docs lists everything."
)


class Refused(HTTPException):
    """This server does not do what was asked; `error_type` is fal's word for the reason."""

    def __init__(
        self,
        status_code: int,
        detail: str,
        error_type: ErrorType | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status_code, detail, dict(headers or {}))
        self.error_type = error_type


class BodyRejected(LyraZoomError):
    """The body as a whole cannot be used; `kind` is the `type` of fal's validation body."""

    def __init__(self, kind: str, message: str, reason: str | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.reason = reason


class ParameterRejected(InputRejected):
    """A parameter of the address cannot be used, rather than a field of the body."""


def bad_request(detail: str) -> Refused:
    """A header or parameter that cannot be used."""
    return Refused(400, detail, ErrorType.BAD_REQUEST)


def problem_answer(
    error_type: ErrorType,
    detail: str,
    status_code: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An answer for a reason outside the input, with its type in the body and in a header."""
    body = RequestProblem(detail=detail, error_type=error_type).model_dump(mode="json")
    return JSONResponse(
        body,
        status_code or ERROR_STATUS[error_type],
        {"X-Fal-Error-Type": error_type, **(headers or {})},
    )


def not_now_answer(detail: str) -> Response:
    """An answer for what may work a little later."""
    headers = {"Retry-After": str(RETRY_AFTER_S), "X-Fal-Needs-Retry": "1"}
    return problem_answer(ErrorType.INTERNAL_ERROR, detail, 503, headers)


def translate_errors(app: FastAPI) -> None:
    """Let the app answer every expected error in fal's shape."""
    for kind, answer in (
        (HTTPException, _refused),
        (RequestValidationError, _invalid_request),
        (ValidationError, _invalid_input),
        (InputRejected, _rejected_input),
        (BodyRejected, _rejected_body),
        (ClientDisconnect, _gone),
        (NotPossibleNow, _not_now),
        (UploadRefused, _refused_upload),
        *((kind, _refused_file) for kind in FILE_STATUS),
        (sa.exc.OperationalError, _database_trouble),
        (sa.exc.InterfaceError, _database_trouble),
        (sa.exc.TimeoutError, _database_trouble),
        (OSError, _disk_trouble),
    ):
        app.add_exception_handler(kind, answer)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    error_type = getattr(error, "error_type", None)
    if error_type is not None:
        return problem_answer(error_type, error.detail, error.status_code, error.headers)
    unknown = error.status_code == 404 and error.detail == "Not Found"
    detail = NOTHING_HERE if unknown else error.detail
    return JSONResponse({"detail": detail}, error.status_code, error.headers)


async def _invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return JSONResponse(_body_of(error.errors()).to_wire(), 422)


async def _invalid_input(request: Request, error: Exception) -> Response:
    assert isinstance(error, ValidationError)
    return JSONResponse(body_of_validation(error).to_wire(), 422)


async def _rejected_input(request: Request, error: Exception) -> Response:
    assert isinstance(error, InputRejected)
    body = body_of_rejection(error)
    if isinstance(error, ParameterRejected):
        where = {"loc": ("query", error.field_name)}
        body = ProblemBody(detail=tuple(one.model_copy(update=where) for one in body.detail))
    return JSONResponse(body.to_wire(), 422)


async def _rejected_body(request: Request, error: Exception) -> Response:
    assert isinstance(error, BodyRejected)
    reason = {} if error.reason is None else {"ctx": {"error": error.reason}}
    problem = Problem(
        loc=("body",),
        msg=str(error),
        type=error.kind,
        url=f"{ERROR_REFERENCE}#{error.kind}",
        **reason,  # type: ignore[arg-type]  # pydantic checks it
    )
    return JSONResponse(ProblemBody(detail=(problem,)).to_wire(), 422)


async def _gone(request: Request, error: Exception) -> Response:
    """Nobody reads this: the connection ended before the body did."""
    return JSONResponse({"detail": "the body is incomplete"}, 400)


async def _refused_upload(request: Request, error: Exception) -> Response:
    assert isinstance(error, UploadRefused)
    return JSONResponse({"detail": str(error)}, UPLOAD_STATUS[error.problem])


async def _refused_file(request: Request, error: Exception) -> Response:
    return JSONResponse({"detail": str(error)}, FILE_STATUS[type(error)])


async def _not_now(request: Request, error: Exception) -> Response:
    return not_now_answer(str(error))


async def _database_trouble(request: Request, error: Exception) -> Response:
    cause = getattr(error, "orig", None) or error
    logger.error("the database does not answer as it should: %s", _first_line(cause))
    return not_now_answer("The database of this server is not available; try again soon.")


async def _disk_trouble(request: Request, error: Exception) -> Response:
    assert isinstance(error, OSError)
    if error.errno not in DISK_TROUBLE:
        raise error
    logger.error("the disk does not do as it should: %s", error.strerror)
    return not_now_answer("The storage of this server is not available; try again soon.")


def _body_of(errors: Any) -> ProblemBody:  # noqa: ANN401  # pydantic's dictionaries
    """Refusals of parameters and bodies that FastAPI looked at itself."""
    return ProblemBody(
        detail=tuple(
            Problem(
                loc=tuple(entry["loc"]),
                msg=entry["msg"],
                type=entry["type"],
                url=f"{ERROR_REFERENCE}#{entry['type']}",
            )
            for entry in errors
        )
    )


def _first_line(cause: object) -> str:
    return (str(cause).splitlines() or [""])[0]
