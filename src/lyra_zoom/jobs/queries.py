"""What is asked of the request table again and again, as statements that are built once.

Building one takes longer than running it, and clients ask ten times a second.
"""

from __future__ import annotations

import sqlalchemy as sa

from lyra_zoom.database.tables import request


def is_waiting(table: sa.FromClause = request) -> sa.ColumnElement[bool]:
    """Requests that nobody has begun; exactly the condition of the index of the queue."""
    return sa.and_(table.c.started_at.is_(None), table.c.outcome.is_(None))


def _place(table: sa.FromClause) -> tuple[sa.ColumnElement[object], ...]:
    """What the queue is sorted by."""
    return (table.c.priority, table.c.accepted_at, table.c.request_id)


_other = request.alias("other")

_AHEAD = (
    sa.select(sa.func.count())
    .select_from(_other)
    .where(is_waiting(_other), sa.tuple_(*_place(_other)) < sa.tuple_(*_place(request)))
    .correlate(request)
    .scalar_subquery()
)

_IS_ITS_OWNERS = sa.and_(
    request.c.request_id == sa.bindparam("request_id"),
    request.c.key_id == sa.bindparam("key_id"),
)

FIND = sa.select(request).where(_IS_ITS_OWNERS)
"""One request of one key."""

FIND_WITH_POSITION = sa.select(
    request, sa.case((is_waiting(), _AHEAD), else_=0).label("position")
).where(_IS_ITS_OWNERS)
"""The same, and how many requests will begin before it; 0 unless it waits."""

EACH = sa.select(request).where(
    request.c.request_id.in_(sa.bindparam("request_ids", expanding=True))
)
"""Many requests, whoever they belong to."""

QUEUE = sa.select(request.c.request_id).where(is_waiting()).order_by(*_place(request))
"""Who waits, in the order of the queue; for many positions, each of which would count anew."""

POSITION = (
    sa.select(_AHEAD)
    .select_from(request)
    .where(request.c.request_id == sa.bindparam("request_id"))
)
"""How many requests will begin before one."""

ACCEPT = sa.insert(request).returning(request)
"""A new request."""
