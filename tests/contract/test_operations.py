"""What operators and their programs look at: health, readiness, figures."""

from __future__ import annotations

import httpx
import pytest

from lyra_zoom.contract.queue import ErrorType
from lyra_zoom.jobs.job import failure
from lyra_zoom.jobs.leases import Lease
from tests.server import INPUT, KEY, SUBMIT, running_api


def lease(now, ready=True, problem=None):
    return Lease(
        executor_id="worker-1",
        host="here",
        pid=1,
        engine="embedded",
        ready=ready,
        problem=problem,
        version="0",
        started_at=now,
    )


@pytest.fixture
def fresh(tmp_path):
    with running_api(tmp_path) as running:
        yield running


def figures(api):
    """Every sample of /metrics by its name and labels."""
    lines = httpx.get(f"{api.url}/metrics").text.splitlines()
    samples = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in samples}


def test_a_process_that_answers_is_healthy(api):
    assert httpx.get(f"{api.url}/healthz").text == "ok\n"
    assert httpx.head(f"{api.url}/healthz").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/docs",
        "/docs/style.css",
        "/openapi.json",
        "/models/fal-ai/lyra-2/zoom/llms.txt",
        "/rest/.well-known/jwks.json",
        "/healthz",
        "/metrics",
    ],
)
def test_whatever_is_public_can_be_asked_about_without_its_body(api, path):
    whole, head = httpx.get(api.url + path), httpx.head(api.url + path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == whole.headers["content-type"]


def test_without_a_worker_it_is_not_ready_and_says_so(fresh):
    answer = httpx.get(f"{fresh.url}/readyz")
    assert answer.status_code == 503
    reason = "no worker has reported: none is running, or the first is still starting"
    assert answer.json() == {"ready": False, "reasons": [reason]}


def test_a_worker_that_is_not_ready_says_why(fresh, now):
    fresh.parts.leases.beat(lease(now, ready=False, problem="the engine warms up"), now)
    reasons = httpx.get(f"{fresh.url}/readyz").json()["reasons"]
    assert reasons == ["no worker is ready: the engine warms up"]


def test_with_a_ready_worker_it_is_ready(fresh, now):
    fresh.parts.leases.beat(lease(now), now)
    assert httpx.get(f"{fresh.url}/readyz").json() == {"ready": True}


def test_a_worker_that_fell_silent_does_not_count(fresh, now):
    fresh.parts.leases.beat(lease(now), now - 60)
    assert httpx.get(f"{fresh.url}/readyz").status_code == 503


def test_figures_tell_the_queue_as_it_is(fresh, now):
    _, running, done, failed = (fresh.submit() for _ in range(4))
    for request_id in (running, done, failed):
        fresh.begin(request_id)
    fresh.end(done)
    fresh.end(failed, failure(ErrorType.INTERNAL_ERROR, "x"))
    fresh.parts.leases.beat(lease(now), now)
    told = figures(fresh)
    assert told["lyra_zoom_waiting"] == 1
    assert told["lyra_zoom_running"] == 1
    assert told["lyra_zoom_oldest_waiting_seconds"] > 0
    assert told['lyra_zoom_requests_kept{outcome="succeeded"}'] == 1
    assert told['lyra_zoom_requests_kept{outcome="failed"}'] == 1
    assert told['lyra_zoom_requests_accepted_total{by="queue"}'] == 4
    assert told["lyra_zoom_workers_ready"] == 1
    assert told['lyra_zoom_webhooks{state="pending"}'] == 0


def test_latencies_are_told_by_route_so_that_no_id_or_key_is_seen(fresh):
    request_id = fresh.submit()
    with fresh.client() as client:
        client.get(f"/queue/fal-ai/lyra-2/requests/{request_id}/status")
        client.get(f"/{KEY}")
    text = httpx.get(f"{fresh.url}/metrics").text
    assert 'route="/queue/fal-ai/lyra-2/requests/{request_id}/status"' in text
    assert request_id not in text
    assert KEY not in text


def test_a_database_that_is_gone_is_503_in_fals_shape(fresh):
    with fresh.client() as client:
        assert client.post(SUBMIT, json=INPUT).status_code == 200
        with fresh.parts.engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE request RENAME TO elsewhere")
        answer = client.post(SUBMIT, json=INPUT)
    assert answer.status_code == 503
    assert answer.json()["error_type"] == "internal_error"
    assert int(answer.headers["retry-after"]) > 0
    assert "request" not in answer.json()["detail"]


def test_a_mistake_of_ours_is_an_answer_like_any_other(fresh, caplog):
    def broken():
        raise RuntimeError("in /srv/secret")

    fresh.server.config.app.add_api_route("/broken", broken)
    answer = httpx.get(f"{fresh.url}/broken", headers={"Origin": "https://page.example"})
    assert (answer.status_code, answer.json()["error_type"]) == (500, "internal_error")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "in /srv/secret" in caplog.text
    assert (
        figures(fresh)[
            'lyra_zoom_http_seconds_count{method="GET",route="/broken",status="500"}'
        ]
        == 1
    )
