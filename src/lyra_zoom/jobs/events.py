"""What the work on a request says: numbered lines, which any process can read."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from lyra_zoom.database.tables import request_event

MOST_CHARACTERS = 2_000
"""Of one line; what is longer is cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line; `at` is in seconds since 1970, `level` one of fal's log levels."""

    number: int
    at: float
    level: str
    message: str


class Events:
    """The lines of all requests."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def append(self, request_id: str, message: str, now: float, level: str = "INFO") -> int:
        """Add a line and return its number; one writer per request at a time."""
        last = (
            sa.select(sa.func.coalesce(sa.func.max(request_event.c.number), -1) + 1)
            .where(request_event.c.request_id == request_id)
            .scalar_subquery()
        )
        line = " ".join(message.split())[:MOST_CHARACTERS]
        with self._engine.begin() as connection:
            number: int = connection.execute(
                sa.insert(request_event)
                .values(request_id=request_id, number=last, at=now, level=level, message=line)
                .returning(request_event.c.number)
            ).scalar_one()
        return number

    def since(self, request_id: str, after: int = -1) -> tuple[Event, ...]:
        """The lines with numbers larger than `after`, in order."""
        with self._engine.connect() as connection:
            return _newer(connection, request_id, after)

    def since_each(self, after: dict[str, int]) -> dict[str, tuple[Event, ...]]:
        """The new lines of many requests at once, by request; none is no entry."""
        with self._engine.connect() as connection:
            last = connection.execute(_LAST, {"request_ids": list(after)}).all()
            new = [request_id for request_id, number in last if number > after[request_id]]
            return {
                request_id: _newer(connection, request_id, after[request_id])
                for request_id in new
            }


_NEWER = (  # built once: it is asked ten times a second
    sa.select(request_event)
    .where(
        request_event.c.request_id == sa.bindparam("request_id"),
        request_event.c.number > sa.bindparam("after"),
    )
    .order_by(request_event.c.number)
)

_LAST = (
    sa.select(request_event.c.request_id, sa.func.max(request_event.c.number))
    .where(request_event.c.request_id.in_(sa.bindparam("request_ids", expanding=True)))
    .group_by(request_event.c.request_id)
)
"""How far each of many requests is: few of them have said anything since."""


def _newer(connection: sa.Connection, request_id: str, after: int) -> tuple[Event, ...]:
    rows = connection.execute(_NEWER, {"request_id": request_id, "after": after})
    return tuple(_event(row) for row in rows)


def _event(row: sa.Row[tuple[object, ...]]) -> Event:
    return Event(number=row.number, at=row.at, level=row.level, message=row.message)
