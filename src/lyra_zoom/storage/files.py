"""What we keep for people: bytes with an owner, a name, a type and an end, at our address.

The address is the permission to read: its id cannot be guessed. Access rules narrow that.
"""

from __future__ import annotations

import logging
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import sqlalchemy as sa

from lyra_zoom.contract.storage import Acl, Lifecycle
from lyra_zoom.database import tables
from lyra_zoom.errors import InputRejected, LyraZoomError
from lyra_zoom.storage.integrity import Integrity
from lyra_zoom.storage.labels import clean_name, type_of
from lyra_zoom.storage.landing import Landing
from lyra_zoom.storage.objects import NO_LIMIT, ObjectStore, pieces_of

FOLDER = "files"
DAY_S = 86_400.0
LARGEST_READ_BYTES = 64 * 2**20
"""What `read_own` takes into memory: as much as is fetched from elsewhere."""

BATCH = 500

log = logging.getLogger(__name__)

ID = re.compile(r"[A-Za-z0-9_-]{16,64}")
"""What ids of files and uploads look like; for others the database is not even asked."""

_PATH = re.compile(rf".*/cdn/files/b/({ID.pattern})(/[^/]*)?")


class FileForbidden(LyraZoomError):
    """The owner of a file does not let this caller read it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFile:
    """What is known of a file before its bytes."""

    key_id: str
    file_name: str
    content_type: str | None = None
    lifecycle: Lifecycle | None = None
    file_id: str | None = None  # chosen here unless its address was promised before


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file we keep; times are seconds since 1970."""

    file_id: str
    key_id: str
    object_key: str
    file_name: str
    content_type: str
    size: int
    sha256: str
    acl: Acl | None
    created_at: float
    expires_at: float | None


