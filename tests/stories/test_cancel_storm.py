"""Two hundred requests, each cancelled at a moment of its own, leave nothing behind."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
import sqlalchemy as sa

from lyra_zoom.database.open import open_database
from lyra_zoom.settings import Settings
from tests.cluster import Api, Worker, clean_environment, seconds_until
from tests.service import KEY

pytestmark = pytest.mark.slow

SUBMITS = 200
AT_ONCE = 8
WORKERS = 2
LONGEST_WAIT_S = 1.5
"""Long enough for some to be cancelled in the queue, some while drawn, some at their end."""


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[tuple[Api, list[Worker]]]:
    """An API and two workers on one data folder."""
    environment = clean_environment({"api_keys": KEY, "data": str(tmp_path / "data")})
    api = Api(tmp_path / "api", environment)
    api.wait_until_ready()
    workers = [
        Worker(tmp_path / name, name, environment, kind="still")
        for name in map("local-{}".format, range(WORKERS))
    ]
    seconds_until(lambda: httpx.get(f"{api.url}/readyz").status_code == 200)
    yield api, workers
    assert [machine.stop() for machine in (*workers, api)] == [0] * (WORKERS + 1)


class Storm:
    """Clients that submit and change their minds; `answers` counts what cancels were told."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._todo = iter(range(SUBMITS))
        self._lock = threading.Lock()
        self.ids: list[str] = []
        self.answers: Counter[int] = Counter()
        self.problems: list[BaseException] = []

    def rage(self) -> None:
        """Submit and cancel all of them."""
        clients = [threading.Thread(target=self._client, args=(n,)) for n in range(AT_ONCE)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        assert not self.problems, self.problems

    def _client(self, number: int) -> None:
        chance = random.Random(number)
        try:
            while self._take():
                request_id = self._api.submit()
                time.sleep(chance.uniform(0, LONGEST_WAIT_S))
                status_code = self._api.cancel(request_id).status_code
                with self._lock:
                    self.ids.append(request_id)
                    self.answers[status_code] += 1
        except BaseException as error:  # noqa: BLE001  # a thread's failure is the test's
            self.problems.append(error)

    def _take(self) -> bool:
        with self._lock:
            return next(self._todo, None) is not None


def rows(data: Path, query: str) -> list[object]:
    engine = open_database(Settings(data=data).database)
    with engine.connect() as connection:
        found = list(connection.execute(sa.text(query)).scalars())
    engine.dispose()
    return found


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.name != ".lock"]


def test_two_hundred_cancels_leave_nothing_behind(machines: tuple[Api, list[Worker]]):
    api, workers = machines
    children = [
        len(psutil.Process(one.process.pid).children(recursive=True)) for one in workers
    ]
    storm = Storm(api)
    storm.rage()
    print(f"cancels were answered {dict(storm.answers)}")
    assert set(storm.answers) <= {202, 400}
    assert storm.answers[202] > SUBMITS / 4
    results = Counter(api.result(request_id).status_code for request_id in storm.ids)
    assert results == {499: storm.answers[202], 200: storm.answers[400]}
    data = workers[0].data
    folders = [data / "scratch", data / "objects" / "work", data / "objects" / ".incoming"]
    seconds_until(lambda: not any(files_below(folder) for folder in folders))
    films = files_below(data / "objects" / "files")
    assert len(films) == storm.answers[400], "a film for each that was faster than its cancel"
    assert len(rows(data, "SELECT file_id FROM stored_file")) == len(films)
    assert rows(data, "SELECT body FROM request_input") == []
    assert sorted(map(str, rows(data, "SELECT executor_id FROM worker_lease"))) == [
        worker.name for worker in workers
    ]
    open_states = "SELECT status FROM workflow_status WHERE status IN ('ENQUEUED', 'PENDING')"
    seconds_until(lambda: rows(data, open_states) == [])
    now = [len(psutil.Process(one.process.pid).children(recursive=True)) for one in workers]
    assert now == children == [1] * WORKERS
    assert api.result(api.submit()).status_code == 200
