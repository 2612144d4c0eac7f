"""Files that are whole on the disk before they have their name, and how much room they need."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lyra_zoom.engines.lyra2.installed import StoredFile
from lyra_zoom.errors import OutputRejected

PART_SUFFIX = ".part"
SPARE_BYTES = 2**30
"""Left free for everything else on the disk."""

COPIED_AT_ONCE = 2**24


@contextmanager
def written_whole(target: Path) -> Iterator[Path]:
    """A path to write to; it becomes `target` once its bytes are on the disk, after the block.

    An error leaves nothing. A place that cannot be written raises `OutputRejected`.
    """
    part = target.with_name(target.name + PART_SUFFIX)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield part
        _synchronise(part)
        part.replace(target)
        _synchronise(target.parent)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OutputRejected(f"cannot write {target}: {reason}") from error
    finally:
        part.unlink(missing_ok=True)


def copied(source: Path, target: Path, tell: Callable[[int], None]) -> StoredFile:
    """A copy of a file; `tell` hears of every piece of it, in bytes."""
    digest = hashlib.sha256()
    with written_whole(target) as part, source.open("rb") as old, part.open("wb") as new:
        while piece := old.read(COPIED_AT_ONCE):
            new.write(piece)
            digest.update(piece)
            tell(len(piece))
    return StoredFile(bytes=target.stat().st_size, sha256=digest.hexdigest())


def stored(file: Path, tell: Callable[[int], None] = lambda count: None) -> StoredFile:
    """What a file is now; reads all of it."""
    digest, count = hashlib.sha256(), 0
    with file.open("rb") as opened:
        while piece := opened.read(COPIED_AT_ONCE):
            digest.update(piece)
            count += len(piece)
            tell(len(piece))
    return StoredFile(bytes=count, sha256=digest.hexdigest())


def need_room(folder: Path, count: int, what: str) -> None:
    """Raise `OutputRejected` unless the disk has room for so many bytes, and some to spare."""
    existing = next(place for place in (folder, *folder.absolute().parents) if place.is_dir())
    free = shutil.disk_usage(existing).free
    if free < count + SPARE_BYTES:
        raise OutputRejected(
            f"{what} needs {in_gigabytes(count + SPARE_BYTES)} in {folder}, and "
            f"{in_gigabytes(free)} are free; LYRA_ZOOM_LYRA2_WEIGHTS names another place"
        )


def in_gigabytes(count: int) -> str:
    """How a person reads a number of bytes."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"


def _synchronise(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
