"""The bytes under their keys: a folder on one machine, a bucket when there are many.

Knows nothing of names, owners or types. Whatever is written lands in a scratch file first, so
that nobody ever sees half an object, and a folder is synchronised before an object appears in
it: obstore's own folder writer is not used because it leaves that out.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from lyra_zoom.errors import LyraZoomError, NotPossibleNow, SettingRejected
from lyra_zoom.settings import Settings
from lyra_zoom.storage.landing import Landing, sweep_landings

PIECE_BYTES = 2**20
"""What is read at once: small enough for many readers, large enough for a bucket far away."""

NO_LIMIT = 2**63

AT_ONCE = 4
"""Pieces of five MiB that one writer has on their way to a bucket."""

_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*){0,7}")
_LONGEST_KEY = 400

Answer = TypeVar("Answer")

log = logging.getLogger(__name__)


class ObjectMissing(LyraZoomError):
    """There is no object under this key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectFacts:
    """What is known of an object without reading it; a rewritten one has another `version`."""

    key: str
    size: int
    version: str
    modified_at: float


def open_objects(settings: Settings) -> ObjectStore:
    """The store that the settings name; what crashes left half written is removed.

    A bucket takes its credentials and its endpoint from the usual `AWS_…` variables.
    """
    url = urlsplit(settings.storage_url or "")
    if url.scheme != "s3":
        folder = Path(unquote(url.path)) if url.path else settings.data / "objects"
        return ObjectStore(_open_folder(folder), scratch=folder / ".incoming", folder=folder)
    if not url.netloc:
        raise SettingRejected("LYRA_ZOOM_STORAGE_URL: s3:// needs the name of a bucket")
    return ObjectStore(_open_bucket(url.netloc, url.path), scratch=settings.data / "incoming")


class ObjectStore:
    """Reads and writes objects; any number of threads and processes may share a store."""

    def __init__(
        self, store: LocalStore | S3Store, *, scratch: Path, folder: Path | None = None
    ) -> None:
        self._store = store
        self._scratch = scratch
        self._folder = folder
        sweep_landings(scratch)

    def landing(self, limit: int = NO_LIMIT) -> Landing:
        """An empty scratch file for at most `limit` bytes; use it in a `with`."""
        return Landing(self._scratch, limit)

    def put(self, key: str, landing: Landing) -> None:
        """Store what has landed under this key, whole or not at all."""
        checked = _checked(key)
        if self._folder is not None:
            landing.move_to(self._folder / checked)
        else:
            _asking(
                lambda: obstore.put(self._store, checked, landing.path, max_concurrency=AT_ONCE)
            )

    def put_bytes(self, key: str, data: bytes) -> None:
        """Store these bytes."""
        self.put_stream(key, (data,))

    def put_file(self, key: str, path: Path) -> None:
        """Store a copy of a file."""
        self.put_stream(key, pieces_of(path))

    def put_stream(self, key: str, pieces: Iterable[bytes], limit: int = NO_LIMIT) -> int:
        """Store what an iterator yields and say how many bytes it was.

        Past `limit` bytes, or when the iterator fails, nothing is stored.
        """
        _checked(key)
        with self.landing(limit) as landing:
            for piece in pieces:
                landing.write(piece)
            self.put(key, landing)
            return landing.size

    def facts(self, key: str) -> ObjectFacts:
        """Size and version; a key without an object raises `ObjectMissing`."""
        checked = _checked(key)
        return _facts(_asking(lambda: obstore.head(self._store, checked)))

    def size(self, key: str) -> int:
        """Bytes of an object."""
        return self.facts(key).size

    def read(self, key: str) -> bytes:
        """A whole object; for small ones."""
        checked = _checked(key)
        return _asking(lambda: bytes(obstore.get(self._store, checked).bytes()))

    def read_range(self, key: str, start: int, end: int) -> bytes:
        """The bytes from `start` up to, not including, `end`; fewer where the object ends."""
        checked = _checked(key)
        if end <= start:
            return b""
        return _asking(
            lambda: bytes(obstore.get_range(self._store, checked, start=start, end=end))
        )

    def pieces(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The same bytes, a piece at a time; a slow reader keeps nothing open."""
        stop = self.size(key) if end is None else end
        for at in range(start, stop, PIECE_BYTES):
            yield self.read_range(key, at, min(at + PIECE_BYTES, stop))

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is fine."""
        checked = _checked(key)
        try:
            _asking(lambda: obstore.delete(self._store, checked))
        except ObjectMissing:
            return

    def list(self, prefix: str) -> Iterator[ObjectFacts]:
        """Every object whose key begins with the folder `prefix`."""
        batches = _asking(lambda: iter(obstore.list(self._store, _checked(prefix))))
        while batch := _asking(lambda: next(batches, None)):
            yield from (_facts(meta) for meta in batch)

    def sweep(self) -> int:
        """Remove what crashed processes left half written; says how many files."""
        return sweep_landings(self._scratch)


def pieces_of(path: Path) -> Iterator[bytes]:
    """A file, a piece at a time."""
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            yield piece


def _asking(question: Callable[[], Answer]) -> Answer:
    """Ask the store, and say in our words what went wrong."""
    try:
        return question()
    except FileNotFoundError as error:
        raise ObjectMissing("there is no such object") from error
    except (BaseError, OSError) as error:
        log.warning("the object store failed error=%s", _first_line(error))
        raise NotPossibleNow("the object store cannot be read or written now") from error


def _checked(key: str) -> str:
    if len(key) > _LONGEST_KEY or not _KEY.fullmatch(key):
        raise ValueError(f"not a key of an object: {key[:80]!r}")
    return key


def _facts(meta: obstore.ObjectMeta) -> ObjectFacts:
    modified_at = meta["last_modified"].timestamp()
    version = meta["e_tag"] or f"{modified_at}-{meta['size']}"
    return ObjectFacts(
        key=meta["path"], size=meta["size"], version=version, modified_at=modified_at
    )


def _open_folder(folder: Path) -> LocalStore:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise NotPossibleNow(
            f"the folder of the stored files cannot be made: {reason}"
        ) from error
    return LocalStore(folder, automatic_cleanup=True)


def _open_bucket(bucket: str, path: str) -> S3Store:
    prefix = unquote(path).strip("/")
    return S3Store(
        bucket,
        prefix=prefix or None,
        client_options={  # whether http is spoken, the endpoint in the environment decides
            "allow_http": True,
            "connect_timeout": timedelta(seconds=5),
            "timeout": timedelta(seconds=60),
        },
        retry_config={"max_retries": 4, "retry_timeout": timedelta(seconds=30)},
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
