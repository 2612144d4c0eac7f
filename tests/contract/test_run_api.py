"""fal's synchronous call: the output on the same connection."""

from __future__ import annotations

import threading
import time

import httpx
import pytest

from lyra_zoom.contract.queue import ErrorType
from lyra_zoom.jobs.job import failure
from tests.server import INPUT, OUTPUT, RUN, SUCCESS, RunningApi, running_api


class Worker:
    """Takes up whatever is accepted, and ends it in the same way."""

    def __init__(self, api: RunningApi, ending=SUCCESS):
        self._api = api
        self._ending = ending
        self._stop = threading.Event()
        self.seen: list[str] = []
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(5)

    def _work(self):
        while not self._stop.wait(0.02):
            for request_id in waiting(self._api):
                self.seen.append(request_id)
                if self._api.parts.requests.begin(request_id, time.time()):
                    self._api.end(request_id, self._ending)


def waiting(api: RunningApi) -> list[str]:
    with api.parts.engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT request_id FROM request WHERE started_at IS NULL AND outcome IS NULL"
        )
        return list(rows.scalars())


def until(condition, within_s=5.0):
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it did not come to pass")


def test_a_long_queue_may_be_avoided_here_too(api, client):
    api.submit()
    assert client.post(f"{RUN}?fal_max_queue_length=0", json=INPUT).status_code == 429
    assert client.post(f"{RUN}?fal_max_queue_length=-1", json=INPUT).status_code == 400


def test_the_answer_is_the_output_and_names_the_request(api, client):
    with Worker(api) as worker:
        answer = client.post(RUN, json=INPUT)
    assert (answer.status_code, answer.json()) == (200, OUTPUT)
    assert answer.headers["x-fal-request-id"] in worker.seen


def test_bad_input_is_refused_at_once_with_every_wrong_field(client):
    answer = client.post(RUN, json={"num_frames": 80})
    assert answer.status_code == 422
    assert [problem["loc"] for problem in answer.json()["detail"]] == [
        ["body", "image_url"],
        ["body", "prompt"],
        ["body", "num_frames"],
    ]


def test_a_body_wrapped_once_too_often_gets_a_hint(client):
    answer = client.post(RUN, json={"input": INPUT})
    assert "top level" in answer.json()["detail"][0]["msg"]


def test_a_failure_has_its_own_status_and_type(api, client):
    with Worker(api, failure(ErrorType.RUNNER_SERVER_ERROR, "the engine failed")):
        answer = client.post(RUN, json=INPUT)
    assert answer.status_code == 500
    assert answer.headers["x-fal-error-type"] == "runner_server_error"


def test_a_request_that_does_not_start_in_time_is_504_by_the_users_wish(client):
    answer = client.post(RUN, json=INPUT, headers={"X-Fal-Request-Timeout": "0.3"})
    assert answer.status_code == 504
    assert answer.headers["x-fal-request-timeout-type"] == "user"
    assert answer.json()["error_type"] == "request_timeout"


def test_hanging_up_cancels_the_request(api):
    with api.client(timeout=0.4) as client, pytest.raises(httpx.ReadTimeout):
        client.post(RUN, json=INPUT, headers={"Idempotency-Key": "hung-up"})
    (request_id,) = until(lambda: [i for i in ids_of(api, "hung-up") if is_over(api, i)])
    job = api.parts.requests.load(request_id)
    assert (job.outcome, job.error_type) == ("cancelled", "client_disconnected")


def ids_of(api: RunningApi, idempotency_key: str) -> list[str]:
    with api.parts.engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT request_id FROM request WHERE idempotency_key = ?", (idempotency_key,)
        )
        return list(rows.scalars())


def is_over(api: RunningApi, request_id: str) -> bool:
    return api.parts.requests.is_over(request_id)


def test_there_is_no_stream_of_outputs(client):
    assert client.post(f"{RUN}/stream", json=INPUT).status_code == 404


def test_a_server_that_stops_lets_its_callers_go(tmp_path):
    answers = []
    with running_api(tmp_path) as api:

        def call():
            with api.client() as client:
                answers.append(client.post(RUN, json=INPUT))

        caller = threading.Thread(target=call)
        caller.start()
        (request_id,) = until(lambda: waiting(api))
        until(lambda: api.parts.watcher.listeners)
    caller.join(5)
    (answer,) = answers
    assert answer.status_code == 503
    assert answer.headers["x-fal-request-id"] == request_id
