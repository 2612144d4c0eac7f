"""How fast the service answers, beside what the machine alone needs; one server, one run."""

from __future__ import annotations

import asyncio
import base64
import datetime
import io
import json
import sqlite3
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
from PIL import Image

from lyra_zoom.bench.memory import tree_bytes
from lyra_zoom.bench.photograph import drawn_photograph
from lyra_zoom.bench.serving import Serving
from lyra_zoom.bench.speed import GIB, Figure, Floor, machine

ENDPOINT = "/queue/fal-ai/lyra-2/zoom"
NEVER_STARTS = {"X-Fal-Queue-Priority": "low"}

SUBMITS, QUEUED = 300, 5_000
STATUS_RATE, STATUS_SECONDS = 200, 10
PICK_UPS = 10
LONG_ENOUGH = 481
"""Frames of a video that is still being made when its lines are read and it is cancelled."""

IDLE_SECONDS = 10.0
WARM_UP_CALLS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerReport:
    """All figures of one run on one machine."""

    machine: str
    figures: tuple[Figure, ...]


def measure_server(*, quick: bool, say: Callable[[str], None]) -> ServerReport:
    """Start a server, ask it for everything that has a figure, and stop it (`quick`: less)."""
    queued = QUEUED // 10 if quick else QUEUED
    here = machine()
    with (
        tempfile.TemporaryDirectory(prefix="lyra-zoom-bench-") as name,
        Serving(Path(name)) as server,
    ):
        server.wait_for_engine()
        say("an idle server")
        figures = [_start(server), _idle(server)]
        with httpx.Client(base_url=server.url, headers=server.headers, timeout=30) as client:
            say("pick-up, log latency and cancel")
            figures += _pick_up(client)
            say("submits")
            figures += _submits(client, Path(name))
            say(f"status at {STATUS_RATE} requests a second")
            figures.append(asyncio.run(_status_at_rate(server, client)))
            say(f"{queued} queued requests")
            figures += _long_queue(client, server, queued)
        say("a restart")
        server.stop()
        server.start()
        figures.append(_restart(server))
    return ServerReport(machine=here, figures=tuple(figures))


def _start(server: Serving) -> Figure:
    return Figure(
        what="serve to ready, a fresh folder", value=server.start_s, unit="s", must=3, aim=1.5
    )


def _restart(server: Serving) -> Figure:
    what = "restart to ready, with the queue of this run"
    return Figure(what=what, value=server.start_s, unit="s", must=3, aim=1.5)


def _idle(server: Serving) -> Figure:
    """Processor time of everything while nobody asks for anything."""
    before = _cpu_s(server.pid)
    time.sleep(IDLE_SECONDS)
    share = 100 * (_cpu_s(server.pid) - before) / IDLE_SECONDS
    return Figure(what="idle, whole process tree", value=share, unit="% CPU", must=5, aim=2)


def _pick_up(client: httpx.Client) -> list[Figure]:
    """An idle worker takes a request, says so, and lets go of it again."""
    waited, said, let_go = [], [], []
    for _ in range(PICK_UPS):
        began = time.perf_counter()
        request_id = _submit(client, _body() | {"num_frames": LONG_ENOUGH})
        _wait_for_status(client, request_id, "IN_PROGRESS")
        waited.append(time.perf_counter() - began)
        said.append(_log_latency_s(client, request_id))
        began = time.perf_counter()
        client.put(f"{_request(request_id)}/cancel").raise_for_status()
        _wait_for_status(client, request_id, "COMPLETED")
        _wait_until_idle(client)
        let_go.append(time.perf_counter() - began)
    return [
        Figure(
            what="idle worker picks up, p50", value=_p(waited, 50), unit="s", must=0.3, aim=0.1
        ),
        Figure(what="log line to reader, p50", value=_p(said, 50), unit="s", must=0.5, aim=0.2),
        Figure(
            what="cancel of a running job to a free worker, p50",
            value=_p(let_go, 50),
            unit="s",
            must=0.5,
            aim=0.2,
        ),
    ]


def _submits(client: httpx.Client, folder: Path) -> list[Figure]:
    seconds = []
    for _ in range(SUBMITS + WARM_UP_CALLS):
        began = time.perf_counter()
        request_id = _submit(client, {"prompt": "no image"}, {"X-Fal-Request-Timeout": "600"})
        seconds.append(time.perf_counter() - began)
    _wait_for_status(client, request_id, "COMPLETED")
    floor = (Floor(name="one durable commit", value=1000 * _commit_floor_s(folder)),)
    return [
        _milliseconds("submit, durable, p50", seconds[WARM_UP_CALLS:], 50, (10, 3), floor),
        _milliseconds("submit, durable, p99", seconds[WARM_UP_CALLS:], 99, (50, 20), floor),
    ]


