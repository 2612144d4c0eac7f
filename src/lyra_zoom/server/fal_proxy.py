"""The address that fal's JavaScript client sends everything to when it is told of a proxy.

The client names fal's own hosts in `x-fal-target-url`; each is one of our prefixes. The request
is served by this same app: nothing is ever sent to another machine.
"""

from __future__ import annotations

from urllib.parse import SplitResult, unquote, urlsplit

from fastapi import APIRouter, Request, Response
from starlette.types import Receive, Scope, Send

from lyra_zoom.server.base_url import base_url
from lyra_zoom.server.parts import parts_of
from lyra_zoom.server.problems import bad_request

PREFIXES = {
    "queue.fal.run": "/queue",
    "fal.run": "/run",
    "rest.fal.ai": "/rest",
    "rest.alpha.fal.ai": "/rest",
    "v3.fal.media": "/cdn",
}
"""Which of our mounts stands for which of fal's hosts."""

TARGET = "x-fal-target-url"

OF_THE_ROUTE = ("path_params", "endpoint", "route", "router")
"""What routing has noted in the scope; the target is routed anew."""

router = APIRouter(tags=["proxy"])


class Forwarded(Response):
    """The answer of another route of this app."""

    def __init__(self, path: str, query: str) -> None:
        self._path = path
        self._query = query
        super().__init__()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the target in place of this route."""
        inner = {name: value for name, value in scope.items() if name not in OF_THE_ROUTE}
        inner["path"] = unquote(self._path)
        inner["raw_path"] = self._path.encode()
        inner["query_string"] = self._query.encode()
        await scope["app"].router(inner, receive, send)


@router.api_route("/api/fal/proxy", methods=["GET", "POST", "PUT"], include_in_schema=False)
async def forward(request: Request) -> Response:
    """What the route meant by `x-fal-target-url` answers; it also checks the key."""
    try:
        target = urlsplit(request.headers.get(TARGET, ""))
        path = _path_here(target, request)
    except ValueError as error:
        raise bad_request(f"{TARGET} is not an address") from error
    if path is None or not (path.isascii() and target.query.isascii()):
        raise bad_request(f"{TARGET} must name one of {', '.join(PREFIXES)}")
    return Forwarded(path, target.query)


def _path_here(target: SplitResult, request: Request) -> str | None:
    """The path of ours that a target stands for; None when it is somebody else's."""
    own = urlsplit(base_url(request, parts_of(request).settings))
    if target.scheme in ("http", "https") and target.netloc == own.netloc:
        is_served = target.path.startswith(tuple(f"{prefix}/" for prefix in PREFIXES.values()))
        return target.path if is_served else None
    prefix = PREFIXES.get(target.hostname or "")
    if prefix is None or target.scheme != "https" or target.port not in (None, 443):
        return None
    return f"{prefix}{target.path}"
