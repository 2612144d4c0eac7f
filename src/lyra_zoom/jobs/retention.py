"""Forgets finished requests once they have been kept long enough."""

from __future__ import annotations

import sqlalchemy as sa

from lyra_zoom.database.tables import request, request_event, webhook_delivery
from lyra_zoom.jobs.durable import DurableQueue

MOST_AT_ONCE = 500
"""Requests forgotten in one transaction, so that nobody waits long for the database."""


def forget_requests(engine: sa.Engine, queue: DurableQueue, ended_before: float) -> int:
    """Delete what is kept of requests that ended before this time; returns how many.

    A request whose webhook is still being tried is kept until that is over.
    """
    delivery_over = sa.or_(
        webhook_delivery.c.request_id.is_(None),  # nobody asked for one
        webhook_delivery.c.delivered_at.is_not(None),
        webhook_delivery.c.gave_up_at.is_not(None),
    )
    old = (
        sa.select(request.c.request_id, sa.func.coalesce(webhook_delivery.c.attempts, -1))
        .outerjoin(webhook_delivery, webhook_delivery.c.request_id == request.c.request_id)
        .where(request.c.ended_at < ended_before, delivery_over)
        .limit(MOST_AT_ONCE)
    )
    with engine.connect() as connection:
        attempts = {row[0]: row[1] for row in connection.execute(old)}
    ids = list(attempts)
    if ids:
        queue.forget(attempts)
        with engine.begin() as connection:
            for table in (request_event, webhook_delivery, request):
                connection.execute(sa.delete(table).where(table.c.request_id.in_(ids)))
    return len(ids)
