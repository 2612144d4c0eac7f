"""What a client reads of the progress of a request, through all its attempts."""

from __future__ import annotations

import sqlalchemy as sa

from lyra_zoom.jobs.events import Events
from lyra_zoom.worker.engine_messages import Progressed
from lyra_zoom.worker.log_lines import LINE_EVERY_S, LogLines


class Attempt:
    """One worker that writes lines, each long enough after the one before."""

    def __init__(self, database: sa.Engine, request_id: str) -> None:
        self._now_s = 0.0
        self._lines = LogLines(Events(database), request_id, lambda: self._now_s)

    def reach(self, *fractions: float, stage: str = "drawing frames") -> None:
        for fraction in fractions:
            self._now_s += LINE_EVERY_S
            self._lines.progressed(Progressed(stage=stage, fraction=fraction))

    def say(self, message: str) -> None:
        self._lines.say(message, "WARN")


def lines(database: sa.Engine, request_id: str) -> list[str]:
    return [event.message for event in Events(database).since(request_id)]


def test_the_percentage_stays_until_another_worker_has_caught_up(engine: sa.Engine):
    Attempt(engine, "a").reach(0.2, 0.62)
    other = Attempt(engine, "a")
    other.say("goes on after an interruption: attempt 2")
    other.reach(0.1, stage="seeing depth")
    other.reach(0.3, 0.5, 0.7)
    assert lines(engine, "a") == [
        "20% drawing frames",
        "62% drawing frames",
        "goes on after an interruption: attempt 2",
        "62% seeing depth",
        "62% drawing frames",
        "70% drawing frames",
    ]


def test_the_percentage_stays_until_another_engine_has_caught_up(engine: sa.Engine):
    worker = Attempt(engine, "a")
    worker.reach(0.62, 0.3, 0.7)
    assert lines(engine, "a") == ["62% drawing frames", "70% drawing frames"]


def test_requests_have_their_own_percentages(engine: sa.Engine):
    Attempt(engine, "a").reach(0.62)
    Attempt(engine, "b").reach(0.1)
    assert lines(engine, "b") == ["10% drawing frames"]


def test_what_was_said_besides_is_no_percentage(engine: sa.Engine):
    before = Attempt(engine, "a")
    before.reach(0.2)
    before.say("more would stretch 90% of a frame")
    Attempt(engine, "a").reach(0.3)
    assert lines(engine, "a")[-1] == "30% drawing frames"


def test_nothing_is_written_before_the_database_can_tell_how_far_it_was(engine: sa.Engine):
    Attempt(engine, "a").reach(0.62)
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE request_event RENAME TO elsewhere"))
    other = Attempt(engine, "a")
    other.reach(0.1)
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE elsewhere RENAME TO request_event"))
    other.reach(0.2)
    assert lines(engine, "a") == ["62% drawing frames", "62% drawing frames"]
