"""Files that appear only when they are whole: an error or Ctrl-C leaves nothing behind."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lyra_zoom.errors import OutputRejected


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """An empty file beside `target` to write into; it becomes `target` when the block ends.

    A missing folder is made. A place that cannot be written raises `OutputRejected`, as does
    a full disk.
    """
    if target.is_dir():
        raise OutputRejected(f"output: {target} is a folder; name a file")
    try:
        part = _part_beside(target)
    except OSError as error:
        raise _cannot_write(target, error) from error
    try:
        yield part
        part.chmod(0o666 & ~_umask())
        part.replace(target)
    except OSError as error:
        if error.filename not in (None, str(part)):
            raise  # about some other file
        raise _cannot_write(target, error) from error
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def folder_beside(target: Path) -> Iterator[Path]:
    """A folder for parts of `target`, on the same disk; it is gone when the block ends."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".lyra-zoom-") as name:
        yield Path(name)


def _part_beside(target: Path) -> Path:
    """In the same folder, so that moving it is one step; under a name nobody else has."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        dir=target.parent, prefix=".lyra-zoom-", suffix=".part", delete=False
    ) as part:
        return Path(part.name)


def _umask() -> int:
    """What the person's files may be: temporary files are private, finished ones are not."""
    umask = os.umask(0)
    os.umask(umask)
    return umask


def _cannot_write(target: Path, error: OSError) -> OutputRejected:
    reason = (error.strerror or str(error)).lower()
    return OutputRejected(f"output: cannot write {target}: {reason}")
