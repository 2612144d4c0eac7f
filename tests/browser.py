"""A real Chromium without a window, and what a page must never do in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = (
    "--no-sandbox",  # tests may run as root
    "--disable-dev-shm-usage",
    "--disable-gpu",
)
WAIT_MS = 60_000


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser of this machine; skips where there is none."""
    found = CHROMIUM if CHROMIUM.exists() else shutil.which("chromium-browser")
    if found is None:
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield browser
        browser.close()


@dataclass(slots=True)
class Behaviour:
    """What a page has done: requests that left its origin, and errors it did not expect."""

    origin: str
    strangers: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        """Listen to everything the page asks for and complains about."""
        page.on("request", lambda request: self._asked_for(request.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda line: self._wrote(line.type, line.text))

    def _asked_for(self, url: str) -> None:
        if not url.startswith((f"{self.origin}/", "blob:", "data:")):
            self.strangers.append(url)

    def _wrote(self, kind: str, text: str) -> None:
        is_refusal = text.startswith(
            "Failed to load resource"
        )  # a status, which the page shows
        if kind == "error" and not is_refusal:
            self.errors.append(text)
