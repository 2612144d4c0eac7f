"""The web application: every route, and around them what holds for all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from lyra_zoom.server import (
    cdn_api,
    docs_page,
    fal_proxy,
    health,
    jwks,
    llms,
    metrics,
    page,
    queue_api,
    rest_api,
    run_api,
)
from lyra_zoom.server.limits import Limits
from lyra_zoom.server.metrics import Measuring, QueueFacts
from lyra_zoom.server.mistakes import Mistakes
from lyra_zoom.server.parts import Parts
from lyra_zoom.server.problems import translate_errors
from lyra_zoom.server.protection import Protection
from lyra_zoom.server.schema import publish_schema

ROUTERS = (
    queue_api.router,
    run_api.router,
    rest_api.router,
    cdn_api.router,
    fal_proxy.router,
    health.router,
    jwks.router,
    metrics.router,
    llms.router,
    docs_page.router,
    page.router,
)

READABLE_BY_PAGES = (
    "x-fal-request-id",
    "x-fal-request-timeout-type",
    "x-fal-error-type",
    "x-fal-needs-retry",
    "retry-after",
    "etag",
    "content-range",
    "accept-ranges",
)
"""Headers that scripts of other origins may read."""


def make_app(parts: Parts) -> FastAPI:
    """The application on these parts; closing it lets go of everybody who waits."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        parts.watcher.close()

    app = FastAPI(
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.parts = parts
    for router in ROUTERS:
        app.include_router(router)
    publish_schema(app)
    translate_errors(app)
    parts.measured.registry.register(QueueFacts(parts.engine, parts.leases))
    app.add_middleware(Mistakes)
    app.add_middleware(Limits, settings=parts.settings)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=["*"],  # a key is always needed, and browsers send none by themselves
        allow_methods=["GET", "HEAD", "POST", "PUT", "DELETE"],
        allow_headers=["*"],
        expose_headers=list(READABLE_BY_PAGES),
        max_age=600,
    )
    app.add_middleware(Protection)
    app.add_middleware(Measuring, measured=parts.measured)
    return app
