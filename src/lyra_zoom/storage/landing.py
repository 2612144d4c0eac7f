"""Bytes on their way in: a scratch file that is gone again unless somebody stores it.

Every landing holds a lock on its file while it is open, so that what a crash left behind can
be told from what another process is just writing.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from lyra_zoom.errors import LyraZoomError, NotPossibleNow

HEAD_BYTES = 64
"""What a landing remembers of its beginning: enough to tell kinds of files apart."""

TRIES = 20
"""A folder that somebody else finds empty is removed, perhaps just when it is made again."""

log = logging.getLogger(__name__)


class TooLarge(LyraZoomError):
    """More bytes came than are allowed."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the file is larger than {limit / 2**20:g} MiB")
        self.limit = limit


class Landing:
    """A scratch file being filled; counts and hashes what is written, up to `limit` bytes."""

    def __init__(self, folder: Path, limit: int) -> None:
        with writing():
            folder.mkdir(parents=True, exist_ok=True)
            self._descriptor, self.path = _open_locked(folder)
        self.limit = limit
        self.size = 0
        self.head = b""
        self._hash = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """The hash of what has been written so far, in hex."""
        return self._hash.hexdigest()

    def write(self, piece: bytes) -> None:
        """Append; past the limit nothing is written and `TooLarge` is raised."""
        if self.size + len(piece) > self.limit:
            raise TooLarge(self.limit)
        with writing():
            left = memoryview(piece)
            while left:
                left = left[os.write(self._descriptor, left) :]
        self._hash.update(piece)
        self.head += piece[: HEAD_BYTES - len(self.head)]
        self.size += len(piece)

    def move_to(self, target: Path) -> None:
        """Make it the file `target`, which survives a power cut from here on."""
        with writing():
            os.fsync(self._descriptor)
            for attempt in range(TRIES):
                try:
                    _make_folder(target.parent)
                    self.path.replace(target)
                    break
                except (FileNotFoundError, FileExistsError):
                    if attempt == TRIES - 1 or not self.path.exists():
                        raise
            sync_folder(target.parent)

    def close(self) -> None:
        """Forget the scratch file, if it was not moved away."""
        self.path.unlink(missing_ok=True)
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def sweep_landings(folder: Path) -> int:
    """Remove what crashed processes left behind; says how many files that were."""
    removed = 0
    for path in folder.glob("*.part") if folder.is_dir() else ():
        try:
            descriptor = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
            removed += 1
        except BlockingIOError:
            continue  # somebody is writing it
        finally:
            os.close(descriptor)
    if removed:
        log.info("removed unfinished files count=%d", removed)
    return removed


@contextmanager
def writing() -> Iterator[None]:
    """Say in one sentence why the store cannot be written."""
    try:
        yield
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        log.warning("cannot write to the store reason=%s", reason)
        raise NotPossibleNow(f"the file cannot be stored now: {reason}") from error


def sync_folder(folder: Path) -> None:
    """Make what was just created, renamed or removed in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _open_locked(folder: Path) -> tuple[int, Path]:
    """A new file and the lock on it; a sweep may remove it in between, then once more."""
    while True:
        path = folder / f"{secrets.token_hex(16)}.part"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError:
            os.close(descriptor)
            path.unlink(missing_ok=True)
            raise
        if os.fstat(descriptor).st_nlink:
            return descriptor, path
        os.close(descriptor)


def _make_folder(folder: Path) -> None:
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for each in missing:
        sync_folder(each.parent)
