"""Many machines on one: processes of `lyra-zoom api` and workers that share only what is given.

Every process has a data folder of its own, as on a machine of its own, unless it is told one.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import psutil

from lyra_zoom.contract.zoom import ENDPOINT_ID
from tests.official_clients import ZOOM
from tests.service import KEY, still_running

WITHIN_S = 120.0
REQUESTS = "/queue/fal-ai/lyra-2/requests"


def seconds_until(holds: Callable[[], object], within_s: float = WITHIN_S) -> float:
    """How long it takes until something holds."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < within_s, "it did not happen in time"
        time.sleep(0.05)
    return time.monotonic() - began


def clean_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of this process with these settings of ours, and no others."""
    kept = {name: value for name, value in os.environ.items() if "LYRA_ZOOM" not in name}
    return kept | {f"LYRA_ZOOM_{name.upper()}": value for name, value in settings.items()}


class Machine:
    """One process and its data folder; whatever it says is in `log`."""

    prefix: tuple[str, ...] = ()
    """What the command is started by, if not directly."""

    def __init__(
        self, folder: Path, command: list[str], environment: Mapping[str, str]
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.data = Path(environment.get("LYRA_ZOOM_DATA") or folder / "data")
        self.log = folder / "log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.prefix, sys.executable, "-m", *command],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env={**environment, "LYRA_ZOOM_DATA": str(self.data)},
                start_new_session=True,
            )

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def tree(self) -> list[psutil.Process]:
        """The process and everything below it."""
        process = psutil.Process(self.process.pid)
        return [process, *process.children(recursive=True)]

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the whole machine."""
        for process in self.tree():
            process.send_signal(number)

    def stop(self, within_s: float = 20) -> int:
        """Ask it to stop; returns its exit status. One that ended already is fine."""
        if self.process.poll() is not None:
            return self.process.returncode
        below = self.tree()
        self.process.terminate()
        status = self.process.wait(within_s)
        alive = still_running(below, timeout_s=10)
        assert not alive, f"left running: {alive}"
        return status


class Api(Machine):
    """`lyra-zoom api`, and what a program asks it by plain HTTP."""

    def __init__(
        self, folder: Path, environment: Mapping[str, str], host: str = "127.0.0.1"
    ) -> None:
        command = ["lyra_zoom", "api", "--port", "0", "--host", host]
        super().__init__(folder, command, environment)
        self.url = ""
        self.http = httpx.Client()

    def wait_until_ready(self) -> None:
        """Wait for its address."""
        seconds_until(lambda: "ready http" in self.said())
        self.url = self.said().partition("ready ")[2].split()[0]
        self.http.close()
        self.http = httpx.Client(
            base_url=self.url, headers={"Authorization": f"Key {KEY}"}, timeout=30
        )

    def stop(self, within_s: float = 20) -> int:
        """Ask it to stop, as any machine."""
        self.http.close()
        return super().stop(within_s)

    def submit(self, webhook: str = "", **fields: object) -> str:
        """The id of a request that was accepted."""
        answer = self.http.post(
            f"/queue/{ENDPOINT_ID}",
            params={"fal_webhook": webhook} if webhook else None,
            json={**ZOOM, **fields},
        )
        answer.raise_for_status()
        request_id: str = answer.json()["request_id"]
        return request_id

    def status(self, request_id: str) -> dict[str, Any]:
        """Where a request is, with its lines."""
        answer = self.http.get(f"{REQUESTS}/{request_id}/status", params={"logs": 1})
        found: dict[str, Any] = answer.json()
        return found

    def lines(self, request_id: str) -> list[str]:
        """What the work on a request has said."""
        return [line["message"] for line in self.status(request_id).get("logs") or ()]

    def percents(self, request_id: str) -> list[int]:
        """The shares done that the work on a request has told, in order."""
        heads = [line.partition("%")[0] for line in self.lines(request_id)]
        return [int(head) for head in heads if head.isdigit()]

    def result(self, request_id: str) -> httpx.Response:
        """The answer, once there is one."""
        seconds_until(lambda: self.status(request_id)["status"] == "COMPLETED")
        return self.http.get(f"{REQUESTS}/{request_id}")

    def cancel(self, request_id: str) -> httpx.Response:
        """Ask for the end of a request."""
        return self.http.put(f"{REQUESTS}/{request_id}/cancel")


class Worker(Machine):
    """A worker with a slow and simple engine; `name` is its executor id."""

    def __init__(
        self, folder: Path, name: str, environment: Mapping[str, str], kind: str = "slow"
    ) -> None:
        super().__init__(folder, ["tests.slow_worker", name, kind], environment)
        self.name = name

    def has(self, request_id: str) -> bool:
        """Whether it works on this request now."""
        return (self.data / "scratch" / self.name / request_id).is_dir()
