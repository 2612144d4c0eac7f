"""A disk of its own for a test, so small that it can be filled; needs root."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """A folder with a few MiB of space."""

    folder: Path

    @property
    def _filler(self) -> Path:
        return self.folder / "filler"

    def fill(self) -> None:
        """Leave not one byte."""
        with self._filler.open("ab", buffering=0) as file:
            for size in (2**16, 1):
                with contextlib.suppress(OSError):  # there is no more space
                    while True:
                        file.write(bytes(size))

    def make_room(self) -> None:
        """Free what was filled."""
        self._filler.unlink()

    def allow_writing(self, allowed: bool) -> None:
        """Mount it again, perhaps only for reading."""
        _mount("-o", f"remount,{'rw' if allowed else 'ro'}", str(self.folder))


@contextlib.contextmanager
def small_disk(folder: Path, mib: int = 24) -> Iterator[SmallDisk]:
    """Such a disk at this folder until the end of the block; skips the test without root."""
    folder.mkdir(parents=True)
    if os.geteuid() != 0 or not _mount(
        "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", str(folder)
    ):
        pytest.skip("needs root, to mount a small disk")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def _mount(*words: str) -> bool:
    return subprocess.run(["mount", *words], capture_output=True).returncode == 0
