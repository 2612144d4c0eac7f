"""Any order of what clients and workers do with requests, checked against a model.

The model is what the protocol promises: statuses never go back, there is one answer, positions
count who is ahead, and another key sees nothing. Whatever a client does goes over HTTP; what a
worker does goes to the store, as a worker's would.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, rule, run_state_machine_as_test

from lyra_zoom.contract.queue import ErrorType
from lyra_zoom.jobs.job import ATTEMPTS, Ending, Outcome, cancelled, failure
from tests.fuzz.rules import LONGEST_ANSWER_S, breach_of_body
from tests.fuzz.standin import waiting
from tests.server import INPUT, SUBMIT, SUCCESS, RunningApi, running_api

REQUESTS = "/queue/fal-ai/lyra-2/requests"
STEPS = 40

WAITING, RUNNING, OVER = "IN_QUEUE", "IN_PROGRESS", "COMPLETED"

PATIENCE_S = 1000
"""A start timeout that only runs out when the model says that time has passed."""

REFUSED = Ending(
    outcome=Outcome.FAILED, status=422, body={"detail": []}, error="Invalid status code: 422"
)
BROKEN = failure(ErrorType.RUNNER_SERVER_ERROR, "The engine could not do its work.")


@dataclass(slots=True)
class Expected:
    """What has to be true of one request; `number` is its place in the order of submits."""

    request_id: str
    number: int
    is_low: bool = False
    has_timeout: bool = False
    status: str = WAITING
    attempts: int = 0
    lines: int = 0
    result_status: int | None = None
    error_type: str | None = None
    result: bytes | None = None  # the first that was seen

    def end(self, result_status: int, error_type: str | None = None) -> None:
        """The one answer is known from here on."""
        assert self.status != OVER
        self.status, self.result_status, self.error_type = OVER, result_status, error_type


class Requests(RuleBasedStateMachine):
    """Clients with two keys, and workers."""

    known = Bundle("known")

    def __init__(self, api: RunningApi, mine: httpx.Client, theirs: httpx.Client) -> None:
        super().__init__()
        self._api, self._store = api, api.parts.requests
        self._mine, self._theirs = mine, theirs
        self._all: list[Expected] = []
        self._named: dict[str, Expected] = {}
        self._run = time.monotonic_ns()
        for left_over in waiting(api):  # by a run that failed
            self._store.end(left_over, cancelled(), time.time())

    @rule(target=known, is_low=st.booleans(), has_timeout=st.booleans())
    def submit(self, is_low: bool, has_timeout: bool) -> Expected:
        headers = {"X-Fal-Queue-Priority": "low"} if is_low else {}
        headers |= {"X-Fal-Request-Timeout": str(PATIENCE_S)} if has_timeout else {}
        request = self._submit(headers, is_low)
        request.has_timeout = has_timeout
        return request

    @rule(target=known, name=st.sampled_from(["one", "two"]))
    def submit_under_a_name(self, name: str) -> Expected:
        """The same name again is the same request, whatever has become of it."""
        headers = {"Idempotency-Key": f"{name} {self._run}"}
        if name not in self._named:
            self._named[name] = self._submit(headers)
            return self._named[name]
        answer = self._ask("POST", SUBMIT, 200, headers=headers, json=INPUT)
        assert answer.json()["request_id"] == self._named[name].request_id
        return self._named[name]

    @rule(target=known)
    def submit_in_a_hurry(self) -> Expected:
        """Nobody begins in time, and whoever asks is told so, with no worker there."""
        request = self._submit({"X-Fal-Request-Timeout": "0.11"})
        time.sleep(0.12)
        request.end(504, "request_timeout")
        self.ask_for_the_status(request, with_logs=False)
        return request

    @rule(request=known, with_logs=st.booleans())
    def ask_for_the_status(self, request: Expected, with_logs: bool) -> None:
        expected = 200 if request.status == OVER else 202
        flag = "1" if with_logs else "0"
        answer = self._ask("GET", f"{_at(request)}/status?logs={flag}", expected, request)
        self._check(request, answer.json(), with_logs)

    @rule(request=known)
    def open_the_stream(self, request: Expected) -> None:
        """The first event tells what the status tells."""
        with self._mine.stream("GET", f"{_at(request)}/status/stream?logs=1") as answer:
            assert answer.headers["x-fal-request-id"] == request.request_id
            event = next(line for line in answer.iter_lines() if line.startswith("data: "))
        self._check(request, json.loads(event.removeprefix("data: ")), with_logs=True)

    @rule(request=known)
    def fetch_the_result(self, request: Expected) -> None:
        expected = request.result_status or 400
        answer = self._ask("GET", _at(request), expected, request)
        if request.status != OVER:
            return
        request.result = request.result or answer.content
        assert answer.content == request.result
        assert answer.headers.get("x-fal-error-type") == request.error_type

    @rule(request=known)
    def cancel(self, request: Expected) -> None:
        is_over = request.status == OVER
        answer = self._ask("PUT", f"{_at(request)}/cancel", 400 if is_over else 202, request)
        word = "ALREADY_COMPLETED" if is_over else "CANCELLATION_REQUESTED"
        assert answer.json() == {"status": word}
        if not is_over:
            request.end(499, "client_cancelled")

    @rule(request=known)
    def somebody_else_asks(self, request: Expected) -> None:
        for method, suffix in (
            ("GET", ""),
            ("GET", "/status"),
            ("GET", "/status/stream"),
            ("PUT", "/cancel"),
        ):
            answer = self._theirs.request(method, _at(request) + suffix)
            assert (answer.status_code, answer.json()) == (404, {"status": "NOT_FOUND"})
            assert "x-fal-request-id" not in answer.headers

    @rule(request=known)
    def a_worker_begins(self, request: Expected) -> None:
        """For the first time, or after another worker died; four deaths are enough."""
        may_begin = self._store.begin(request.request_id, time.time())
        if request.status == OVER:
            assert not may_begin
            return
        request.status, request.attempts = RUNNING, request.attempts + 1
        assert may_begin == (request.attempts <= ATTEMPTS)
        if not may_begin:
            request.end(503, "runner_disconnected")

    @rule(request=known)
    def a_worker_hands_back(self, request: Expected) -> None:
        if request.status == RUNNING and request.attempts > 0:
            self._store.hand_back(request.request_id)
            request.attempts -= 1

    @rule(request=known)
    def a_worker_says_something(self, request: Expected) -> None:
        if request.status == RUNNING:
            self._api.say(request.request_id, f"line {request.lines}")
            request.lines += 1

    @rule(request=known, ending=st.sampled_from([SUCCESS, REFUSED, BROKEN]))
    def a_worker_ends(self, request: Expected, ending: Ending) -> None:
        """Late is as good as never: the first answer stays."""
        if request.status == WAITING:
            return
        ended = self._store.end(request.request_id, ending, time.time())
        assert ended == (request.status == RUNNING)
        if ended:
            request.end(ending.status, ending.error_type)

    @rule()
    def time_passes(self) -> None:
        late = [one for one in self._all if one.has_timeout and one.status == WAITING]
        ended = self._store.expire_unstarted(time.time() + 2 * PATIENCE_S)
        assert set(ended) == {one.request_id for one in late}
        for one in late:
            one.end(504, "request_timeout")

    def teardown(self) -> None:
        """Every request is as the model says, and nothing is left waiting for the next run."""
        for request in self._all:
            self.ask_for_the_status(request, with_logs=True)
            self.fetch_the_result(request)
            self.cancel(request)
        assert self._store.waiting_count() == 0

    def _submit(self, headers: dict[str, str], is_low: bool = False) -> Expected:
        body = self._ask("POST", SUBMIT, 200, headers=headers, json=INPUT).json()
        request = Expected(body["request_id"], len(self._all), is_low)
        assert request.request_id not in {one.request_id for one in self._all}
        self._all.append(request)
        assert body["queue_position"] == self._ahead_of(request)
        return request

    def _ahead_of(self, request: Expected) -> int:
        mine = (request.is_low, request.number)
        waiting = [one for one in self._all if one.status == WAITING]
        return sum((one.is_low, one.number) < mine for one in waiting)

    def _check(self, request: Expected, told: dict[str, Any], with_logs: bool) -> None:
        assert told["status"] == request.status
        assert told["request_id"] == request.request_id
        assert told.get("error_type") == request.error_type
        if request.status == WAITING:
            assert told["queue_position"] == self._ahead_of(request)
        else:
            assert (told["logs"] is not None) == with_logs
        if with_logs:
            messages = [entry["message"] for entry in told.get("logs") or ()]
            assert messages == [f"line {number}" for number in range(request.lines)]

    def _ask(
        self,
        method: str,
        path: str,
        expected: int,
        about: Expected | None = None,
        **more: Any,
    ) -> httpx.Response:
        answer = self._mine.request(method, path, **more)
        assert answer.status_code == expected, answer.text
        assert answer.elapsed.total_seconds() < LONGEST_ANSWER_S
        breach = breach_of_body(answer.headers["content-type"], answer.content)
        assert breach is None, breach
        if about is not None:
            assert answer.headers["x-fal-request-id"] == about.request_id
        return answer


def _at(request: Expected) -> str:
    return f"{REQUESTS}/{request.request_id}"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApi]:
    """A server without a worker."""
    with running_api(tmp_path_factory.mktemp("machine")) as running:
        yield running


@pytest.mark.slow
def test_whatever_the_order_the_promises_hold(api: RunningApi):
    with api.client() as mine, api.client(api.new_key()) as theirs:
        run_state_machine_as_test(
            lambda: Requests(api, mine, theirs),  # type: ignore[arg-type]  # any factory will do
            settings=hypothesis.settings(
                stateful_step_count=STEPS,
                report_multiple_bugs=False,
                phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
            ),
        )
