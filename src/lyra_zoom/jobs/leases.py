"""Which workers live: each says so every two seconds, and one that falls silent is dead."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import sqlalchemy as sa

from lyra_zoom.database.tables import worker_lease

BEAT_EVERY_S = 2.0
DEAD_AFTER_S = 8.0
"""Silence after which another worker may take over: four beats missed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """One worker as it described itself; `problem` says why its engine is not ready."""

    executor_id: str
    host: str
    pid: int
    engine: str
    ready: bool
    version: str
    started_at: float
    problem: str | None = None


class Leases:
    """The signs of life of all workers."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def beat(self, lease: Lease, now: float) -> None:
        """Say that this worker lives, and how it is."""
        fields = asdict(lease) | {"beat_at": now}
        mine = worker_lease.c.executor_id == lease.executor_id
        with self._engine.begin() as connection:
            known = connection.execute(sa.update(worker_lease).where(mine).values(**fields))
            if known.rowcount == 0:
                connection.execute(sa.insert(worker_lease).values(**fields))

    def find(self, executor_id: str) -> Lease | None:
        """What the worker of this name last said of itself, dead or alive."""
        mine = worker_lease.c.executor_id == executor_id
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(worker_lease).where(mine)).one_or_none()
        return None if row is None else _lease(row)

    def live(self, now: float) -> tuple[Lease, ...]:
        """The workers heard of lately."""
        with self._engine.connect() as connection:
            rows = connection.execute(
                sa.select(worker_lease)
                .where(worker_lease.c.beat_at >= now - DEAD_AFTER_S)
                .order_by(worker_lease.c.executor_id)
            )
            return tuple(_lease(row) for row in rows)

    def beats(self) -> dict[str, float]:
        """When each worker that has a lease was last heard of, by its own clock."""
        columns = worker_lease.c.executor_id, worker_lease.c.beat_at
        with self._engine.connect() as connection:
            return {row[0]: row[1] for row in connection.execute(sa.select(*columns))}

    def forget(self, executor_id: str) -> None:
        """Remove a worker that stopped in good order, or whose work was taken over."""
        with self._engine.begin() as connection:
            connection.execute(
                sa.delete(worker_lease).where(worker_lease.c.executor_id == executor_id)
            )


def _lease(row: sa.Row[tuple[object, ...]]) -> Lease:
    fields = dict(row._mapping)  # the documented way to a row's columns
    del fields["beat_at"]
    return Lease(**fields)
