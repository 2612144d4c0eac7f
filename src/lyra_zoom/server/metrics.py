"""Figures for Prometheus: what this process did, and how the queue is at this moment."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

import sqlalchemy as sa
from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lyra_zoom.database.tables import request as request_table
from lyra_zoom.database.tables import webhook_delivery
from lyra_zoom.jobs.leases import Leases

router = APIRouter(tags=["operations"])

LATENCIES_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 120)


class Measured:
    """What this process counts itself."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.accepted = Counter(
            "lyra_zoom_requests_accepted",
            "Requests accepted by this process.",
            ["by"],
            registry=self.registry,
        )
        self.latency = Histogram(
            "lyra_zoom_http_seconds",
            "Time until an answer began.",
            ["method", "route", "status"],
            buckets=LATENCIES_S,
            registry=self.registry,
        )


class Measuring:
    """Takes the time of every answer, by route: an address itself may hold an id."""

    def __init__(self, app: ASGIApp, measured: Measured) -> None:
        self._app = app
        self._measured = measured

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request and note how long it took to begin the answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "none")
                labels = (_known(scope["method"]), route, str(message["status"]))
                self._measured.latency.labels(*labels).observe(time.perf_counter() - began)
            await send(message)

        await self._app(scope, receive, send_on)


class QueueFacts(Collector):
    """The queue, the workers and the webhooks as the database shows them when asked."""

    def __init__(self, engine: sa.Engine, leases: Leases) -> None:
        self._engine = engine
        self._leases = leases

    def collect(self) -> Iterable[Metric]:
        """One query for each of requests, workers and webhooks."""
        yield from self._requests()
        yield from self._workers()
        yield from self._webhooks()

    def _requests(self) -> Iterator[Metric]:
        outcome, started = request_table.c.outcome, request_table.c.started_at
        counted = sa.select(
            outcome,
            started.is_not(None).label("has_begun"),
            sa.func.count().label("number"),
            sa.func.min(request_table.c.accepted_at).label("oldest"),
        ).group_by(outcome, started.is_not(None))
        with self._engine.connect() as connection:
            rows = connection.execute(counted).all()
        now = time.time()
        waiting = [row for row in rows if row.outcome is None and not row.has_begun]
        running = [row for row in rows if row.outcome is None and row.has_begun]
        yield _gauge("waiting", "Requests that wait.", sum(row.number for row in waiting))
        yield _gauge("running", "Requests worked on.", sum(row.number for row in running))
        yield _gauge(
            "oldest_waiting_seconds",
            "Age of the request that waits longest.",
            max((now - row.oldest for row in waiting), default=0.0),
        )
        ended = GaugeMetricFamily(
            "lyra_zoom_requests_kept",
            "Requests that are over and still kept.",
            labels=["outcome"],
        )
        for name in ("succeeded", "failed", "cancelled"):
            ended.add_metric([name], sum(row.number for row in rows if row.outcome == name))
        yield ended

    def _workers(self) -> Iterator[Metric]:
        live = self._leases.live(time.time())
        yield _gauge("workers_live", "Workers heard of lately.", len(live))
        ready = sum(lease.ready for lease in live)
        yield _gauge("workers_ready", "Workers whose engine is ready.", ready)

    def _webhooks(self) -> Iterator[Metric]:
        states: dict[str, sa.ColumnElement[bool]] = {
            "delivered": webhook_delivery.c.delivered_at.is_not(None),
            "given_up": webhook_delivery.c.gave_up_at.is_not(None),
        }
        states["pending"] = sa.not_(sa.or_(*states.values()))
        counted = sa.select(
            *(
                sa.func.coalesce(sa.func.sum(sa.case((state, 1), else_=0)), 0).label(name)
                for name, state in states.items()
            )
        )
        with self._engine.connect() as connection:
            row = connection.execute(counted).one()
        family = GaugeMetricFamily(
            "lyra_zoom_webhooks", "Webhook deliveries that are kept.", labels=["state"]
        )
        for name in states:
            family.add_metric([name], getattr(row, name))
        yield family


@router.api_route("/metrics", methods=["GET", "HEAD"], include_in_schema=False)
async def metrics(request: Request) -> Response:
    """Everything, in Prometheus' text format."""
    parts = request.app.state.parts
    text = await parts.threads.read(generate_latest, parts.measured.registry)
    return Response(text, media_type=CONTENT_TYPE_LATEST)


def _gauge(name: str, what: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"lyra_zoom_{name}", what, value=value)


def _known(method: str) -> str:
    methods = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")
    return method if method in methods else "other"