class Files:
    """The files of everybody; `keep_s` is how long one lives whose owner did not say."""

    def __init__(self, engine: sa.Engine, objects: ObjectStore, keep_s: float) -> None:
        self._engine = engine
        self._objects = objects
        self._keep_s = keep_s
        self._integrity = Integrity(objects)

    def keep(self, content: bytes | Path, new: NewFile, now: float) -> StoredFile:
        """Store bytes, or a copy of a file, under an address of its own."""
        with self._objects.landing(NO_LIMIT) as landing:
            for piece in (content,) if isinstance(content, bytes) else pieces_of(content):
                landing.write(piece)
            return self.keep_landed(landing, new, now)

    def keep_landed(self, landing: Landing, new: NewFile, now: float) -> StoredFile:
        """The same for bytes that have already landed."""
        file = self.store(landing, new, now)
        try:
            with self._engine.begin() as connection:
                self.record(connection, file)
        except BaseException:
            self._objects.delete(file.object_key)
            raise
        return file

    def store(self, landing: Landing, new: NewFile, now: float) -> StoredFile:
        """The first half of keeping: the bytes are safe, but nobody can find them yet.

        Without `record` they are removed as an orphan a day later.
        """
        file = StoredFile(
            file_id=new.file_id or new_file_id(),
            key_id=new.key_id,
            object_key=f"{FOLDER}/{secrets.token_hex(20)}",
            file_name=clean_name(new.file_name),
            content_type=type_of(new.content_type, landing.head),
            size=landing.size,
            sha256=landing.sha256,
            acl=new.lifecycle.initial_acl if new.lifecycle else None,
            created_at=now,
            expires_at=self._end_of_life(new.lifecycle, now),
        )
        self._objects.put(file.object_key, landing)
        return file

    def record(self, connection: sa.Connection, file: StoredFile) -> None:
        """The second half: from the end of this transaction on the file can be found."""
        acl = file.acl.model_dump_json() if file.acl else None
        columns = {name: getattr(file, name) for name in file.__slots__}
        connection.execute(sa.insert(tables.stored_file).values(columns | {"acl": acl}))

    def find(self, file_id: str, now: float) -> StoredFile | None:
        """The file, unless it is unknown or its time is over."""
        if not ID.fullmatch(file_id):
            return None
        table = tables.stored_file
        with self._engine.connect() as connection:
            row = connection.execute(
                sa.select(table).where(table.c.file_id == file_id)
            ).one_or_none()
        file = None if row is None else _file_of(row)
        return file if file and _is_alive(file, now) else None

    def readable(self, file_id: str, reader: str | None, now: float) -> StoredFile | None:
        """The file as this caller may see it; a hidden one is as if it did not exist."""
        file = self.find(file_id, now)
        decision = "hide" if file is None else _decision(file, reader)
        if decision == "forbid":
            raise FileForbidden("the owner of this file does not let you read it")
        return file if decision == "allow" else None

    def check(self, file: StoredFile) -> None:
        """Raise `FileDamaged` if these are not the bytes that were stored; may read all."""
        self._integrity.check(file.object_key, file.size, file.sha256)

    def read_range(self, file: StoredFile, start: int, end: int) -> bytes:
        """The bytes from `start` up to, not including, `end`."""
        return self._objects.read_range(file.object_key, start, end)

    def url_of(self, file: StoredFile, base_url: str) -> str:
        """The address to give out."""
        return url_of_file(base_url, file.file_id, file.file_name)

    def read_own(
        self, url: str, base_url: str, now: float, reader: str | None = None
    ) -> bytes | None:
        """The bytes behind an address of ours, without a socket; None for any other address.

        The host of the address does not matter when the id is one of ours, since only we give
        ids out. An address under `base_url` that leads to nothing is refused.
        """
        file_id = _file_id_in(url)
        if file_id is None:
            return None
        try:
            file = self.readable(file_id, reader, now)
        except FileForbidden as error:
            raise _unreadable(str(error)) from error
        if file is None:
            if url.lower().startswith(base_url.lower().rstrip("/") + "/cdn/"):
                raise _unreadable("there is no such file here, or no longer")
            return None
        if file.size > LARGEST_READ_BYTES:
            raise InputRejected(
                "image_url",
                f"the image file is larger than {LARGEST_READ_BYTES / 2**20:g} MiB",
                "file_too_large",
                {"max_size": LARGEST_READ_BYTES},
            )
        return self._integrity.read(file.object_key, file.sha256)

    def delete(self, file_id: str) -> None:
        """Remove a file; one that is not there is fine."""
        table = tables.stored_file
        with self._engine.begin() as connection:
            key = connection.execute(
                sa.delete(table).where(table.c.file_id == file_id).returning(table.c.object_key)
            ).scalar_one_or_none()
        if key is not None:
            self._objects.delete(key)

    def sweep(self, now: float) -> int:
        """Remove every file whose time is over; says how many."""
        table, removed = tables.stored_file, 0
        while rows := self._expired(now):
            for _, object_key in rows:
                self._objects.delete(object_key)
            with self._engine.begin() as connection:
                ids = [file_id for file_id, _ in rows]
                connection.execute(sa.delete(table).where(table.c.file_id.in_(ids)))
            removed += len(rows)
        if removed:
            log.info("removed files whose time was over count=%d", removed)
        return removed

    def sweep_orphans(self, now: float) -> int:
        """Remove objects older than a day that belong to no file; reads the whole list."""
        removed, batch = 0, list[str]()
        for facts in self._objects.list(FOLDER):
            if facts.modified_at < now - DAY_S:
                batch.append(facts.key)
            if len(batch) == BATCH:
                removed += self._remove_orphans(batch)
                batch.clear()
        removed += self._remove_orphans(batch)
        if removed:
            log.info("removed objects that belong to no file count=%d", removed)
        return removed

    def _expired(self, now: float) -> list[tuple[str, str]]:
        table = tables.stored_file
        query = sa.select(table.c.file_id, table.c.object_key).where(table.c.expires_at < now)
        with self._engine.connect() as connection:
            return [(row[0], row[1]) for row in connection.execute(query.limit(BATCH))]

    def _remove_orphans(self, keys: list[str]) -> int:
        column = tables.stored_file.c.object_key
        with self._engine.connect() as connection:
            known = set(connection.execute(sa.select(column).where(column.in_(keys))).scalars())
        orphans = [key for key in keys if key not in known]
        for key in orphans:
            self._objects.delete(key)
        return len(orphans)

    def _end_of_life(self, lifecycle: Lifecycle | None, now: float) -> float | None:
        if lifecycle is None or "expiration_duration_seconds" not in lifecycle.model_fields_set:
            return now + self._keep_s
        duration_s = lifecycle.expiration_duration_seconds
        return None if duration_s is None else now + duration_s


def new_file_id() -> str:
    """An id of 192 random bits."""
    return secrets.token_urlsafe(24)


def url_of_file(base_url: str, file_id: str, file_name: str) -> str:
    """The address of a file, which may be promised before its bytes are there."""
    return f"{base_url.rstrip('/')}/cdn/files/b/{file_id}/{quote(file_name, safe='')}"


def _file_of(row: sa.Row[Any]) -> StoredFile:
    columns = row._asdict()
    acl = Acl.model_validate_json(columns["acl"]) if columns["acl"] else None
    return StoredFile(**columns | {"acl": acl})


def _is_alive(file: StoredFile, now: float) -> bool:
    return file.expires_at is None or now < file.expires_at


def _decision(file: StoredFile, reader: str | None) -> str:
    """What the owner decided about this caller; the owner always reads."""
    if file.acl is None or reader == file.key_id:
        return "allow"
    if reader is not None:
        for rule in file.acl.rules:
            if rule.user == reader:
                return rule.decision
    return file.acl.default


def _file_id_in(url: str) -> str | None:
    with suppress(ValueError):
        parts = urlsplit(url)
        match = _PATH.fullmatch(parts.path)
        if match and parts.scheme in ("http", "https"):
            return match[1]
    return None


def _unreadable(reason: str) -> InputRejected:
    return InputRejected(
        "image_url", f"cannot fetch the image: {reason}", "file_download_error"
    )
