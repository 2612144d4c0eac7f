"""A program that uses fal's Python client does what it did before, with our server."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import fal_client
import httpx
import pytest

from lyra_zoom.contract.zoom import VideoFile
from tests.official_clients import (
    BROKEN,
    ENDPOINT,
    LONG,
    MAY_LEAVE_CONNECTIONS,
    PHOTOGRAPH,
    ZOOM,
    all_hands_busy,
    close_what_is_left,
    facts_of,
    python_client,
)
from tests.receivers import Received, receiving, until
from tests.service import Service
from tests.webhooks import verify

pytestmark = [pytest.mark.slow, MAY_LEAVE_CONNECTIONS]

ORDER = (fal_client.Queued, fal_client.InProgress, fal_client.Completed)


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[fal_client.SyncClient]:
    yield from python_client(service)


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    yield from close_what_is_left()


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """All that a program saw of one request."""

    request_id: str
    updates: list[fal_client.Status]
    result: dict[str, Any]
    film: bytes
    webhook: Received | None = None


@pytest.fixture(scope="module")
def subscribed(client: fal_client.SyncClient) -> Story:
    """A video made by `subscribe`, with everything that can be asked of it."""
    enqueued: list[str] = []
    updates: list[fal_client.Status] = []
    result = client.subscribe(
        ENDPOINT,
        ZOOM | {"seed": 7},
        with_logs=True,
        on_enqueue=enqueued.append,
        on_queue_update=updates.append,
        hint="the-same-runner",
        priority="normal",
        start_timeout=60,
        headers={"X-Fal-Store-IO": "1", "x-fal-something-new": "ignored"},
    )
    (request_id,) = enqueued
    film = httpx.get(result["video"]["url"]).content
    return Story(request_id=request_id, updates=updates, result=result, film=film)


@pytest.fixture(scope="module")
def submitted(client: fal_client.SyncClient) -> Story:
    """A video made by `submit` and its handle, retreating, at another rate, with a webhook."""
    with receiving() as receiver:
        handle = client.submit(
            ENDPOINT,
            ZOOM | {"zoom_direction": "out", "frames_per_second": 24, "num_frames": "81"},
            webhook_url=f"{receiver.url}/done?order=7&x=a%20b",
        )
        updates = list(handle.iter_events(with_logs=True))
        result = handle.get()
        until(lambda: receiver.received, seconds=60)
    film = httpx.get(result["video"]["url"]).content
    return Story(
        request_id=handle.request_id,
        updates=updates,
        result=result,
        film=film,
        webhook=receiver.received[0],
    )


class TestSubscribe:
    def test_the_answer_is_the_endpoints(self, subscribed: Story):
        assert subscribed.result.keys() == {"video", "seed", "timings"}
        assert subscribed.result["seed"] == 7
        assert subscribed.result["timings"].keys() == {"encode_s", "zoom_in_s"}

    def test_all_nine_fields_are_true_of_the_file(self, subscribed: Story):
        video = subscribed.result["video"]
        assert video.keys() == VideoFile.model_fields.keys()
        assert facts_of(subscribed.film).items() <= video.items()
        assert video["url"].endswith(f"/{video['file_name']}")
        assert video["file_name"].endswith(".mp4")

    def test_the_file_needs_no_key_and_says_what_it_is(self, subscribed: Story):
        answer = httpx.get(subscribed.result["video"]["url"], headers={"range": "bytes=4-7"})
        assert (answer.status_code, answer.content) == (206, b"ftyp")
        assert answer.headers["content-type"] == "video/mp4"

    def test_the_status_never_goes_back(self, subscribed: Story):
        steps = [ORDER.index(type(update)) for update in subscribed.updates]
        assert steps == sorted(steps)
        assert isinstance(subscribed.updates[-1], fal_client.Completed)

    def test_every_update_carries_all_lines_so_far(self, subscribed: Story):
        logs = [
            update.logs or []
            for update in subscribed.updates
            if isinstance(update, fal_client.InProgress | fal_client.Completed)
        ]
        for earlier, later in pairwise(logs):
            assert later[: len(earlier)] == earlier
        assert any("%" in line["message"] for line in logs[-1])
        assert all(line["timestamp"] and line["level"] for line in logs[-1])

    def test_the_end_tells_how_long_the_work_took(self, subscribed: Story):
        end = subscribed.updates[-1]
        assert isinstance(end, fal_client.Completed)
        assert end.metrics["inference_time"] > 0
        assert end.error is None

    def test_a_request_can_be_asked_about_by_its_id(
        self, client: fal_client.SyncClient, subscribed: Story
    ):
        assert client.result(ENDPOINT, subscribed.request_id) == subscribed.result
        status = client.status(ENDPOINT, subscribed.request_id, with_logs=True)
        assert status == subscribed.updates[-1]
        handle = client.get_handle(ENDPOINT, subscribed.request_id)
        assert handle.get() == subscribed.result

    def test_no_logs_unless_asked_for(self, client: fal_client.SyncClient, subscribed: Story):
        status = client.status(ENDPOINT, subscribed.request_id)
        assert isinstance(status, fal_client.Completed)
        assert status.logs is None


class TestSubmit:
    def test_a_handle_follows_the_request_to_its_end(self, submitted: Story):
        assert isinstance(submitted.updates[-1], fal_client.Completed)
        assert facts_of(submitted.film).items() <= submitted.result["video"].items()

    def test_the_other_direction_has_its_own_timing(self, submitted: Story):
        assert submitted.result["timings"].keys() == {"encode_s", "zoom_out_s"}
        assert submitted.result["video"]["fps"] == 24

    def test_a_seed_is_chosen_when_none_was_given(self, submitted: Story):
        assert 0 <= submitted.result["seed"] < 2**53

    def test_the_webhook_brings_the_same_answer(self, submitted: Story):
        assert submitted.webhook is not None
        assert submitted.webhook.path == "/done?order=7&x=a%20b"
        assert json.loads(submitted.webhook.body) == {
            "request_id": submitted.request_id,
            "gateway_request_id": submitted.request_id,
            "status": "OK",
            "payload": submitted.result,
        }

    def test_the_webhook_is_signed_with_a_published_key(
        self, service: Service, submitted: Story
    ):
        assert submitted.webhook is not None
        jwks = httpx.get(f"{service.url}/rest/.well-known/jwks.json").json()
        sent = submitted.webhook
        assert verify(sent.headers, sent.body, jwks, time.time())
        assert not verify(sent.headers, sent.body + b" ", jwks, time.time())

    def test_an_idempotency_key_makes_one_request_of_two(self, client: fal_client.SyncClient):
        once = {"Idempotency-Key": "order-7"}
        first, second = (client.submit(ENDPOINT, BROKEN, headers=once) for _ in range(2))
        assert first == second


class TestRun:
    def test_the_same_seed_gives_the_same_bytes(
        self, client: fal_client.SyncClient, subscribed: Story
    ):
        url = client.upload(PHOTOGRAPH, "image/jpeg", "photo.jpg")
        result = client.run(ENDPOINT, ZOOM | {"image_url": url, "seed": 7}, hint="warm")
        assert result["video"]["url"] != subscribed.result["video"]["url"]
        assert httpx.get(result["video"]["url"]).content == subscribed.film

    def test_both_directions_are_one_film(self, client: fal_client.SyncClient):
        result = client.run(ENDPOINT, ZOOM | {"zoom_direction": "both"}, start_timeout=60)
        assert result["video"]["num_frames"] == 161
        assert result["timings"].keys() == {"encode_s", "zoom_in_s", "zoom_out_s"}

    def test_a_stream_is_not_offered(self, client: fal_client.SyncClient):
        with pytest.raises(httpx.HTTPError):
            list(client.stream(ENDPOINT, ZOOM))


class TestWaiting:
    def test_low_priority_waits_behind_normal(self, client: fal_client.SyncClient):
        with all_hands_busy(client):
            low = client.submit(ENDPOINT, BROKEN, priority="low")
            before = low.status()
            normal = client.submit(ENDPOINT, BROKEN, priority="normal")
            after = low.status()
            assert isinstance(before, fal_client.Queued)
            assert isinstance(after, fal_client.Queued)
            assert after.position == before.position + 1
            assert normal.status() == before
        for _ in low.iter_events():
            pass
        assert isinstance(normal.status(), fal_client.Completed)

    def test_who_does_not_start_in_time_is_told_so(self, client: fal_client.SyncClient):
        with all_hands_busy(client):
            with pytest.raises(fal_client.FalClientHTTPError) as caught:
                client.subscribe(ENDPOINT, ZOOM, start_timeout=1.5)
            assert caught.value.status_code == 504
            assert caught.value.error_type == "request_timeout"
            assert caught.value.response_headers["x-fal-request-timeout-type"] == "user"

    def test_run_gives_up_waiting_as_well(self, client: fal_client.SyncClient):
        with all_hands_busy(client):
            with pytest.raises(fal_client.FalClientHTTPError) as caught:
                client.run(ENDPOINT, ZOOM, start_timeout=1.5)
            assert caught.value.status_code == 504

    def test_a_client_that_waits_no_longer_cancels(self, client: fal_client.SyncClient):
        with pytest.raises(fal_client.FalClientTimeoutError) as caught:
            client.subscribe(ENDPOINT, LONG, client_timeout=8)
        assert caught.value.request_id
        handle = client.get_handle(ENDPOINT, caught.value.request_id)
        *_, end = handle.iter_events()
        assert isinstance(end, fal_client.Completed)
        assert end.error_type == "client_cancelled"


class TestCancel:
    def test_a_waiting_request_is_never_worked_on(self, client: fal_client.SyncClient):
        with all_hands_busy(client):
            waiting = client.submit(ENDPOINT, ZOOM)
            client.cancel(ENDPOINT, waiting.request_id)
            assert_cancelled(waiting)
            end = waiting.status(with_logs=True)
            assert isinstance(end, fal_client.Completed)
            assert not end.logs

    def test_running_work_is_stopped(self, client: fal_client.SyncClient):
        with all_hands_busy(client) as running:
            running.cancel()
            assert_cancelled(running)

    def test_what_is_over_cannot_be_cancelled(self, client: fal_client.SyncClient):
        handle = client.submit(ENDPOINT, BROKEN)
        for _ in handle.iter_events():
            pass
        with pytest.raises(fal_client.FalClientHTTPError) as caught:
            handle.cancel()
        assert caught.value.status_code == 400
        assert caught.value.response.json() == {"status": "ALREADY_COMPLETED"}


def assert_cancelled(handle: fal_client.SyncRequestHandle) -> None:
    """Completed with the reason; the result is refused with 499."""
    *_, end = handle.iter_events()
    assert isinstance(end, fal_client.Completed)
    assert end.error_type == "client_cancelled"
    with pytest.raises(fal_client.FalClientHTTPError) as caught:
        handle.get()
    assert caught.value.status_code == 499
    assert caught.value.error_type == "client_cancelled"
