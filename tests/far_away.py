"""A place on the other side of a network cable that can be pulled out.

Needs root and the program `ip`: a network namespace, joined to ours by a pair of interfaces.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FarAway:
    """The place: its name, our address as seen from there, and its own."""

    name: str
    here: str
    there: str

    def command(self, *command: str) -> list[str]:
        """The same command, run there."""
        return ["ip", "netns", "exec", self.name, *command]

    def pull_the_cable(self) -> None:
        """From now on nothing arrives on either side, and nobody is told."""
        _ip("netns", "exec", self.name, "ip", "link", "set", f"{self.name}-b", "down")


@contextlib.contextmanager
def far_away() -> Iterator[FarAway | None]:
    """Such a place until the end of the block; None where it cannot be made."""
    number = os.getpid() % 60_000
    name = f"lz{number}"
    block = f"10.{213 + number // 16_384}.{number // 64 % 256}.{number % 64 * 4}"
    head, _, last = block.rpartition(".")
    place = FarAway(name, f"{head}.{int(last) + 1}", f"{head}.{int(last) + 2}")
    if os.geteuid() != 0 or shutil.which("ip") is None:
        yield None
        return
    try:
        _ip("netns", "add", name)
        yield place if _connect(place) else None
    finally:
        _ip("link", "del", f"{name}-a")
        _ip("netns", "del", name)


def _connect(place: FarAway) -> bool:
    ours, theirs = f"{place.name}-a", f"{place.name}-b"
    steps = (
        ("link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", place.name),
        ("addr", "add", f"{place.here}/30", "dev", ours),
        ("link", "set", ours, "up"),
        ("-n", place.name, "addr", "add", f"{place.there}/30", "dev", theirs),
        ("-n", place.name, "link", "set", theirs, "up"),
    )
    return all(_ip(*step) for step in steps)


def _ip(*words: str) -> bool:
    return subprocess.run(["ip", *words], capture_output=True).returncode == 0
