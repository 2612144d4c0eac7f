from __future__ import annotations

import threading
import time

import pytest
import sqlalchemy as sa

from lyra_zoom.contract.storage import Lifecycle, Part
from lyra_zoom.database import tables
from lyra_zoom.jobs.keys import Keys
from lyra_zoom.settings import Settings
from lyra_zoom.storage.files import DAY_S, Files, NewFile, StoredFile
from lyra_zoom.storage.landing import TooLarge
from lyra_zoom.storage.objects import ObjectStore, open_objects
from lyra_zoom.storage.tokens import TOKEN_LIFE_S
from lyra_zoom.storage.uploads import (
    MOST_OPEN,
    OPEN_FOR_S,
    Upload,
    UploadProblem,
    UploadRefused,
    Uploads,
)
from tests.buckets import database_url, store_settings  # noqa: F401  # fixtures

NOW = time.time()
LIMIT = 1000
ANNA = NewFile(key_id="anna", file_name="harbour.txt", content_type="text/plain")


@pytest.fixture
def objects(store_settings: Settings) -> ObjectStore:  # noqa: F811
    return open_objects(store_settings)


@pytest.fixture
def files(engine: sa.Engine, objects: ObjectStore) -> Files:
    return Files(engine, objects, keep_s=7 * DAY_S)


@pytest.fixture
def uploads(engine: sa.Engine, objects: ObjectStore, files: Files) -> Uploads:
    return Uploads(engine, objects, files, LIMIT)


@pytest.fixture
def opened(uploads: Uploads) -> Upload:
    return uploads.open(ANNA, NOW)


def put(uploads: Uploads, upload: Upload, data: bytes) -> StoredFile:
    with uploads.landing() as landing:
        landing.write(data)
        return uploads.put(upload, landing, NOW)


def put_part(uploads: Uploads, upload: Upload, number: int, data: bytes) -> Part:
    with uploads.landing() as landing:
        landing.write(data)
        return uploads.put_part(upload, number, landing)


def content_of(files: Files, upload: Upload) -> bytes:
    file = files.find(upload.file_id, NOW)
    assert file is not None
    return files.read_range(file, 0, file.size)


def part_objects(objects: ObjectStore) -> list[str]:
    return [facts.key for facts in objects.list("uploads")]


def test_nothing_can_be_read_before_it_was_uploaded(files: Files, opened: Upload):
    assert files.find(opened.file_id, NOW) is None


def test_an_upload_becomes_the_promised_file(uploads: Uploads, files: Files, opened: Upload):
    file = put(uploads, opened, b"hello")
    assert file.file_id == opened.file_id
    assert (file.file_name, file.content_type) == ("harbour.txt", "text/plain")
    assert content_of(files, opened) == b"hello"


def test_a_lifetime_is_kept_until_the_bytes_come(uploads: Uploads):
    asked = Lifecycle.model_validate({"expiration_duration_seconds": 60})
    upload = uploads.open(NewFile(key_id="anna", file_name="a", lifecycle=asked), NOW)
    assert put(uploads, upload, b"hello").expires_at == NOW + 60


def test_the_same_bytes_again_are_fine(uploads: Uploads, files: Files, opened: Upload):
    first = put(uploads, opened, b"hello")
    assert put(uploads, opened, b"hello") == first


def test_other_bytes_at_the_same_address_are_refused(
    uploads: Uploads, files: Files, objects: ObjectStore, opened: Upload
):
    put(uploads, opened, b"hello")
    with pytest.raises(UploadRefused) as refused:
        put(uploads, opened, b"other")
    assert refused.value.problem is UploadProblem.ALREADY_THERE
    assert content_of(files, opened) == b"hello"
    assert len(list(objects.list("files"))) == 1


def test_an_upload_ends_after_a_day(uploads: Uploads, opened: Upload):
    with pytest.raises(UploadRefused) as refused:
        uploads.find(opened.upload_id, NOW + OPEN_FOR_S)
    assert refused.value.problem is UploadProblem.EXPIRED


def test_an_unknown_upload_is_unknown(uploads: Uploads):
    with pytest.raises(UploadRefused) as refused:
        uploads.find("nonsense", NOW)
    assert refused.value.problem is UploadProblem.UNKNOWN


def test_another_keys_upload_is_unknown(uploads: Uploads, opened: Upload):
    assert uploads.find(opened.upload_id, NOW, "anna") == opened
    with pytest.raises(UploadRefused) as refused:
        uploads.find(opened.upload_id, NOW, "ben")
    assert refused.value.problem is UploadProblem.UNKNOWN


def test_one_key_may_have_so_many_uploads_open(
    uploads: Uploads, engine: sa.Engine, opened: Upload
):
    rows = [
        {name: getattr(opened, name) for name in opened.__slots__}
        | {"upload_id": f"u{number}", "file_id": f"f{number}"}
        for number in range(MOST_OPEN - 1)
    ]
    with engine.begin() as connection:
        connection.execute(sa.insert(tables.upload), rows)
    with pytest.raises(UploadRefused) as refused:
        uploads.open(ANNA, NOW)
    assert refused.value.problem is UploadProblem.TOO_MANY
    uploads.open(NewFile(key_id="ben", file_name="b"), NOW)


