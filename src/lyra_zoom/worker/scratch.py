"""A folder for the files a worker has in hand; what dead workers left is removed."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lyra_zoom.errors import DataFolderTaken

LOCK = ".lock"


@contextmanager
def open_scratch(parent: Path, name: str) -> Iterator[Path]:
    """An empty folder of this name, ours until the block ends; it is gone then.

    Where a live worker has this name, `DataFolderTaken`.
    """
    parent.mkdir(parents=True, exist_ok=True)
    for folder in parent.iterdir():
        _remove_if_left(folder)
    folder = parent / name
    folder.mkdir(exist_ok=True)
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _lock(descriptor, name)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, name: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise DataFolderTaken(
            f"another worker of the name {name} works in this data folder"
        ) from error


def _remove_if_left(folder: Path) -> None:
    """Remove a folder that no live worker holds; the lock ends with its process."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return  # not one of ours, or another worker was faster
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    else:
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(descriptor)
