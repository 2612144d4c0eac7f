"""Files on their way in: an upload is opened, filled at once or part by part, and completed.

The id of an upload is the permission to fill it. Nobody can read anything before the end, and
the end happens once: whoever repeats it is told what the first one was told.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa

from lyra_zoom.contract.storage import Lifecycle, Part
from lyra_zoom.database import tables
from lyra_zoom.errors import LyraZoomError
from lyra_zoom.storage.files import DAY_S, ID, Files, NewFile, StoredFile, new_file_id
from lyra_zoom.storage.labels import clean_name, clean_type
from lyra_zoom.storage.landing import Landing, TooLarge
from lyra_zoom.storage.objects import ObjectMissing, ObjectStore
from lyra_zoom.storage.tokens import CdnTokens

FOLDER = "uploads"
OPEN_FOR_S = DAY_S
MOST_OPEN = 1000
"""Uploads of one key that may be open at once."""

MOST_PARTS = 10_000


class UploadProblem(StrEnum):
    """Why bytes are not taken."""

    UNKNOWN = "unknown"
    EXPIRED = "expired"
    ALREADY_THERE = "already there"
    WRONG_PARTS = "wrong parts"
    TOO_MANY = "too many"


class UploadRefused(LyraZoomError):
    """An upload cannot go on; the message tells its sender why."""

    def __init__(self, problem: UploadProblem, message: str) -> None:
        super().__init__(message)
        self.problem = problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that is expected; times are seconds since 1970."""

    upload_id: str
    file_id: str
    key_id: str
    file_name: str
    content_type: str
    lifecycle: str | None
    created_at: float
    expires_at: float
    completed_at: float | None = None

    def new_file(self) -> NewFile:
        """What the file will be."""
        lifecycle = Lifecycle.model_validate_json(self.lifecycle) if self.lifecycle else None
        return NewFile(
            key_id=self.key_id,
            file_name=self.file_name,
            content_type=self.content_type,
            lifecycle=lifecycle,
            file_id=self.file_id,
        )


