from __future__ import annotations

import logging
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from lyra_zoom.contract.storage import Acl, AclRule, Lifecycle
from lyra_zoom.errors import InputRejected
from lyra_zoom.settings import Settings
from lyra_zoom.storage.files import DAY_S, FileForbidden, Files, NewFile, StoredFile
from lyra_zoom.storage.integrity import FileDamaged
from lyra_zoom.storage.objects import ObjectMissing, ObjectStore, open_objects
from tests.buckets import database_url, store_settings  # noqa: F401  # fixtures

NOW = time.time()
BASE = "http://zoom.example:8000"
ANNA = NewFile(key_id="anna", file_name="harbour.png", content_type="image/png")
PNG = b"\x89PNG\r\n\x1a\n and so on"


@pytest.fixture
def objects(store_settings: Settings) -> ObjectStore:  # noqa: F811
    return open_objects(store_settings)


@pytest.fixture
def files(engine: sa.Engine, objects: ObjectStore) -> Files:
    return Files(engine, objects, keep_s=7 * DAY_S)


def annas(**lifecycle: object) -> NewFile:
    return NewFile(
        key_id="anna", file_name="a.png", lifecycle=Lifecycle.model_validate(lifecycle)
    )


def content_of(files: Files, file: StoredFile) -> bytes:
    return files.read_range(file, 0, file.size)


def test_a_kept_file_can_be_found_and_read(files: Files):
    file = files.keep(PNG, ANNA, NOW)
    found = files.find(file.file_id, NOW)
    assert found == file
    assert (file.file_name, file.content_type, file.size) == (
        "harbour.png",
        "image/png",
        len(PNG),
    )
    assert content_of(files, file) == PNG


def test_a_file_on_disk_is_copied(files: Files, tmp_path: Path):
    original = tmp_path / "film.mp4"
    original.write_bytes(b"film")
    file = files.keep(original, ANNA, NOW)
    original.unlink()
    assert content_of(files, file) == b"film"


def test_an_id_cannot_be_guessed(files: Files):
    ids = {files.keep(b"x", ANNA, NOW).file_id for _ in range(20)}
    assert len(ids) == 20
    assert all(len(file_id) == 32 for file_id in ids)  # 192 bits in base 64


def test_an_address_quotes_the_name(files: Files):
    file = files.keep(
        b"x", NewFile(key_id="anna", file_name="../50% ü?#.png", content_type=None), NOW
    )
    assert files.url_of(file, BASE) == (
        f"{BASE}/cdn/files/b/{file.file_id}/50%25%20%C3%BC%3F%23.png"
    )


def test_a_file_ends_when_its_owner_said(files: Files):
    file = files.keep(b"x", annas(expiration_duration_seconds=60), NOW)
    assert files.find(file.file_id, NOW + 59)
    assert files.find(file.file_id, NOW + 61) is None


def test_a_file_ends_after_the_usual_time_when_nobody_said(files: Files):
    file = files.keep(b"x", ANNA, NOW)
    assert files.find(file.file_id, NOW + 6.9 * DAY_S)
    assert files.find(file.file_id, NOW + 7.1 * DAY_S) is None


def test_null_keeps_a_file_for_ever(files: Files):
    file = files.keep(b"x", annas(expiration_duration_seconds=None), NOW)
    assert files.find(file.file_id, NOW + 1e9)


def test_a_hidden_file_is_as_if_it_did_not_exist(files: Files):
    acl = Acl(default="hide", rules=(AclRule(user="ben", decision="allow"),))
    file = files.keep(b"x", annas(initial_acl=acl), NOW)
    assert files.readable(file.file_id, None, NOW) is None
    assert files.readable(file.file_id, "cleo", NOW) is None
    assert files.readable(file.file_id, "ben", NOW) == file
    assert files.readable(file.file_id, "anna", NOW) == file


def test_a_forbidden_file_says_so(files: Files):
    acl = Acl(rules=(AclRule(user="ben", decision="forbid"),))
    file = files.keep(b"x", annas(initial_acl=acl), NOW)
    assert files.readable(file.file_id, None, NOW) == file
    with pytest.raises(FileForbidden):
        files.readable(file.file_id, "ben", NOW)


