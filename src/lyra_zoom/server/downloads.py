"""How a stored file is answered: whole or in part, shown in place only if that is safe."""

from __future__ import annotations

import re
import time
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from lyra_zoom.server.ranges import OutOfRange, range_of
from lyra_zoom.server.transfers import Transfers
from lyra_zoom.storage.files import Files, StoredFile
from lyra_zoom.storage.labels import is_shown_in_place

LONGEST_CACHED_S = 86_400

SHOWN = "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'"
"""What the page that a browser makes around a picture or a video needs."""


async def answer_with(
    request: Request, files: Files, file: StoredFile, transfers: Transfers
) -> Response:
    """The bytes a client asked for; nothing is sent before the file was found undamaged."""
    headers = headers_of(file)
    if _is_known(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    try:
        wanted = range_of(_range_header(request, headers["ETag"]), file.size)
    except OutOfRange:
        headers["Content-Range"] = f"bytes */{file.size}"
        return Response(status_code=416, headers=headers)
    status_code = 200 if wanted is None else 206
    if wanted is not None:
        headers["Content-Range"] = f"bytes {wanted.start}-{wanted.stop - 1}/{file.size}"
    wanted = range(file.size) if wanted is None else wanted
    headers |= {"Content-Length": str(len(wanted)), "Content-Type": file.content_type}
    if request.method == "HEAD":
        return Response(status_code=status_code, headers=headers)
    await transfers.run(files.check, file)
    return StreamingResponse(transfers.send(files, file, wanted), status_code, headers)


def headers_of(file: StoredFile) -> dict[str, str]:
    """What is said of a file whichever bytes are sent."""
    is_safe = is_shown_in_place(file.content_type)
    headers = {
        "ETag": f'"{file.sha256}"',
        "Accept-Ranges": "bytes",
        "Cache-Control": _cache_control(file),
        "Content-Disposition": _disposition("inline" if is_safe else "attachment", file),
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "ETag, Content-Range, Content-Length, Accept-Ranges",
    }
    headers["Content-Security-Policy"] = SHOWN if is_safe else "sandbox; default-src 'none'"
    return headers


def _cache_control(file: StoredFile) -> str:
    """Files never change, but they end, and some are not for everybody."""
    if file.acl is not None:
        return "private, no-store"
    left_s = LONGEST_CACHED_S if file.expires_at is None else file.expires_at - time.time()
    return f"public, max-age={int(max(0, min(left_s, LONGEST_CACHED_S)))}, immutable"


def _disposition(kind: str, file: StoredFile) -> str:
    """The name in ASCII for old programs, and whole (RFC 6266)."""
    plain = re.sub(r"[^A-Za-z0-9 ._()\[\]-]", "_", file.file_name)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(file.file_name, safe='')}"


def _is_known(request: Request, etag: str) -> bool:
    """Whether the client says that it has this file already."""
    known = request.headers.get("if-none-match", "")
    return known.strip() == "*" or etag in [
        tag.strip().removeprefix("W/") for tag in known.split(",")
    ]


def _range_header(request: Request, etag: str) -> str | None:
    """The range, unless it is of another version, or nothing is sent anyway."""
    condition = request.headers.get("if-range")
    if request.method == "HEAD" or condition not in (None, etag):
        return None
    return request.headers.get("range")