class Uploads:
    """The uploads of everybody; no file may be larger than `limit` bytes."""

    def __init__(
        self, engine: sa.Engine, objects: ObjectStore, files: Files, limit: int
    ) -> None:
        self._engine = engine
        self._objects = objects
        self._files = files
        self.limit = limit
        self.tokens = CdnTokens(engine)

    def landing(self) -> Landing:
        """An empty scratch file as large as a file may be; use it in a `with`."""
        return self._objects.landing(self.limit)

    def open(self, new: NewFile, now: float) -> Upload:
        """Expect a file for a day; one key may have a thousand such open."""
        chosen = {"expiration_duration_seconds", "initial_acl"}
        upload = Upload(
            upload_id=secrets.token_urlsafe(32),
            file_id=new_file_id(),
            key_id=new.key_id,
            file_name=clean_name(new.file_name),
            content_type=clean_type(new.content_type),
            lifecycle=(
                new.lifecycle.model_dump_json(include=new.lifecycle.model_fields_set & chosen)
                if new.lifecycle
                else None
            ),
            created_at=now,
            expires_at=now + OPEN_FOR_S,
        )
        with self._engine.begin() as connection:
            columns = {name: getattr(upload, name) for name in upload.__slots__}
            connection.execute(sa.insert(tables.upload).values(columns))
            if self._count_open(connection, new.key_id, now) > MOST_OPEN:
                raise UploadRefused(
                    UploadProblem.TOO_MANY,
                    f"more than {MOST_OPEN} uploads of this key are unfinished",
                )
        return upload

    def find(self, upload_id: str, now: float, key_id: str | None = None) -> Upload:
        """The upload, while it is open to be filled; with `key_id`, only one of that key."""
        table = tables.upload
        if not ID.fullmatch(upload_id):
            raise UploadRefused(UploadProblem.UNKNOWN, "there is no such upload")
        with self._engine.connect() as connection:
            row = connection.execute(
                sa.select(table).where(table.c.upload_id == upload_id)
            ).one_or_none()
        if row is None or key_id not in (None, row.key_id):
            raise UploadRefused(UploadProblem.UNKNOWN, "there is no such upload")
        if row.expires_at <= now:
            raise UploadRefused(UploadProblem.EXPIRED, "this upload was left open too long")
        return Upload(**row._asdict())

    def put(self, upload: Upload, landing: Landing, now: float) -> StoredFile:
        """Fill an upload at once, and complete it; the same bytes again are fine."""
        stored = self._files.store(landing, upload.new_file(), now)
        first = self._finish(upload, stored, now)
        if first.sha256 != stored.sha256:
            raise UploadRefused(
                UploadProblem.ALREADY_THERE, "another file was uploaded to this address before"
            )
        return first

    def refuse_part(self, upload: Upload, number: int) -> None:
        """Raise what `put_part` would, before the bytes of the part have come."""
        if not 1 <= number <= MOST_PARTS:
            raise _wrong_parts(f"part numbers go from 1 to {MOST_PARTS}")
        if upload.completed_at is not None:
            raise UploadRefused(UploadProblem.ALREADY_THERE, "this upload is complete")

    def put_part(self, upload: Upload, number: int, landing: Landing) -> Part:
        """Fill one part; the same number again replaces it."""
        self.refuse_part(upload, number)
        key = f"{FOLDER}/{upload.file_id}/{number}-{secrets.token_hex(8)}"
        self._objects.put(key, landing)
        try:
            replaced = self._note_part(upload, number, key, landing)
        except BaseException:
            self._objects.delete(key)
            raise
        if replaced is not None:
            self._objects.delete(replaced)
        return Part(part_number=number, etag=landing.sha256)

    def complete(self, upload: Upload, parts: Sequence[Part], now: float) -> StoredFile:
        """Join the parts, named in any order, into the file."""
        try:
            return self._join(upload, parts, now)
        except (ObjectMissing, UploadRefused) as error:
            if self.find(upload.upload_id, now).completed_at is not None:
                return self._first_file(upload, now)
            if isinstance(error, ObjectMissing):
                raise _wrong_parts("a part was replaced while they were joined") from error
            raise

    def sweep(self, now: float) -> None:
        """Remove the parts of uploads that ran out, and a day later the uploads."""
        table, part = tables.upload, tables.upload_part
        abandoned = (
            sa.select(part.c.upload_id)
            .join(table, table.c.upload_id == part.c.upload_id)
            .where(table.c.expires_at <= now)
            .distinct()
        )
        with self._engine.connect() as connection:
            upload_ids = list(connection.execute(abandoned).scalars())
        for upload_id in upload_ids:
            self._remove_parts(upload_id)
        with self._engine.begin() as connection:
            connection.execute(sa.delete(table).where(table.c.expires_at <= now - DAY_S))
        self.tokens.sweep(now)

    def sweep_orphans(self, now: float) -> None:
        """Remove parts that no upload can need any more, because they are too old."""
        for facts in self._objects.list(FOLDER):
            if facts.modified_at < now - OPEN_FOR_S - DAY_S:
                self._objects.delete(facts.key)

    def _join(self, upload: Upload, parts: Sequence[Part], now: float) -> StoredFile:
        keys = self._keys_in_order(upload, parts)
        with self.landing() as landing:
            for key in keys:
                for piece in self._objects.pieces(key):
                    landing.write(piece)
            stored = self._files.store(landing, upload.new_file(), now)
        file = self._finish(upload, stored, now)
        self._remove_parts(upload.upload_id)
        return file

    def _count_open(self, connection: sa.Connection, key_id: str, now: float) -> int:
        table = tables.upload
        query = sa.select(sa.func.count()).where(
            table.c.key_id == key_id, table.c.completed_at.is_(None), table.c.expires_at > now
        )
        return connection.execute(query).scalar_one()

    def _finish(self, upload: Upload, stored: StoredFile, now: float) -> StoredFile:
        """Make the file visible, or, if somebody was faster, give that one's."""
        table = tables.upload
        try:
            with self._engine.begin() as connection:
                won = connection.execute(
                    sa.update(table)
                    .where(
                        table.c.upload_id == upload.upload_id, table.c.completed_at.is_(None)
                    )
                    .values(completed_at=now)
                ).rowcount
                if won:
                    self._files.record(connection, stored)
        except BaseException:
            self._objects.delete(stored.object_key)
            raise
        if won:
            return stored
        self._objects.delete(stored.object_key)
        return self._first_file(upload, now)

    def _first_file(self, upload: Upload, now: float) -> StoredFile:
        file = self._files.find(upload.file_id, now)
        if file is None:
            raise UploadRefused(UploadProblem.EXPIRED, "the uploaded file is no longer there")
        return file

    def _note_part(self, upload: Upload, number: int, key: str, landing: Landing) -> str | None:
        """Record a part and say which object it replaces; all together have to fit."""
        table = tables.upload_part
        mine = (table.c.upload_id == upload.upload_id, table.c.number == number)
        with self._engine.begin() as connection:
            replaced = connection.execute(
                sa.delete(table).where(*mine).returning(table.c.object_key)
            ).scalar_one_or_none()
            connection.execute(
                sa.insert(table).values(
                    upload_id=upload.upload_id,
                    number=number,
                    object_key=key,
                    etag=landing.sha256,
                    size=landing.size,
                )
            )
            total = connection.execute(
                sa.select(sa.func.sum(table.c.size)).where(
                    table.c.upload_id == upload.upload_id
                )
            ).scalar_one()
            if total > self.limit:
                raise TooLarge(self.limit)
        return replaced

    def _keys_in_order(self, upload: Upload, parts: Sequence[Part]) -> list[str]:
        """The objects of the parts, if exactly those were named that are there."""
        table = tables.upload_part
        query = sa.select(table).where(table.c.upload_id == upload.upload_id)
        with self._engine.connect() as connection:
            there = {row.number: row for row in connection.execute(query)}
        named = {part.part_number: part for part in parts}
        if len(named) != len(parts):
            raise _wrong_parts("a part is named twice")
        for number, part in named.items():
            if number not in there:
                raise _wrong_parts(f"part {number} was not uploaded")
            if part.etag.removeprefix("W/").strip('"') != there[number].etag:
                raise _wrong_parts(f"part {number} has another etag")
        if set(named) != set(range(1, max(len(there), len(named)) + 1)):
            raise _wrong_parts("not all parts are named, or a number is left out")
        return [there[number].object_key for number in sorted(named)]

    def _remove_parts(self, upload_id: str) -> None:
        table = tables.upload_part
        with self._engine.begin() as connection:
            mine = sa.delete(table).where(table.c.upload_id == upload_id)
            gone = list(connection.execute(mine.returning(table.c.object_key)).scalars())
        for key in gone:
            self._objects.delete(key)


def _wrong_parts(message: str) -> UploadRefused:
    return UploadRefused(UploadProblem.WRONG_PARTS, message)
