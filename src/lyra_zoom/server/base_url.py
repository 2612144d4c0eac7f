"""Under which address this caller reaches the server: the base of every URL in an answer."""

from __future__ import annotations

import re

from starlette.requests import HTTPConnection

from lyra_zoom.settings import Settings

HOST = re.compile(r"([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?")


def base_url(request: HTTPConnection, settings: Settings) -> str:
    """The operator's public URL, else what a proxy or the caller says; no slash ends it.

    A caller who names another host only misleads itself: its own answers carry that name.
    """
    if settings.public_url:
        return settings.public_url.rstrip("/")
    scheme = _first(request, "x-forwarded-proto")
    if scheme not in ("http", "https"):
        scheme = request.scope.get("scheme", "http")
    for name in ("x-forwarded-host", "host"):
        host = _first(request, name)
        if HOST.fullmatch(host):
            return f"{scheme}://{host}"
    address, port = request.scope.get("server") or ("127.0.0.1", 80)
    return f"{scheme}://{f'[{address}]' if ':' in address else address}:{port}"


def _first(request: HTTPConnection, header: str) -> str:
    """The value of the proxy nearest to the caller."""
    return request.headers.get(header, "").partition(",")[0].strip()
