"""Whether this process lives, and whether a request sent to it would become a video."""

from __future__ import annotations

import time
import uuid

import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from lyra_zoom.errors import LyraZoomError
from lyra_zoom.jobs.leases import Lease
from lyra_zoom.server.parts import Parts, parts_of

router = APIRouter(tags=["operations"])


@router.api_route("/healthz", methods=["GET", "HEAD"], include_in_schema=False)
async def healthz() -> Response:
    """This process answers; nothing else is looked at."""
    return PlainTextResponse("ok\n")


@router.api_route("/readyz", methods=["GET", "HEAD"], include_in_schema=False)
async def readyz(request: Request) -> Response:
    """200 when database, storage and a worker are ready, else 503 with the reasons."""
    parts = parts_of(request)
    reasons = await parts.threads.write(why_not_ready, parts)
    if reasons:
        return JSONResponse({"ready": False, "reasons": reasons}, 503)
    return JSONResponse({"ready": True})


def why_not_ready(parts: Parts) -> list[str]:
    """One sentence for everything that is missing."""
    try:
        leases = parts.leases.live(time.time())
    except sa.exc.SQLAlchemyError:
        return ["the database does not answer"]
    return [*_about_workers(leases), *_about_storage(parts)]


def _about_workers(leases: tuple[Lease, ...]) -> list[str]:
    if not leases:
        return ["no worker has reported: none is running, or the first is still starting"]
    if any(lease.ready for lease in leases):
        return []
    problems = (lease.problem or "its engine is starting" for lease in leases)
    return sorted({f"no worker is ready: {problem}" for problem in problems})


def _about_storage(parts: Parts) -> list[str]:
    """What is wrong with writing; the trial leaves nothing behind."""
    key = f"trials/{uuid.uuid4().hex}"
    try:
        parts.objects.put_bytes(key, b"ready?")
        parts.objects.delete(key)
    except (LyraZoomError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return [f"the storage cannot be written: {reason}"]
    return []
