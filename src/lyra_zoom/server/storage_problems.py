"""What uploads and downloads are refused with: the statuses of the errors of storage."""

from __future__ import annotations

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
