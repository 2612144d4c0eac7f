"""What workers do for all: take over from the dead, and remove what nobody needs any more."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lyra_zoom.database.open import migrate, open_database
from lyra_zoom.jobs.durable import DurableQueue
from lyra_zoom.jobs.leases import Lease, Leases
from lyra_zoom.jobs.requests import Requests
from lyra_zoom.settings import Settings
from lyra_zoom.storage.files import DAY_S, Files, NewFile
from lyra_zoom.storage.objects import open_objects
from lyra_zoom.storage.uploads import Uploads
from lyra_zoom.worker.housekeeping import Household, Housekeeping

PART = NewFile(key_id="anna", file_name="a.bin", content_type="application/octet-stream")


@pytest.fixture
def household(tmp_path: Path) -> Iterator[Household]:
    engine = open_database(Settings(data=tmp_path).database)
    migrate(engine)
    queue = DurableQueue(engine)
    queue.migrate()
    objects = open_objects(Settings(data=tmp_path))
    files = Files(engine, objects, DAY_S)
    yield Household(
        engine=engine,
        queue=queue,
        requests=Requests(engine, queue),
        leases=Leases(engine),
        files=files,
        uploads=Uploads(engine, objects, files, 1000),
        objects=objects,
        keep_s=DAY_S,
    )
    engine.dispose()


@pytest.fixture
def housekeeping(household: Household) -> Housekeeping:
    return Housekeeping(household, "me", lambda executor_ids: None)


def put_part(household: Household, opened_at: float) -> None:
    upload = household.uploads.open(PART, opened_at)
    with household.uploads.landing() as landing:
        landing.write(b"part")
        household.uploads.put_part(upload, 1, landing)


def keys(household: Household, folder: str) -> list[str]:
    return [facts.key for facts in household.objects.list(folder)]


def age(data: Path, days: float) -> None:
    """Let every object have been written so long ago."""
    then = time.time() - days * DAY_S
    for path in (data / "objects").rglob("*"):
        if path.is_file():
            os.utime(path, (then, then))


def test_the_parts_of_an_upload_that_was_given_up_are_removed(
    household: Household, housekeeping: Housekeeping
):
    put_part(household, opened_at=time.time() - 2 * DAY_S)
    put_part(household, opened_at=time.time())
    housekeeping.tidy()
    assert len(keys(household, "uploads")) == 1


def test_a_file_whose_time_is_over_is_removed(household: Household, housekeeping: Housekeeping):
    household.files.keep(b"old", PART, time.time() - 2 * DAY_S)
    household.files.keep(b"new", PART, time.time())
    housekeeping.tidy()
    assert len(keys(household, "files")) == 1


def test_what_belongs_to_nothing_is_removed_days_later(
    household: Household, housekeeping: Housekeeping, tmp_path: Path
):
    for key in ("uploads/gone/1-x", "files/lost", "work/no-request/photo"):
        household.objects.put_bytes(key, b"left behind")
    kept = household.files.keep(b"a film", PART, time.time())
    housekeeping.remove_orphans()
    assert len(keys(household, "uploads") + keys(household, "work")) == 2, "it may be new"
    age(tmp_path, days=3)
    housekeeping.remove_orphans()
    assert keys(household, "uploads") + keys(household, "work") == []
    assert keys(household, "files") == [kept.object_key]


@pytest.mark.parametrize("jump_s", [DAY_S, -DAY_S])
def test_a_clock_that_jumps_a_day_has_nobody_taken_over(household: Household, jump_s: float):
    taken_over: list[str] = []
    housekeeping = Housekeeping(household, "me", taken_over.extend)
    for jumped_s in (0, 0, jump_s, jump_s, 0):
        now = time.time() + jumped_s
        other = Lease(
            executor_id="other",
            host="there",
            pid=1,
            engine="embedded",
            ready=True,
            version="0",
            started_at=now,
        )
        household.leases.beat(other, now)
        housekeeping.look()
    assert taken_over == []
    assert household.leases.beats().keys() == {"other"}
