"""The page at `/`: files of this package, sent as they are under a strict security policy.

It knows nothing of requests; the page itself uses the public API like any other client.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter, Request, Response

PLAYGROUND = Path(__file__).parent / "playground"
INDEX = "index.html"

MEDIA_TYPES: dict[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""Only files of these kinds are sent."""

SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

HEADERS: dict[str, str] = {
    "Content-Security-Policy": SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",  # kept, yet asked for by its tag each time
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFile:
    """One file of the page, ready to be sent."""

    body: bytes
    media_type: str
    tag: str


def page_files(folder: Path = PLAYGROUND) -> dict[str, PageFile]:
    """Every file of the page by its name."""
    return {
        path.name: _page_file(path)
        for path in sorted(folder.iterdir())
        if path.suffix in MEDIA_TYPES
    }


def _page_file(path: Path) -> PageFile:
    body = path.read_bytes()
    return PageFile(
        body=body,
        media_type=MEDIA_TYPES[path.suffix],
        tag=f'"{hashlib.sha256(body).hexdigest()[:32]}"',
    )


FILES = page_files()

router = APIRouter(include_in_schema=False)


@router.api_route("/", methods=["GET", "HEAD"])
async def index(request: Request) -> Response:
    """The page."""
    return _send(request, FILES[INDEX])


@router.api_route("/playground/{name}", methods=["GET", "HEAD"])
async def part(request: Request, name: str) -> Response:
    """A file that the page is made of."""
    found = FILES.get(name)
    if found is None:
        return Response("there is no such file\n", 404, HEADERS, "text/plain; charset=utf-8")
    return _send(request, found)


def _send(request: Request, file: PageFile) -> Response:
    headers = HEADERS | {"ETag": file.tag}
    known = [tag.strip() for tag in request.headers.get("if-none-match", "").split(",")]
    if file.tag in known or f"W/{file.tag}" in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(file.body, headers=headers, media_type=file.media_type)