def test_an_address_of_ours_is_read_without_a_socket(files: Files):
    file = files.keep(PNG, ANNA, NOW)
    assert files.read_own(files.url_of(file, BASE), BASE, NOW) == PNG


def test_an_address_of_ours_is_known_under_every_name_of_this_server(files: Files):
    file = files.keep(PNG, ANNA, NOW)
    assert files.read_own(files.url_of(file, "https://other.example/zoom"), BASE, NOW) == PNG


def test_other_addresses_are_not_ours(files: Files):
    for url in (
        "https://example.com/harbour.jpg",
        "https://example.com/cdn/files/b/AAAAAAAAAAAAAAAAAAAAAAAA/x.png",
        "data:image/png;base64,AAAA",
        f"{BASE}/queue/fal-ai/lyra-2/requests",
        "http://[::1/cdn/files/b/AAAAAAAAAAAAAAAAAAAAAAAA/x",
        "file:///cdn/files/b/AAAAAAAAAAAAAAAAAAAAAAAA/x.png",
    ):
        assert files.read_own(url, BASE, NOW) is None, url


def test_an_address_of_ours_that_leads_nowhere_is_refused(files: Files):
    file = files.keep(PNG, annas(expiration_duration_seconds=60), NOW)
    with pytest.raises(InputRejected) as refused:
        files.read_own(files.url_of(file, BASE), BASE, NOW + 61)
    assert refused.value.kind == "file_download_error"


def test_a_hidden_file_can_be_used_by_its_owner_only(files: Files):
    url = files.url_of(files.keep(PNG, annas(initial_acl=Acl(default="hide")), NOW), BASE)
    assert files.read_own(url, BASE, NOW, reader="anna") == PNG
    with pytest.raises(InputRejected):
        files.read_own(url, BASE, NOW, reader="ben")


def test_flipped_bytes_are_never_given_out(
    files: Files, objects: ObjectStore, caplog: pytest.LogCaptureFixture
):
    file = files.keep(PNG, ANNA, NOW)
    files.check(file)
    objects.put_bytes(file.object_key, PNG[:-1] + b"?")
    with caplog.at_level(logging.ERROR), pytest.raises(FileDamaged):
        files.check(file)
    assert "damaged" in caplog.text
    with pytest.raises(FileDamaged):
        files.read_own(files.url_of(file, BASE), BASE, NOW)


def test_a_lost_object_counts_as_damaged(files: Files, objects: ObjectStore):
    file = files.keep(PNG, ANNA, NOW)
    objects.delete(file.object_key)
    with pytest.raises(FileDamaged):
        files.check(file)
    with pytest.raises(FileDamaged):
        files.read_own(files.url_of(file, BASE), BASE, NOW)


def test_a_deleted_file_leaves_no_bytes(files: Files, objects: ObjectStore):
    file = files.keep(PNG, ANNA, NOW)
    files.delete(file.file_id)
    files.delete(file.file_id)
    assert files.find(file.file_id, NOW) is None
    with pytest.raises(ObjectMissing):
        objects.size(file.object_key)


def test_a_sweep_removes_what_is_over(files: Files, objects: ObjectStore):
    over = files.keep(PNG, annas(expiration_duration_seconds=60), NOW)
    stays = files.keep(PNG, ANNA, NOW)
    assert files.sweep(NOW + 61) == 1
    assert [facts.key for facts in objects.list("files")] == [stays.object_key]
    assert files.find(over.file_id, NOW) is None


def test_bytes_without_a_file_are_swept_a_day_later(files: Files, objects: ObjectStore):
    with objects.landing() as landing:
        landing.write(b"the process died before it wrote the row")
        files.store(landing, ANNA, NOW)
    stays = files.keep(PNG, ANNA, NOW)
    assert files.sweep_orphans(NOW) == 0
    assert files.sweep_orphans(NOW + 2 * DAY_S) == 1
    assert [facts.key for facts in objects.list("files")] == [stays.object_key]
