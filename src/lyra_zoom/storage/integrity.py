"""No wrong byte leaves as a success: an object is read whole and compared before it is given.

What was found right is remembered for an hour, by key and version, so that a video that is
watched in pieces is read twice only once.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

from lyra_zoom.errors import LyraZoomError
from lyra_zoom.storage.objects import ObjectMissing, ObjectStore

TRUSTED_S = 3600.0
MOST_REMEMBERED = 10_000
LANES = 16

log = logging.getLogger(__name__)


class FileDamaged(LyraZoomError):
    """The stored bytes are not those that were stored."""


@dataclass(frozen=True, slots=True)
class _Seen:
    version: str
    at_s: float


class Integrity:
    """Compares objects with what they were when they were stored."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        self._seen: OrderedDict[str, _Seen] = OrderedDict()
        self._lanes = tuple(threading.Lock() for _ in range(LANES))
        self._book = threading.Lock()

    def check(self, key: str, size: int, sha256: str | None) -> None:
        """Raise `FileDamaged` unless the object is there and unchanged.

        Readers of the same object wait for one comparison instead of each making their own.
        """
        try:
            facts = self._objects.facts(key)
            if self._is_trusted(key, facts.version):
                return
            with self._lanes[hash(key) % LANES]:
                if self._is_trusted(key, facts.version):
                    return
                if facts.size != size or sha256 not in (None, self._hash_of(key)):
                    raise _damaged(key)
                self._remember(key, facts.version)
        except ObjectMissing as error:
            raise _damaged(key) from error

    def read(self, key: str, sha256: str | None) -> bytes:
        """A whole object, compared; for small ones."""
        try:
            data = self._objects.read(key)
        except ObjectMissing as error:
            raise _damaged(key) from error
        if sha256 not in (None, hashlib.sha256(data).hexdigest()):
            raise _damaged(key)
        return data

    def _hash_of(self, key: str) -> str:
        digest = hashlib.sha256()
        for piece in self._objects.pieces(key):
            digest.update(piece)
        return digest.hexdigest()

    def _is_trusted(self, key: str, version: str) -> bool:
        with self._book:
            seen = self._seen.get(key)
        return (
            seen is not None
            and seen.version == version
            and time.monotonic() - seen.at_s < TRUSTED_S
        )

    def _remember(self, key: str, version: str) -> None:
        with self._book:
            self._seen[key] = _Seen(version, time.monotonic())
            self._seen.move_to_end(key)
            if len(self._seen) > MOST_REMEMBERED:
                self._seen.popitem(last=False)


def _damaged(key: str) -> FileDamaged:
    log.error("a stored object is damaged or missing key=%s", key)
    return FileDamaged("the stored file is damaged and is not given out")
