"""A disk that is full or read-only and a damaged database are named, and survived."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from lyra_zoom.contract.zoom import ENDPOINT_ID
from lyra_zoom.database.open import migrate, open_database
from lyra_zoom.settings import Settings
from tests.cluster import Api, Worker, clean_environment, seconds_until
from tests.official_clients import ZOOM, facts_of
from tests.service import KEY
from tests.small_disk import SmallDisk, small_disk

pytestmark = pytest.mark.slow


@dataclass(frozen=True, slots=True)
class OnSmallDisk:
    """An API and a worker whose data folder is on a small disk."""

    disk: SmallDisk
    api: Api
    worker: Worker


@pytest.fixture
def served(tmp_path: Path) -> Iterator[OnSmallDisk]:
    with small_disk(tmp_path / "disk") as disk:
        environment = clean_environment({"api_keys": KEY, "data": str(disk.folder / "data")})
        api = Api(tmp_path / "api", environment)
        api.wait_until_ready()
        worker = Worker(tmp_path / "worker", "local-0", environment)
        seconds_until(lambda: httpx.get(f"{api.url}/readyz").status_code == 200)
        try:
            yield OnSmallDisk(disk, api, worker)
        finally:
            statuses = worker.stop(), api.stop()
            print(worker.said()[-3000:], api.said()[-3000:])
        assert statuses == (0, 0)


def post(api: Api) -> httpx.Response:
    return api.http.post(f"/queue/{ENDPOINT_ID}", json=ZOOM)


def assert_it_works_again(served: OnSmallDisk) -> None:
    answer = served.api.result(served.api.submit())
    assert answer.status_code == 200, answer.text
    film = served.api.http.get(httpx.URL(answer.json()["video"]["url"]).path).content
    assert facts_of(film)["num_frames"] == 81


def test_a_full_disk_refuses_submits_until_there_is_room(served: OnSmallDisk):
    served.disk.fill()
    answer = post(served.api)
    assert (answer.status_code, answer.json()["error_type"]) == (503, "internal_error")
    assert int(answer.headers["retry-after"]) > 0
    served.disk.make_room()
    assert_it_works_again(served)


def test_a_full_disk_refuses_uploads_until_there_is_room(served: OnSmallDisk):
    headers = {"X-Fal-File-Name": "a.bin", "Content-Type": "application/octet-stream"}
    opened = served.api.http.post(
        "/rest/storage/upload/initiate",
        params={"storage_type": "fal-cdn-v3"},
        json={"file_name": "a.bin", "content_type": "application/octet-stream"},
    ).json()
    path = httpx.URL(opened["upload_url"]).raw_path.decode()
    served.disk.fill()
    refused = served.api.http.put(path, content=bytes(2**20), headers=headers)
    assert refused.status_code == 503
    assert "storage" in httpx.get(f"{served.api.url}/readyz").text
    served.disk.make_room()
    taken = served.api.http.put(path, content=bytes(2**20), headers=headers)
    assert taken.status_code == 200, taken.text
    assert httpx.get(f"{served.api.url}/readyz").status_code == 200


def test_a_disk_that_is_full_for_a_while_costs_a_running_request_nothing(served: OnSmallDisk):
    request_id = served.api.submit(num_frames=161)
    seconds_until(lambda: served.api.percents(request_id))
    served.disk.fill()
    assert served.api.status(request_id)["status"] == "IN_PROGRESS"
    time.sleep(4)
    served.disk.make_room()
    answer = served.api.result(request_id)
    assert answer.status_code == 200, answer.text
    assert_it_works_again(served)
    assert list((served.disk.folder / "data" / "objects" / "work").rglob("*.mp4")) == []


def test_a_disk_that_can_only_be_read_is_named(tmp_path: Path):
    with small_disk(tmp_path / "disk") as disk:
        disk.allow_writing(False)
        ended = said_by_failing(disk.folder / "data")
    assert ended.returncode == 1
    assert "cannot write to the data folder" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_a_damaged_database_is_refused_with_advice(tmp_path: Path):
    (tmp_path / "lyra-zoom.sqlite").write_bytes(b"no database at all" * 1000)
    ended = said_by_failing(tmp_path)
    assert ended.returncode == 3
    assert "restore it from a backup, or move it away" in ended.stderr
    assert ended.stderr.count("damaged") == 1, "not again and again"


def test_the_database_of_a_newer_version_is_refused(tmp_path: Path):
    engine = open_database(Settings(data=tmp_path).database)
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    ended = said_by_failing(tmp_path)
    assert ended.returncode == 3
    assert "written by a newer version" in ended.stderr


def said_by_failing(data: Path) -> subprocess.CompletedProcess[str]:
    """What a server says that cannot start."""
    return subprocess.run(
        [sys.executable, "-m", "lyra_zoom", "serve", "--port", "0", "--data", str(data)],
        capture_output=True,
        text=True,
        env=clean_environment({}),
        timeout=30,
    )
