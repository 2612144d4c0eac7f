"""Two APIs and three workers on PostgreSQL and a bucket are one service."""

from __future__ import annotations

import contextlib
import json
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass

import fal_client
import httpx
import obstore
import pytest
import sqlalchemy as sa
from obstore.store import S3Store

from lyra_zoom.database.open import open_database
from tests.buckets import new_bucket, s3_environment
from tests.cluster import Api, Worker, clean_environment, seconds_until
from tests.databases import new_database
from tests.official_clients import (
    ENDPOINT,
    MAY_LEAVE_CONNECTIONS,
    PHOTOGRAPH,
    ZOOM,
    facts_of,
)
from tests.receivers import receiving
from tests.service import KEY

pytestmark = [pytest.mark.slow, MAY_LEAVE_CONNECTIONS]


@dataclass(frozen=True, slots=True)
class Cluster:
    """The machines, and what they stand on."""

    apis: tuple[Api, Api]
    workers: list[Worker]
    database_url: str
    bucket: str

    def worker_of(self, request_id: str) -> Worker:
        """The one that works on a request."""
        found: list[Worker] = []

        def look() -> list[Worker]:
            found[:] = [worker for worker in self.workers if worker.has(request_id)]
            return found

        seconds_until(look)
        return found[0]

    def objects(self, folder: str) -> set[str]:
        """Keys below a folder of the bucket."""
        store = S3Store(
            self.bucket,
            endpoint=s3_environment()["AWS_ENDPOINT_URL"],
            access_key_id="test",
            secret_access_key="test",
            region="us-east-1",
            client_options={"allow_http": True},
        )
        return {meta["path"] for meta in obstore.list(store, f"zoom/{folder}").collect()}

    def segments(self, request_id: str) -> set[str]:
        """The finished chunks that wait to be joined."""
        return {key for key in self.objects(f"work/{request_id}") if key.endswith(".mp4")}

    def column(self, query: str) -> list[object]:
        """One column of the database."""
        engine = open_database(self.database_url)
        with engine.connect() as connection:
            rows = list(connection.execute(sa.text(query)).scalars())
        engine.dispose()
        return rows


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What every machine is told."""
    folder = tmp_path_factory.mktemp("database")
    return (
        clean_environment(
            {
                "database_url": new_database("postgresql", folder),
                "storage_url": f"s3://{new_bucket()}/zoom",
                "api_keys": KEY,
                "allow_private_webhooks": "1",
            }
        )
        | s3_environment()
    )


@pytest.fixture(scope="module")
def cluster(
    environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """Two APIs and three workers, each with a data folder of its own."""
    folder = tmp_path_factory.mktemp("machines")
    apis = Api(folder / "api-a", environment), Api(folder / "api-b", environment)
    workers = [
        Worker(folder / f"worker-{number}", f"machine-{number}", environment)
        for number in range(3)
    ]
    try:
        for api in apis:
            api.wait_until_ready()
        seconds_until(lambda: httpx.get(f"{apis[0].url}/readyz").status_code == 200)
        yield Cluster(
            apis,
            workers,
            environment["LYRA_ZOOM_DATABASE_URL"],
            environment["LYRA_ZOOM_STORAGE_URL"].split("/")[2],
        )
    finally:
        statuses = [machine.stop() for machine in (*workers, *apis)]
        for machine in (*workers, *apis):
            print(machine.data.parent.name, machine.said()[-1500:])
    assert set(statuses) <= {0, -signal.SIGKILL}


@pytest.fixture
def apis(cluster: Cluster) -> tuple[Api, Api]:
    return cluster.apis


def assert_nothing_is_left(cluster: Cluster) -> None:
    """No files between steps, no scratch, no lease of a worker that is gone."""
    seconds_until(lambda: not cluster.objects("work"))
    seconds_until(lambda: not any(is_busy(worker) for worker in cluster.workers))
    alive = {worker.name for worker in cluster.workers if worker.process.poll() is None}
    assert set(cluster.column("SELECT executor_id FROM worker_lease")) <= alive
    landings = [path for api in cluster.apis for path in api.data.glob("incoming/*")]
    assert landings == []


def is_busy(worker: Worker) -> bool:
    if worker.process.poll() is not None:
        return False
    return any(path.is_dir() for path in (worker.data / "scratch").glob("*/*"))


def test_one_api_answers_for_what_another_accepted(apis: tuple[Api, Api]):
    first, second = apis
    request_id = first.submit()
    with second.http.stream(
        "GET", f"/queue/fal-ai/lyra-2/requests/{request_id}/status/stream", params={"logs": 1}
    ) as stream:
        events = [
            json.loads(line.removeprefix("data: "))
            for line in stream.iter_lines()
            if line.startswith("data: ")
        ]
    words = [event["status"] for event in events]
    assert words == sorted(words, key=["IN_QUEUE", "IN_PROGRESS", "COMPLETED"].index)
    answers = [api.result(request_id).json() for api in apis]
    assert answers[0] == answers[1]
    path = httpx.URL(answers[0]["video"]["url"]).path
    films = [api.http.get(path).content for api in apis]
    assert facts_of(films[0])["num_frames"] == 81
    assert films[0] == films[1]


def test_fals_client_may_change_the_api_between_calls(
    apis: tuple[Api, Api], monkeypatch: pytest.MonkeyPatch
):
    first, second = apis
    client = fal_client.SyncClient(key=KEY)
    with contextlib.closing(client._client):
        for name, path in (("REST_URL", "/rest"), ("CDN_URL", "/cdn")):
            monkeypatch.setattr(fal_client.client, name, first.url + path)
        photograph = client.upload(PHOTOGRAPH, "image/jpeg", "harbour.jpg")
        monkeypatch.setattr(fal_client.client, "QUEUE_URL_FORMAT", f"{first.url}/queue/")
        handle = client.submit(ENDPOINT, ZOOM | {"image_url": photograph})
        monkeypatch.setattr(fal_client.client, "QUEUE_URL_FORMAT", f"{second.url}/queue/")
        seconds_until(
            lambda: isinstance(client.status(ENDPOINT, handle.request_id), fal_client.Completed)
        )
        assert client.result(ENDPOINT, handle.request_id)["video"]["num_frames"] == 81


def test_three_workers_take_three_requests(cluster: Cluster):
    first, second = cluster.apis
    ids = [first.submit(num_frames=161), second.submit(num_frames=161), first.submit()]
    assert len({cluster.worker_of(request_id).name for request_id in ids}) == 3
    assert [second.result(request_id).status_code for request_id in ids] == [200] * 3


def test_a_cancel_at_one_api_stops_a_worker_somewhere(cluster: Cluster):
    first, second = cluster.apis
    request_id = first.submit(num_frames=481)
    worker = cluster.worker_of(request_id)
    assert second.cancel(request_id).status_code == 202
    stopped_s = seconds_until(lambda: not worker.has(request_id))
    print(f"the worker was free {stopped_s:.2f} s after the cancel")
    assert first.result(request_id).status_code == 499
    assert_nothing_is_left(cluster)


def test_a_worker_that_was_only_frozen_gives_no_second_answer(cluster: Cluster):
    first, second = cluster.apis
    with receiving() as receiver:
        request_id = first.submit(webhook=f"{receiver.url}/hook", num_frames=161)
        frozen = cluster.worker_of(request_id)
        seconds_until(lambda: cluster.segments(request_id))
        frozen.send(signal.SIGSTOP)
        began = time.monotonic()
        try:
            seconds_until(
                lambda: "goes on after an interruption: attempt 2" in first.lines(request_id)
            )
            print(f"taken over after {time.monotonic() - began:.2f} s")
            seconds_until(lambda: time.monotonic() - began > 12)
        finally:
            frozen.send(signal.SIGCONT)
        answer = second.result(request_id)
        seconds_until(lambda: receiver.received)
        seconds_until(lambda: not frozen.has(request_id))
        time.sleep(2)  # for a second answer, if there were one
        assert first.result(request_id).text == answer.text
        assert answer.status_code == 200
        assert len({received.body for received in receiver.received}) == 1
    assert_nothing_is_left(cluster)
    assert frozen.process.poll() is None
    ids = [first.submit(num_frames=161) for _ in range(3)]
    assert frozen.name in {cluster.worker_of(each).name for each in ids}, "it works again"
    for each in ids:
        first.cancel(each)
    assert_nothing_is_left(cluster)


def test_a_killed_machine_costs_at_most_a_chunk(cluster: Cluster):
    first, second = cluster.apis
    with receiving() as receiver:
        request_id = first.submit(webhook=f"{receiver.url}/hook", num_frames=161)
        victim = cluster.worker_of(request_id)
        seconds_until(lambda: cluster.segments(request_id))
        chunks = cluster.segments(request_id)
        told = len(first.percents(request_id))
        victim.send(signal.SIGKILL)
        victim.process.wait()
        began = time.monotonic()
        cluster.workers.remove(victim)
        seconds_until(
            lambda: "goes on after an interruption: attempt 2" in second.lines(request_id)
        )
        print(f"taken over {time.monotonic() - began:.2f} s after the death")
        seconds_until(lambda: len(second.percents(request_id)) > told + 1)
        assert chunks <= cluster.segments(request_id), "the first chunk was not thrown away"
        answer = first.result(request_id)
        percents = second.percents(request_id)
        assert min(percents[told + 1 :]) >= 40, "the first chunk was not drawn again"
        film = first.http.get(httpx.URL(answer.json()["video"]["url"]).path).content
        assert facts_of(film)["num_frames"] == 161
        assert second.result(request_id).text == answer.text
        seconds_until(lambda: receiver.received)
        time.sleep(1)
        (received,) = receiver.received
        assert json.loads(received.body)["payload"] == answer.json()
    assert_nothing_is_left(cluster)


def test_a_killed_api_is_no_loss(cluster: Cluster):
    first, second = cluster.apis
    request_id = first.submit()
    first.send(signal.SIGKILL)
    first.process.wait()
    assert second.result(request_id).status_code == 200


def test_each_process_keeps_few_connections(cluster: Cluster):
    """What the manual says of `max_connections` rests on this."""
    count = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    (connections,) = cluster.column(count)
    processes = [*cluster.workers, *(api for api in cluster.apis if api.process.poll() is None)]
    print(f"{connections} connections of {len(processes)} processes, one of them ours")
    assert int(str(connections)) <= 1 + 8 * len(processes)