def test_parts_in_any_order_become_the_file(
    uploads: Uploads, files: Files, objects: ObjectStore, opened: Upload
):
    parts = [put_part(uploads, opened, number, b"%d" % number) for number in (3, 1, 2)]
    uploads.complete(opened, parts, NOW)
    assert content_of(files, opened) == b"123"
    assert part_objects(objects) == []


def test_a_part_sent_again_replaces_the_first(
    uploads: Uploads, files: Files, objects: ObjectStore, opened: Upload
):
    put_part(uploads, opened, 1, b"wrong")
    part = put_part(uploads, opened, 1, b"right")
    assert len(part_objects(objects)) == 1
    uploads.complete(opened, [part], NOW)
    assert content_of(files, opened) == b"right"


def test_etags_may_come_back_in_quotes(uploads: Uploads, files: Files, opened: Upload):
    part = put_part(uploads, opened, 1, b"x")
    uploads.complete(opened, [Part(part_number=1, etag=f'"{part.etag}"')], NOW)
    assert content_of(files, opened) == b"x"


def test_completing_twice_gives_the_same_file(uploads: Uploads, opened: Upload):
    parts = [put_part(uploads, opened, 1, b"x")]
    assert uploads.complete(opened, parts, NOW) == uploads.complete(opened, parts, NOW)


def test_completing_at_the_same_time_gives_the_same_file(
    uploads: Uploads, objects: ObjectStore, opened: Upload
):
    parts = [put_part(uploads, opened, number, b"x" * 100) for number in range(1, 6)]
    made: list[StoredFile] = []
    threads = [
        threading.Thread(target=lambda: made.append(uploads.complete(opened, parts, NOW)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 4
    assert len(set(map(repr, made))) == 1
    assert len(list(objects.list("files"))) == 1


def test_part_numbers_go_from_one_to_ten_thousand(uploads: Uploads, opened: Upload):
    for number in (0, -1, 10_001):
        with pytest.raises(UploadRefused) as refused:
            put_part(uploads, opened, number, b"x")
        assert refused.value.problem is UploadProblem.WRONG_PARTS


@pytest.mark.parametrize(
    "named",
    [
        [(1, "a"), (2, "b"), (3, "c")],
        [(1, "a")],
        [(2, "b")],
        [(1, "a"), (2, "a")],
        [(1, "a"), (1, "a"), (2, "b")],
    ],
    ids=["never uploaded", "not named", "first not named", "other etag", "named twice"],
)
def test_the_parts_named_have_to_be_those_uploaded(
    uploads: Uploads, files: Files, opened: Upload, named: list[tuple[int, str]]
):
    etags = {
        "a": put_part(uploads, opened, 1, b"a").etag,
        "b": put_part(uploads, opened, 2, b"b").etag,
        "c": "0" * 64,
    }
    with pytest.raises(UploadRefused) as refused:
        uploads.complete(
            opened,
            [Part(part_number=number, etag=etags[which]) for number, which in named],
            NOW,
        )
    assert refused.value.problem is UploadProblem.WRONG_PARTS
    assert files.find(opened.file_id, NOW) is None


def test_all_parts_together_have_to_fit(uploads: Uploads, objects: ObjectStore, opened: Upload):
    put_part(uploads, opened, 1, bytes(LIMIT))
    with pytest.raises(TooLarge):
        put_part(uploads, opened, 2, b"x")
    assert len(part_objects(objects)) == 1


def test_abandoned_parts_are_swept(uploads: Uploads, objects: ObjectStore, opened: Upload):
    put_part(uploads, opened, 1, b"x")
    uploads.sweep(NOW)
    assert len(part_objects(objects)) == 1
    uploads.sweep(NOW + OPEN_FOR_S + 1)
    assert part_objects(objects) == []
    with pytest.raises(UploadRefused) as refused:
        uploads.find(opened.upload_id, NOW + OPEN_FOR_S + 1)
    assert refused.value.problem is UploadProblem.EXPIRED
    uploads.sweep(NOW + OPEN_FOR_S + DAY_S + 1)
    with pytest.raises(UploadRefused) as refused:
        uploads.find(opened.upload_id, NOW)
    assert refused.value.problem is UploadProblem.UNKNOWN


def test_part_objects_without_an_upload_are_swept(uploads: Uploads, objects: ObjectStore):
    objects.put_bytes("uploads/gone/1-x", b"x")
    uploads.sweep_orphans(NOW)
    assert len(part_objects(objects)) == 1
    uploads.sweep_orphans(NOW + OPEN_FOR_S + 2 * DAY_S)
    assert part_objects(objects) == []


def test_a_token_is_its_holders_for_an_hour(uploads: Uploads):
    issued = uploads.tokens.issue("anna", NOW)
    assert uploads.tokens.holder(issued.token, NOW) == "anna"
    assert uploads.tokens.holder(issued.token, NOW + TOKEN_LIFE_S) is None
    assert uploads.tokens.holder(issued.token + "x", NOW) is None


def test_a_token_ends_with_its_key(uploads: Uploads, engine: sa.Engine):
    keys = Keys(engine)
    key_id = keys.create("anna", NOW).key_id
    issued = uploads.tokens.issue(key_id, NOW)
    keys.revoke(key_id, NOW)
    assert uploads.tokens.holder(issued.token, NOW) is None
