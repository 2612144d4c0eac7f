"""fal's queue over HTTP, word for word as its clients need it."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from lyra_zoom.contract.queue import ErrorType
from lyra_zoom.jobs.job import Ending, Outcome, failure
from tests.server import INPUT, OUTPUT, SUBMIT

REQUESTS = "/queue/fal-ai/lyra-2/requests"
UNKNOWN = "00000000-0000-4000-8000-000000000000"


def events_of(client, request_id, logs="1", **headers):
    """Every event of a stream until the server ends it."""
    where = f"{REQUESTS}/{request_id}/status/stream?logs={logs}"
    with client.stream("GET", where, headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = list(answer.iter_lines())
    return [json.loads(line[6:]) for line in lines if line.startswith("data: ")]


class TestSubmit:
    def test_it_answers_200_with_everything_clients_read(self, api, client):
        answer = client.post(SUBMIT, json=INPUT)
        body = answer.json()
        here = f"{api.url}{REQUESTS}/{body['request_id']}"
        assert answer.status_code == 200
        assert body == {
            "status": "IN_QUEUE",
            "request_id": body["request_id"],
            "gateway_request_id": body["request_id"],
            "response_url": here,
            "status_url": f"{here}/status",
            "cancel_url": f"{here}/cancel",
            "queue_position": body["queue_position"],
        }
        assert answer.headers["x-fal-request-id"] == body["request_id"]

    def test_the_input_of_the_model_is_not_judged(self, client):
        assert client.post(SUBMIT, json={"num_frames": "many"}).status_code == 200

    def test_the_addresses_carry_the_name_by_which_a_proxy_was_called(self, client):
        headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "zoom.example"}
        answer = client.post(SUBMIT, json=INPUT, headers=headers).json()
        assert answer["status_url"].startswith("https://zoom.example/queue/fal-ai/lyra-2/")

    def test_a_caller_who_names_a_wrong_host_misleads_nobody_else(self, api, client):
        headers = {"X-Forwarded-Host": "evil.example"}
        request_id = client.post(SUBMIT, json=INPUT, headers=headers).json()["request_id"]
        told = client.get(f"{REQUESTS}/{request_id}/status")
        card = client.get("/models/fal-ai/lyra-2/zoom/llms.txt", headers=headers)
        assert "evil.example" not in told.text
        assert card.headers["cache-control"] == "no-store"

    def test_a_host_that_is_none_is_not_repeated(self, api, client):
        headers = {"X-Forwarded-Host": "x/../<script>"}
        answer = client.post(SUBMIT, json=INPUT, headers=headers).json()
        assert answer["status_url"].startswith(api.url)

    @pytest.mark.parametrize("value", ["0", "-1", "abc", "0.05", "1e9", "nan", ""])
    @pytest.mark.parametrize("name", ["X-Fal-Request-Timeout", "X-Fal-Request-Start-Timeout"])
    def test_a_time_limit_that_is_none_is_refused(self, client, name, value):
        answer = client.post(SUBMIT, json=INPUT, headers={name: value})
        assert answer.status_code == 400
        assert answer.json()["error_type"] == "bad_request"

    @pytest.mark.parametrize("value", ["30", "30.0", "1.5"])
    def test_a_time_limit_as_either_client_sends_it_is_kept(self, api, client, value):
        request_id = api.submit(**{"X-Fal-Request-Timeout": value})
        assert api.parts.requests.load(request_id).start_timeout_s == float(value)

    def test_headers_that_nobody_knows_are_ignored(self, client):
        headers = {"X-Fal-Anything": "1", "X-Fal-Queue-Priority": "highest"}
        assert client.post(SUBMIT, json=INPUT, headers=headers).status_code == 200

    def test_low_priority_waits_behind_normal(self, api):
        low = api.submit(**{"x-fal-queue-priority": "low"})
        normal = api.submit()
        load, position = api.parts.requests.load, api.parts.requests.position
        assert position(load(normal)) < position(load(low))

    def test_no_retry_means_one_attempt(self, api):
        request_id = api.submit(**{"x-fal-no-retry": "1"})
        assert api.parts.requests.load(request_id).max_attempts == 1

    def test_what_is_said_of_the_videos_life_is_kept(self, api):
        wish = '{"expiration_duration_seconds": 60}'
        request_id = api.submit(**{"X-Fal-Object-Lifecycle-Preference": wish})
        assert json.loads(api.parts.requests.load(request_id).lifecycle) == json.loads(wish)

    @pytest.mark.parametrize("wish", ["no json", '{"expiration_duration_seconds": -1}'])
    def test_a_life_that_is_none_is_refused(self, client, wish):
        headers = {"X-Fal-Object-Lifecycle-Preference": wish}
        answer = client.post(SUBMIT, json=INPUT, headers=headers)
        assert (answer.status_code, answer.json()["error_type"]) == (400, "bad_request")

    def test_a_long_queue_may_be_avoided(self, api, client):
        api.submit()
        answer = client.post(f"{SUBMIT}?fal_max_queue_length=0", json=INPUT)
        assert answer.status_code == 429
        assert client.post(f"{SUBMIT}?fal_max_queue_length=99999", json=INPUT).is_success

    def test_fifty_submits_under_one_idempotency_key_are_one_request(self, api):
        headers = {"Idempotency-Key": "once"}
        with api.client() as client, ThreadPoolExecutor(10) as pool:
            answers = list(
                pool.map(
                    lambda _: client.post(SUBMIT, json=INPUT, headers=headers).json(), range(50)
                )
            )
        assert len({answer["request_id"] for answer in answers}) == 1

    def test_two_clients_may_choose_the_same_idempotency_key(self, api, client):
        headers = {"Idempotency-Key": "mine"}
        with api.client(api.new_key()) as other:
            theirs = other.post(SUBMIT, json=INPUT, headers=headers).json()["request_id"]
        mine = client.post(SUBMIT, json=INPUT, headers=headers).json()["request_id"]
        assert mine != theirs


class TestWebhookAddress:
    def test_it_is_kept_with_its_own_parameters(self, api, client):
        url = "https://hooks.example/x?a=1&b=2"
        answer = client.post(f"{SUBMIT}?fal_webhook={quote(url, safe='')}", json=INPUT)
        assert api.parts.requests.load(answer.json()["request_id"]).webhook_url == url

    @pytest.mark.parametrize(
        "url",
        [
            "ftp://hooks.example/",
            "file:///etc/passwd",
            "http://127.0.0.1/",
            "http://[::1]/",
            "http://169.254.169.254/latest/meta-data/",
            "http://2130706433/",
            "http://localhost/",
            "not an address",
            "",
        ],
    )
    def test_one_that_cannot_be_called_is_refused_at_once(self, client, url):
        answer = client.post(f"{SUBMIT}?fal_webhook={quote(url, safe='')}", json=INPUT)
        assert answer.status_code == 422
        (problem,) = answer.json()["detail"]
        assert problem["loc"] == ["query", "fal_webhook"]

    @pytest.mark.parametrize(
        ("url", "named"),
        [
            ("http://192.168.1.5/done", True),
            ("http://localhost:8000/", True),
            ("http://169.254.169.254/latest/meta-data/", False),
            ("ftp://hooks.example/", False),
        ],
    )
    def test_the_setting_that_would_admit_it_is_named(self, client, url, named):
        answer = client.post(f"{SUBMIT}?fal_webhook={quote(url, safe='')}", json=INPUT)
        told = answer.json()["detail"][0]["msg"]
        assert ("LYRA_ZOOM_ALLOW_PRIVATE_WEBHOOKS=1" in told) is named


class TestStatus:
    def test_a_waiting_request_has_a_position(self, api, client):
        answer = client.get(f"{REQUESTS}/{api.submit()}/status")
        assert answer.status_code == 202
        assert answer.json()["status"] == "IN_QUEUE"
        assert answer.json()["queue_position"] >= 0

    def test_a_running_request_has_a_place_for_logs_even_unasked(self, api, client):
        request_id = api.submit()
        api.begin(request_id)
        answer = client.get(f"{REQUESTS}/{request_id}/status?logs=0")
        assert answer.status_code == 202
        assert answer.json()["status"] == "IN_PROGRESS"
        assert answer.json()["logs"] is None

    @pytest.mark.parametrize("flag", ["1", "true"])
    def test_logs_are_all_lines_so_far(self, api, client, flag):
        request_id = api.submit()
        api.begin(request_id)
        api.say(request_id, "building layers")
        logs = client.get(f"{REQUESTS}/{request_id}/status?logs={flag}").json()["logs"]
        assert [(line["message"], line["level"]) for line in logs] == [
            ("building layers", "INFO")
        ]

    def test_a_finished_request_says_how_long_it_took(self, api, client):
        request_id = api.submit()
        api.begin(request_id)
        api.end(request_id)
        answer = client.get(f"{REQUESTS}/{request_id}/status")
        assert answer.status_code == 200
        assert answer.json()["metrics"] == {"inference_time": 1.5}
        assert "error" not in answer.json()

    def test_a_failed_request_is_completed_with_its_error(self, api, client):
        request_id = api.submit()
        api.begin(request_id)
        api.end(request_id, failure(ErrorType.GENERATION_TIMEOUT, "too slow"))
        body = client.get(f"{REQUESTS}/{request_id}/status").json()
        assert (body["status"], body["error_type"]) == ("COMPLETED", "generation_timeout")

    def test_the_whole_endpoint_id_leads_to_the_same_request(self, api, client):
        request_id = api.submit()
        answer = client.get(f"/queue/fal-ai/lyra-2/zoom/requests/{request_id}/status")
        assert answer.json()["request_id"] == request_id


class TestStream:
    def test_it_tells_every_change_and_ends_after_the_last(self, api, client):
        request_id = api.submit()
        told = []
        reader = threading.Thread(
            target=lambda: told.extend(events_of(client, request_id)), daemon=True
        )
        reader.start()
        time.sleep(0.4)
        api.begin(request_id)
        api.say(request_id, "first")
        time.sleep(0.4)
        api.say(request_id, "second")
        api.end(request_id)
        reader.join(5)
        statuses = list(dict.fromkeys(event["status"] for event in told))
        assert statuses == ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]
        logs = [line["message"] for event in told for line in event["logs"] or ()]
        assert logs == ["first", "second"]

    def test_one_of_a_finished_request_is_one_event(self, api, client):
        request_id = api.submit()
        api.begin(request_id)
        api.say(request_id, "done")
        api.end(request_id)
        (event,) = events_of(client, request_id)
        assert [line["message"] for line in event["logs"]] == ["done"]
        (quiet,) = events_of(client, request_id, logs="0")
        assert quiet["logs"] is None

    def test_it_continues_after_the_last_event_that_was_received(self, api, client):
        request_id = api.submit()
        api.begin(request_id)
        for message in ("one", "two", "three"):
            api.say(request_id, message)
        api.end(request_id)
        (event,) = events_of(client, request_id, **{"Last-Event-ID": "1"})
        assert [line["message"] for line in event["logs"]] == ["three"]

    def test_a_client_that_leaves_is_forgotten(self, api, client):
        where = f"{REQUESTS}/{api.submit()}/status/stream"
        with client.stream("GET", where) as answer:
            lines = answer.iter_lines()
            next(lines)
            assert api.parts.watcher.listeners == 1
        deadline = time.monotonic() + 5
        while api.parts.watcher.listeners and time.monotonic() < deadline:
            time.sleep(0.02)
        assert api.parts.watcher.listeners == 0

    def test_an_unknown_request_has_no_stream(self, client):
        assert client.get(f"{REQUESTS}/{UNKNOWN}/status/stream").status_code == 404


class TestResult:
    @pytest.mark.parametrize("suffix", ["", "/response"])
    def test_it_is_the_output_itself(self, api, client, suffix):
        request_id = api.submit()
        api.begin(request_id)
        api.end(request_id)
        answer = client.get(f"{REQUESTS}/{request_id}{suffix}")
        assert (answer.status_code, answer.json()) == (200, OUTPUT)
        assert answer.headers["x-fal-request-id"] == request_id

    def test_before_the_end_it_is_400(self, api, client):
        answer = client.get(f"{REQUESTS}/{api.submit()}")
        assert answer.status_code == 400
        assert answer.json() == {"detail": "Request is still in progress"}

    def test_refused_input_comes_with_the_models_own_status(self, api, client):
        request_id = api.submit()
        api.begin(request_id)
        body: dict[str, Any] = {
            "detail": [{"loc": ["body", "prompt"], "msg": "m", "type": "t", "url": "u"}]
        }
        api.end(request_id, Ending(outcome=Outcome.FAILED, status=422, body=body))
        answer = client.get(f"{REQUESTS}/{request_id}")
        assert (answer.status_code, answer.json()) == (422, body)

    def test_a_request_that_did_not_start_in_time_is_504_by_the_users_wish(self, api, client):
        request_id = api.submit(**{"x-fal-request-timeout": "0.2"})
        time.sleep(0.3)
        answer = client.get(f"{REQUESTS}/{request_id}")
        assert answer.status_code == 504
        assert answer.headers["x-fal-request-timeout-type"] == "user"
        assert answer.headers["x-fal-error-type"] == "request_timeout"


class TestCancel:
    def test_a_waiting_request_is_over_at_once(self, api, client):
        request_id = api.submit()
        answer = client.put(f"{REQUESTS}/{request_id}/cancel")
        assert answer.status_code == 202
        assert answer.json() == {"status": "CANCELLATION_REQUESTED"}
        status = client.get(f"{REQUESTS}/{request_id}/status").json()
        assert (status["status"], status["error_type"]) == ("COMPLETED", "client_cancelled")
        result = client.get(f"{REQUESTS}/{request_id}")
        assert (result.status_code, result.json()["error_type"]) == (499, "client_cancelled")

    def test_a_running_request_is_over_at_once(self, api, client):
        request_id = api.submit()
        api.begin(request_id)
        assert client.put(f"{REQUESTS}/{request_id}/cancel").status_code == 202
        assert api.parts.requests.is_over(request_id)

    def test_a_finished_request_stays_as_it_is(self, api, client):
        request_id = api.submit()
        api.begin(request_id)
        api.end(request_id)
        answer = client.put(f"{REQUESTS}/{request_id}/cancel")
        assert (answer.status_code, answer.json()) == (400, {"status": "ALREADY_COMPLETED"})
        assert client.get(f"{REQUESTS}/{request_id}").status_code == 200

    def test_an_unknown_request_is_not_found(self, client):
        answer = client.put(f"{REQUESTS}/{UNKNOWN}/cancel")
        assert (answer.status_code, answer.json()) == (404, {"status": "NOT_FOUND"})


class TestWhatIsNotThere:
    @pytest.mark.parametrize(
        "request_id",
        [UNKNOWN, "x", "'; DROP TABLE request; --", "%00", "a" * 10_000, "%F0%9F%98%80"],
    )
    @pytest.mark.parametrize("suffix", ["", "/status", "/status/stream"])
    def test_every_unknown_id_gets_the_same_answer(self, client, request_id, suffix):
        answer = client.get(f"{REQUESTS}/{request_id}{suffix}")
        assert (answer.status_code, answer.json()) == (404, {"status": "NOT_FOUND"})

    def test_another_keys_request_is_as_unknown_as_none(self, api):
        request_id = api.submit()
        with api.client(api.new_key()) as other:
            for suffix in ("", "/status", "/status/stream"):
                answer = other.get(f"{REQUESTS}/{request_id}{suffix}")
                assert (answer.status_code, answer.json()) == (404, {"status": "NOT_FOUND"})
                assert "x-fal-request-id" not in answer.headers
            assert other.put(f"{REQUESTS}/{request_id}/cancel").status_code == 404
        assert not api.parts.requests.is_over(request_id)

    @pytest.mark.parametrize(
        "path",
        [
            "/queue/fal-ai/other",
            "/queue/fal-ai/lyra-2/zoom/",
            "/queue//fal-ai/lyra-2/zoom",
            "/queue/fal-ai%2Flyra-2/none",
            "/queue/%2e%2e/%2e%2e/etc/passwd",
        ],
    )
    def test_an_unknown_address_says_what_there_is(self, client, path):
        answer = client.post(path, json=INPUT)
        assert answer.status_code == 404
        assert SUBMIT in answer.json()["detail"]

    @pytest.mark.parametrize(
        ("method", "path", "allowed"),
        [
            ("GET", SUBMIT, "POST"),
            ("POST", f"{REQUESTS}/{UNKNOWN}/cancel", "PUT"),
            ("HEAD", f"{REQUESTS}/{UNKNOWN}/status", "GET"),
            ("DELETE", f"{REQUESTS}/{UNKNOWN}", "GET"),
        ],
    )
    def test_a_wrong_method_is_told_the_right_one(self, client, method, path, allowed):
        answer = client.request(method, path)
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


def test_pages_of_other_origins_may_call_and_read(api):
    asked = {
        "Origin": "https://page.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,x-fal-request-timeout",
    }
    answer = httpx.options(api.url + SUBMIT, headers=asked)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "x-fal-request-timeout" in answer.headers["access-control-allow-headers"]
    with api.client() as client:
        exposed = client.post(SUBMIT, json=INPUT, headers=asked).headers
    assert "x-fal-request-id" in exposed["access-control-expose-headers"]
