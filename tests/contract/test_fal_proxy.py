"""The server as its own fal proxy: fal's hosts, named in a header, are our own routes."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.server import INPUT, OUTPUT

PROXY = "/api/fal/proxy"
QUEUE = "https://queue.fal.run/fal-ai/lyra-2"


def through(target: str) -> dict[str, str]:
    return {"x-fal-target-url": target}


def test_a_whole_request_goes_through_it(api, client):
    submitted = client.post(PROXY, json=INPUT, headers=through(f"{QUEUE}/zoom"))
    request_id = submitted.json()["request_id"]
    assert submitted.headers["x-fal-request-id"] == request_id
    here = f"{QUEUE}/requests/{request_id}"
    assert client.get(PROXY, headers=through(f"{here}/status?logs=1")).status_code == 202
    api.begin(request_id)
    api.end(request_id)
    assert client.get(PROXY, headers=through(here)).json() == OUTPUT


def test_parameters_of_the_target_are_heeded(client):
    target = through(f"{QUEUE}/zoom?fal_webhook=ftp%3A%2F%2Fx.example")
    assert client.post(PROXY, json=INPUT, headers=target).status_code == 422


def test_cancel_goes_through_it(api, client):
    target = f"{QUEUE}/requests/{api.submit()}/cancel"
    assert client.put(PROXY, headers=through(target)).status_code == 202


def test_a_stream_goes_through_it_event_by_event(api, client):
    request_id = api.submit()
    target = through(f"{QUEUE}/requests/{request_id}/status/stream?logs=1")
    told = []
    with client.stream("GET", PROXY, headers=target) as answer:
        for line in answer.iter_lines():
            if line.startswith("data: "):
                told.append(json.loads(line[6:])["status"])
                if told == ["IN_QUEUE"]:
                    api.begin(request_id)
                    api.end(request_id)
    assert (told[0], told[-1]) == ("IN_QUEUE", "COMPLETED")


def test_run_goes_through_it(client):
    target = through("https://fal.run/fal-ai/lyra-2/zoom")
    assert client.post(PROXY, json={}, headers=target).status_code == 422


@pytest.mark.parametrize(
    "target",
    [
        "",
        "https://evil.example/fal-ai/lyra-2/zoom",
        "http://queue.fal.run/fal-ai/lyra-2/zoom",
        "https://queue.fal.run:8443/fal-ai/lyra-2/zoom",
        "https://queue.fal.run@evil.example/",
        "https://queue.fal.run.evil.example/",
        "http://169.254.169.254/latest/meta-data/",
        "https://[half/",
        "file:///etc/passwd",
    ],
)
def test_any_other_target_is_refused(client, target):
    answer = client.get(PROXY, headers=through(target))
    assert (answer.status_code, answer.json()["error_type"]) == (400, "bad_request")


def test_no_target_is_refused(client):
    assert client.get(PROXY).status_code == 400


def test_it_does_not_lead_to_itself(api, client):
    assert client.get(PROXY, headers=through(f"{api.url}{PROXY}")).status_code == 400


def test_it_needs_the_callers_own_key(api):
    answer = httpx.post(api.url + PROXY, json=INPUT, headers=through(f"{QUEUE}/zoom"))
    assert (answer.status_code, answer.json()) == (401, {"detail": "invalid key credentials"})


def test_a_wrong_method_is_told_the_right_ones(client):
    answer = client.delete(PROXY, headers=through(f"{QUEUE}/zoom"))
    assert answer.status_code == 405