async def _status_at_rate(server: Serving, client: httpx.Client) -> Figure:
    """Statuses of a finished request, asked for at a steady rate whatever the answers take."""
    request_id = _submit(client, {"prompt": "no image"})
    _wait_for_status(client, request_id, "COMPLETED")
    async with httpx.AsyncClient(
        base_url=server.url, headers=server.headers, timeout=30
    ) as asking:
        status = await _at_rate(asking, f"{_request(request_id)}/status")
        nothing = await _at_rate(asking, "/healthz")
    floor = (Floor(name="the same of /healthz", value=1000 * _p(nothing, 99)),)
    return _milliseconds("status at 200 requests/s, p99", status, 99, (25, 10), floor)


async def _at_rate(client: httpx.AsyncClient, path: str) -> list[float]:
    seconds: list[float] = []

    async def ask() -> None:
        began = time.perf_counter()
        (await client.get(path)).raise_for_status()
        seconds.append(time.perf_counter() - began)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as asks:
        for number in range(STATUS_RATE * STATUS_SECONDS):
            due = began + number / STATUS_RATE
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            asks.create_task(ask())
    return seconds[STATUS_RATE:]  # the first second warms connections up


def _long_queue(client: httpx.Client, server: Serving, queued: int) -> list[Figure]:
    """Many requests wait behind one that runs; then the last is asked where it is."""
    body = _body()
    ids = [_submit(client, body, NEVER_STARTS) for _ in range(queued)]
    seconds = []
    for _ in range(100):
        began = time.perf_counter()
        answer = client.get(f"{_request(ids[-1])}/status").json()
        seconds.append(time.perf_counter() - began)
    memory = tree_bytes(server.pid) / GIB
    behind = answer.get("queue_position", 0)
    return [
        _milliseconds(f"position behind {behind} requests, p50", seconds, 50, (10, 3), ()),
        Figure(
            what=f"memory with {queued} queued, whole process tree",
            value=memory,
            unit="GiB",
            must=1.5,
            aim=0.8,
        ),
    ]


def _milliseconds(
    what: str,
    seconds: Sequence[float],
    percent: int,
    marks: tuple[float, float],
    floors: tuple[Floor, ...],
) -> Figure:
    must, aim = marks
    value = 1000 * _p(seconds, percent)
    return Figure(what=what, value=value, unit="ms", must=must, aim=aim, floors=floors)


def _submit(
    client: httpx.Client, body: dict[str, object], headers: dict[str, str] | None = None
) -> str:
    answer = client.post(ENDPOINT, json=body, headers=headers)
    answer.raise_for_status()
    return str(answer.json()["request_id"])


def _request(request_id: str) -> str:
    return f"/queue/fal-ai/lyra-2/requests/{request_id}"


def _wait_for_status(client: httpx.Client, request_id: str, status: str) -> None:
    while client.get(f"{_request(request_id)}/status").json()["status"] not in (
        status,
        "COMPLETED",
    ):
        time.sleep(0.005)


def _log_latency_s(client: httpx.Client, request_id: str) -> float:
    """How old the newest line is when a reader sees it for the first time."""
    with client.stream("GET", f"{_request(request_id)}/status/stream?logs=1") as events:
        first = None
        for line in events.iter_lines():
            if line.startswith("data:") and '"logs":[{' in line.replace(" ", ""):
                seen_at = time.time()
                written_at = _newest_line_at(line)
                if first is not None:
                    return max(0.0, seen_at - written_at)
                first = written_at  # may have waited for us: the next one tells
    return float("nan")


def _newest_line_at(event: str) -> float:
    stamp = json.loads(event.removeprefix("data:"))["logs"][-1]["timestamp"]
    return datetime.datetime.fromisoformat(stamp).timestamp()


def _wait_until_idle(client: httpx.Client) -> None:
    """A request that is refused at once is answered as soon as the worker is free again."""
    request_id = _submit(client, {"prompt": "no image"})
    _wait_for_status(client, request_id, "COMPLETED")


def _commit_floor_s(folder: Path) -> float:
    """One row written so that it survives a power cut, on the disk of the server's data."""
    database = sqlite3.connect(folder / "floor.sqlite", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE floor (text)")
    seconds = []
    for _ in range(50):
        began = time.perf_counter()
        database.execute("INSERT INTO floor VALUES ('a request')")
        seconds.append(time.perf_counter() - began)
    database.close()
    return _p(seconds, 50)


def _cpu_s(pid: int) -> float:
    tree = psutil.Process(pid)
    times = [process.cpu_times() for process in (tree, *tree.children(recursive=True))]
    return sum(float(time.user + time.system) for time in times)


def _p(values: Sequence[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def _body() -> dict[str, object]:
    file = io.BytesIO()
    Image.fromarray(drawn_photograph()).resize((416, 240)).save(file, "JPEG")
    uri = "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
    return {"image_url": uri, "prompt": "a wall"}
