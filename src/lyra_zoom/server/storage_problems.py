"""What uploads and downloads are refused with: the statuses of the errors of storage."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import JSONResponse, Response

from lyra_zoom.storage.files import FileForbidden
from lyra_zoom.storage.integrity import FileDamaged
from lyra_zoom.storage.landing import TooLarge
from lyra_zoom.storage.uploads import UploadProblem, UploadRefused

UPLOAD_STATUS: dict[UploadProblem, int] = {
    UploadProblem.UNKNOWN: 404,
    UploadProblem.EXPIRED: 410,
    UploadProblem.ALREADY_THERE: 409,
    UploadProblem.WRONG_PARTS: 400,
    UploadProblem.TOO_MANY: 429,
}

REASONS: dict[int, str] = {
    400: "A header, a part or the list of parts cannot be used, or the upload broke off.",
    401: "No valid API key or token.",
    403: "The owner of the file does not let this caller read it.",
    404: "There is no such file or upload, or no longer.",
    408: "The body did not arrive in time.",
    409: "Another file was uploaded to this address before.",
    410: "The upload was left open too long.",
    413: "The file is too large.",
    416: "The file has none of the bytes that were asked for.",
    422: "The body cannot be used.",
    429: "Too many uploads are open, or too many invalid keys came from this address.",
    500: "The stored file is damaged.",
    503: "Not possible at the moment; try again after `Retry-After` seconds.",
}


def _told(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Refusals, for their places in the schema."""
    return {status: {"description": REASONS[status]} for status in statuses}


OF_UPLOADS = _told(400, 401, 404, 408, 409, 410, 413, 422, 429, 503)
OF_DOWNLOADS = _told(403, 404, 416, 500, 503) | {
    200: {"description": "The file.", "content": {"*/*": {}}},
    206: {"description": "The range that was asked for.", "content": {"*/*": {}}},
    304: {"description": "The file is the one that the client has."},
}

STATUS: dict[type[Exception], int] = {TooLarge: 413, FileForbidden: 403, FileDamaged: 500}


def translate_storage_errors(app: FastAPI) -> None:
    """Let the app answer every error of storage."""
    app.add_exception_handler(UploadRefused, _upload_refused)
    for kind in STATUS:
        app.add_exception_handler(kind, _file_refused)


async def _upload_refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, UploadRefused)
    return JSONResponse({"detail": str(error)}, UPLOAD_STATUS[error.problem])


async def _file_refused(request: Request, error: Exception) -> Response:
    return JSONResponse({"detail": str(error)}, STATUS[type(error)])
