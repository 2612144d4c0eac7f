"""A program that uses fal's asynchronous Python client does what it did before."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import fal_client
import httpx
import pytest
from PIL import Image

from tests.official_clients import (
    BROKEN,
    ENDPOINT,
    LONG,
    MAY_LEAVE_CONNECTIONS,
    PHOTOGRAPH,
    ZOOM,
    close_what_is_left,
    facts_of,
    point_python_client_at,
)
from tests.receivers import receiving, until
from tests.service import KEY, Service

pytestmark = [pytest.mark.slow, MAY_LEAVE_CONNECTIONS]

BIG = 101 * 2**20
Answer = TypeVar("Answer")
Program = Callable[[fal_client.AsyncClient], Awaitable[Answer]]


@pytest.fixture(scope="module", autouse=True)
def _pointed_here(service: Service) -> None:
    point_python_client_at(service)


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    yield from close_what_is_left()


def run(program: Program[Answer], key: str = KEY) -> Answer:
    """What an asynchronous program returns that is given the client."""

    async def main() -> Answer:
        return await program(fal_client.AsyncClient(key=key))

    return asyncio.run(main())


async def its_end(handle: fal_client.AsyncRequestHandle) -> fal_client.Completed:
    statuses = [status async for status in handle.iter_events(with_logs=True)]
    end = statuses[-1]
    assert isinstance(end, fal_client.Completed)
    return end


async def started(handle: fal_client.AsyncRequestHandle) -> None:
    async for status in handle.iter_events():
        if isinstance(status, fal_client.InProgress):
            return


def test_subscribe_brings_a_video_and_news_of_it():
    enqueued: list[str] = []
    updates: list[fal_client.Status] = []

    async def note(request_id: str) -> None:
        enqueued.append(request_id)

    async def program(client: fal_client.AsyncClient) -> None:
        result = await client.subscribe(
            ENDPOINT,
            ZOOM,
            with_logs=True,
            on_enqueue=note,
            on_queue_update=updates.append,
            hint="warm",
            client_timeout=100,
        )
        film = httpx.get(result["video"]["url"]).content
        assert facts_of(film).items() <= result["video"].items()
        assert await client.result(ENDPOINT, enqueued[0]) == result
        assert await client.status(ENDPOINT, enqueued[0], with_logs=True) == updates[-1]

    run(program)
    end = updates[-1]
    assert isinstance(end, fal_client.Completed)
    assert end.logs
    assert end.metrics["inference_time"] > 0


def test_run_brings_a_video_of_an_uploaded_photograph():
    async def program(client: fal_client.AsyncClient) -> int:
        url = await client.upload(PHOTOGRAPH, "image/jpeg", "photo.jpg")
        result = await client.run(ENDPOINT, ZOOM | {"image_url": url, "seed": 11})
        return int(result["seed"])

    assert run(program) == 11


def test_many_programs_wait_at_once():
    async def program(client: fal_client.AsyncClient) -> list[fal_client.Completed]:
        submits = (client.submit(ENDPOINT, BROKEN) for _ in range(8))
        handles = await asyncio.gather(*submits)
        assert len({handle.request_id for handle in handles}) == 8
        return await asyncio.gather(*map(its_end, handles))

    assert all(end.error for end in run(program))


def test_low_priority_waits_and_a_late_start_is_refused():
    async def program(client: fal_client.AsyncClient) -> fal_client.FalClientHTTPError:
        busy = await client.submit(ENDPOINT, LONG)
        await started(busy)
        low = await client.submit(ENDPOINT, BROKEN, priority="low")
        normal = await client.submit(ENDPOINT, BROKEN, priority="normal")
        first, second = await normal.status(), await low.status()
        assert isinstance(first, fal_client.Queued)
        assert second == fal_client.Queued(position=first.position + 1)
        with pytest.raises(fal_client.FalClientHTTPError) as caught:
            await client.subscribe(ENDPOINT, BROKEN, start_timeout=1.5)
        await busy.cancel()
        await its_end(low)
        return caught.value

    refusal = run(program)
    assert refusal.status_code == 504
    assert refusal.error_type == "request_timeout"


def test_a_running_request_is_cancelled_by_its_handle():
    async def program(client: fal_client.AsyncClient) -> fal_client.Completed:
        handle = await client.submit(ENDPOINT, LONG)
        await started(handle)
        await handle.cancel()
        end = await its_end(handle)
        with pytest.raises(fal_client.FalClientHTTPError) as caught:
            await handle.get()
        assert caught.value.status_code == 499
        return end

    assert run(program).error_type == "client_cancelled"


def test_a_waiting_request_is_cancelled_by_its_id():
    async def program(client: fal_client.AsyncClient) -> fal_client.Completed:
        busy = await client.submit(ENDPOINT, LONG)
        await started(busy)
        waiting = await client.submit(ENDPOINT, ZOOM)
        await client.cancel(ENDPOINT, waiting.request_id)
        end = await its_end(await client.get_handle(ENDPOINT, waiting.request_id))
        await busy.cancel()
        return end

    assert run(program).error_type == "client_cancelled"


def test_a_program_that_waits_no_longer_cancels():
    async def program(client: fal_client.AsyncClient) -> fal_client.Completed:
        with pytest.raises(fal_client.FalClientTimeoutError) as caught:
            await client.subscribe(ENDPOINT, LONG, client_timeout=8)
        assert caught.value.request_id
        return await its_end(await client.get_handle(ENDPOINT, caught.value.request_id))

    assert run(program).error_type == "client_cancelled"


def test_a_webhook_is_told_the_end():
    async def program(client: fal_client.AsyncClient, url: str) -> str:
        return (await client.submit(ENDPOINT, BROKEN, webhook_url=url)).request_id

    with receiving() as receiver:
        request_id = run(lambda client: program(client, receiver.url))
        until(lambda: receiver.received, seconds=60)
    assert receiver.received[0].headers["x-fal-webhook-request-id"] == request_id


def test_wrong_input_is_refused_with_fals_body():
    async def program(client: fal_client.AsyncClient) -> fal_client.FalClientHTTPError:
        with pytest.raises(fal_client.FalClientHTTPError) as caught:
            await client.subscribe(ENDPOINT, ZOOM | {"num_frames": 80})
        return caught.value

    refusal = run(program)
    assert refusal.status_code == 422
    assert refusal.response.json()["detail"][0]["loc"] == ["body", "num_frames"]


def test_a_wrong_key_is_refused():
    async def program(client: fal_client.AsyncClient) -> int:
        with pytest.raises(fal_client.FalClientHTTPError) as caught:
            await client.run(ENDPOINT, ZOOM)
        return caught.value.status_code

    assert run(program, key="no:such-key") == 401


def test_files_and_pictures_go_up(tmp_path: Path):
    file = tmp_path / "photo.jpg"
    file.write_bytes(PHOTOGRAPH)

    async def program(client: fal_client.AsyncClient) -> list[str]:
        return [
            await client.upload_file(file),
            await client.upload_image(Image.new("RGB", (64, 48)), format="png"),
            await client.upload(PHOTOGRAPH, "image/jpeg", "photo.jpg", repository="fal"),
        ]

    answers = [httpx.get(url) for url in run(program)]
    types = [answer.headers["content-type"] for answer in answers]
    assert types == ["image/jpeg", "image/png", "image/jpeg"]
    assert answers[0].content == answers[2].content == PHOTOGRAPH


def test_a_large_file_goes_up_in_parts(tmp_path: Path):
    file = tmp_path / "big.bin"
    with file.open("wb") as sparse:
        sparse.seek(BIG - 3)
        sparse.write(b"end")
    url = run(lambda client: client.upload_file(file))
    answer = httpx.get(url, headers={"range": "bytes=-4"})
    assert answer.content == b"\0end"
    assert answer.headers["content-range"] == f"bytes {BIG - 4}-{BIG - 1}/{BIG}"
