"""What is asked of the queue engine's own tables; on SQLite and on PostgreSQL."""

from __future__ import annotations

import sqlalchemy as sa

from lyra_zoom.jobs.durable import DurableQueue


def given_to(executor_id: str, engine: sa.Engine, queue: DurableQueue) -> None:
    """Queue a request and let this executor be running it."""
    schema = "" if engine.dialect.name == "sqlite" else "dbos."
    with engine.begin() as connection:
        queue.enqueue_zoom(connection, f"request-of-{executor_id}", priority=0)
        connection.execute(
            sa.text(
                f"UPDATE {schema}workflow_status SET status = 'PENDING', executor_id = :name "
                "WHERE workflow_uuid = :workflow"
            ),
            {"name": executor_id, "workflow": f"request-of-{executor_id}"},
        )


def test_only_who_runs_something_is_an_owner(engine: sa.Engine, queue: DurableQueue):
    given_to("busy", engine, queue)
    given_to("done", engine, queue)
    queue.cancel(["request-of-done"])
    with engine.begin() as connection:
        queue.enqueue_zoom(connection, "waiting", priority=0)
    assert queue.owners() == {"busy"}


def test_on_sqlite_owners_are_found_by_an_index(engine: sa.Engine, queue: DurableQueue):
    if engine.dialect.name != "sqlite":
        return  # PostgreSQL chooses by what is in the table
    asked: list[str] = []
    sa.event.listen(engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    queue.owners()
    with engine.connect() as connection:
        plan = str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked[0]}").all())
    assert "idx_workflow_status_pending" in plan
