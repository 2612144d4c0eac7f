"""Events, leases and keys; on SQLite and on PostgreSQL."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa

from lyra_zoom.jobs.events import Events
from lyra_zoom.jobs.keys import Keys
from lyra_zoom.jobs.leases import DEAD_AFTER_S, Lease, Leases

NOW = 1_790_000_000.0
LEASE = Lease(
    executor_id="local-0",
    host="here",
    pid=1,
    engine="embedded",
    ready=True,
    version="0.1.0",
    started_at=NOW,
)


def test_lines_are_numbered_and_read_from_any_number_on(engine: sa.Engine):
    events = Events(engine)
    numbers = [events.append("a", f"line {index}", NOW + index) for index in range(3)]
    assert numbers == [0, 1, 2]
    assert [event.message for event in events.since("a", after=0)] == ["line 1", "line 2"]


def test_lines_of_many_requests_are_read_at_once(engine: sa.Engine):
    events = Events(engine)
    for request_id in ("a", "b", "c"):
        events.append(request_id, f"of {request_id}", NOW)
    found = events.since_each({"a": -1, "b": 0, "c": -1})
    assert {request_id: lines[0].message for request_id, lines in found.items()} == {
        "a": "of a",
        "c": "of c",
    }


def test_lines_of_very_many_requests_are_read_at_once(engine: sa.Engine):
    events = Events(engine)
    events.append("r1999", "the last", NOW)
    assert events.since_each({f"r{n}": -1 for n in range(2000)}).keys() == {"r1999"}


def test_a_line_stays_one_line(engine: sa.Engine):
    events = Events(engine)
    events.append("a", "said\r\n2026-01-01 fake line\n", NOW)
    assert events.since("a")[0].message == "said 2026-01-01 fake line"


def test_a_worker_lives_while_it_beats(engine: sa.Engine):
    leases = Leases(engine)
    leases.beat(LEASE, NOW)
    leases.beat(LEASE, NOW + 5)
    assert leases.live(NOW + 5 + DEAD_AFTER_S) == (LEASE,)


def test_a_silent_worker_does_not_live(engine: sa.Engine):
    leases = Leases(engine)
    leases.beat(LEASE, NOW)
    assert leases.live(NOW + DEAD_AFTER_S + 0.1) == ()
    assert leases.beats() == {"local-0": NOW}, "others may take over its work"
    leases.forget("local-0")
    assert leases.beats() == {}


def test_a_key_opens_what_it_was_made_for(engine: sa.Engine):
    keys = Keys(engine)
    new = keys.create("laptop", NOW)
    assert keys.verify(new.key) == new.key_id
    assert new.key not in repr(new)


def test_no_other_key_opens(engine: sa.Engine):
    keys = Keys(engine)
    new = keys.create("laptop", NOW)
    wrong = ("", ":", new.key_id, f"{new.key_id}:", new.key + "x", new.key[:-1], "lz-0:x")
    assert [keys.verify(key) for key in wrong] == [None] * len(wrong)


def test_a_revoked_key_opens_nothing(engine: sa.Engine):
    keys = Keys(engine)
    new = keys.create("laptop", NOW)
    assert keys.revoke(new.key_id, NOW)
    assert not keys.revoke(new.key_id, NOW)
    assert keys.verify(new.key) is None


def test_the_operators_own_keys_open_too(engine: sa.Engine):
    keys = Keys(engine, extra=("secret-one", "two:parts"))
    assert keys.verify("two:parts")
    assert keys.verify("secret-one") != keys.verify("two:parts")


def test_the_name_of_an_operators_own_key_is_the_same_everywhere_and_no_plain_hash_of_it(
    engine: sa.Engine,
):
    first, second = (Keys(engine, extra=("hunter2",)).verify("hunter2") for _ in range(2))
    assert first
    assert first == second
    assert first.removeprefix("env-") not in hashlib.sha256(b"hunter2").hexdigest()


def test_keys_are_not_stored(engine: sa.Engine):
    new = Keys(engine).create("laptop", NOW)
    with engine.connect() as connection:
        rows = str(connection.execute(sa.text("SELECT * FROM api_key")).all())
    assert new.key.split(":")[1] not in rows
