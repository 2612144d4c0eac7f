"""How uploads and downloads are answered, for their places in the schema."""

from __future__ import annotations

from typing import Any

REASONS: dict[int, str] = {
    400: "A header, a part or the list of parts cannot be used, or the upload broke off.",
    401: "No valid API key or token.",
    403: "The owner of the file does not let this caller read it.",
    404: "There is no such file or upload, or no longer.",
    408: "The body did not arrive in time.",
    409: "Another file was uploaded to this address before.",
    410: "The upload was left open too long.",
    413: "The file is too large.",
    415: "The body is compressed, or not JSON where it should be.",
    416: "The file has none of the bytes that were asked for.",
    422: "The body cannot be used.",
    429: "Too many uploads are open, or too many invalid keys came from this address.",
    500: "The stored file is damaged.",
    503: "Not possible at the moment; try again after `Retry-After` seconds.",
}


def _told(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Refusals, for their places in the schema."""
    return {status: {"description": REASONS[status]} for status in statuses}


OF_UPLOADS = _told(400, 401, 404, 408, 409, 410, 413, 415, 422, 429, 503)
OF_DOWNLOADS = _told(403, 404, 416, 500, 503) | {
    200: {"description": "The file.", "content": {"*/*": {}}},
    206: {"description": "The range that was asked for.", "content": {"*/*": {}}},
    304: {"description": "The file is the one that the client has."},
}
