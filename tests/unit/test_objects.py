from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lyra_zoom.errors import NotPossibleNow
from lyra_zoom.settings import Settings
from lyra_zoom.storage.landing import TooLarge
from lyra_zoom.storage.objects import PIECE_BYTES, ObjectMissing, ObjectStore, open_objects
from tests.buckets import store_settings  # noqa: F401  # a fixture


@pytest.fixture
def objects(store_settings: Settings) -> ObjectStore:  # noqa: F811
    return open_objects(store_settings)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "objects"


@pytest.fixture
def in_a_folder(tmp_path: Path) -> ObjectStore:
    return open_objects(Settings(data=tmp_path))


def test_what_was_put_can_be_read(objects: ObjectStore):
    objects.put_bytes("files/a", b"hello")
    assert objects.read("files/a") == b"hello"


def test_an_empty_object_is_an_object(objects: ObjectStore):
    objects.put_bytes("files/a", b"")
    assert objects.read("files/a") == b""
    assert objects.size("files/a") == 0
    assert list(objects.pieces("files/a")) == []


def test_a_file_is_copied_whole(objects: ObjectStore, tmp_path: Path):
    original = tmp_path / "film.mp4"
    original.write_bytes(bytes(range(256)) * 40_000)
    objects.put_file("files/film", original)
    assert objects.read("files/film") == original.read_bytes()


def test_a_range_ends_where_the_object_ends(objects: ObjectStore):
    objects.put_bytes("files/a", b"0123456789")
    assert objects.read_range("files/a", 2, 5) == b"234"
    assert objects.read_range("files/a", 8, 99) == b"89"
    assert objects.read_range("files/a", 5, 5) == b""


def test_pieces_are_small_and_make_up_the_object(objects: ObjectStore):
    data = bytes(range(251)) * 13_000
    objects.put_bytes("files/a", data)
    pieces = list(objects.pieces("files/a"))
    assert b"".join(pieces) == data
    assert max(map(len, pieces)) == PIECE_BYTES


def test_a_key_without_object_says_so(objects: ObjectStore):
    for question in (objects.read, objects.size, objects.facts):
        with pytest.raises(ObjectMissing):
            question("files/nobody")


def test_deleting_twice_is_fine(objects: ObjectStore):
    objects.put_bytes("files/a", b"hello")
    objects.delete("files/a")
    objects.delete("files/a")
    with pytest.raises(ObjectMissing):
        objects.read("files/a")


def test_a_list_names_what_is_in_a_folder_only(objects: ObjectStore):
    for key in ("files/a", "files/b/c", "filesystem/d", "uploads/e"):
        objects.put_bytes(key, b"12345")
    assert {(facts.key, facts.size) for facts in objects.list("files")} == {
        ("files/a", 5),
        ("files/b/c", 5),
    }
    assert list(objects.list("nothing")) == []


def test_a_rewritten_object_has_another_version(objects: ObjectStore):
    objects.put_bytes("files/a", b"hello")
    before = objects.facts("files/a").version
    objects.put_bytes("files/a", b"jello")
    assert objects.facts("files/a").version != before


def test_more_than_the_limit_stores_nothing(objects: ObjectStore):
    with pytest.raises(TooLarge):
        objects.put_stream("files/a", (b"1234", b"5678"), limit=7)
    with pytest.raises(ObjectMissing):
        objects.size("files/a")


def test_a_stream_that_breaks_stores_nothing(objects: ObjectStore):
    def breaks():
        yield b"half"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        objects.put_stream("files/a", breaks())
    assert list(objects.list("files")) == []


@pytest.mark.parametrize(
    "key",
    ["", "/etc/passwd", "../x", "files/../x", "files//x", "files/.x", "a\0b", "a/b\n", "é"],
)
def test_a_key_cannot_leave_the_store(objects: ObjectStore, key: str):
    with pytest.raises(ValueError, match="not a key"):
        objects.put_bytes(key, b"x")
    with pytest.raises(ValueError, match="not a key"):
        objects.read(key)


def test_nothing_half_written_stays_behind(in_a_folder: ObjectStore, folder: Path):
    with pytest.raises(TooLarge):
        in_a_folder.put_stream("files/a", (b"1234", b"5678"), limit=7)
    in_a_folder.put_bytes("files/b", b"whole")
    files = [path.name for path in folder.rglob("*") if path.is_file()]
    assert files == ["b"]


def test_an_object_is_not_visible_before_it_is_whole(in_a_folder: ObjectStore):
    with in_a_folder.landing() as landing:
        landing.write(b"half")
        assert list(in_a_folder.list("files")) == []
        landing.write(b" and half")
        in_a_folder.put("files/a", landing)
    assert in_a_folder.read("files/a") == b"half and half"


KILLED_WHILE_WRITING = """
import os, sys
from pathlib import Path
from lyra_zoom.settings import Settings
from lyra_zoom.storage.objects import open_objects
landing = open_objects(Settings(data=Path(sys.argv[1]))).landing()
landing.write(b"half")
os.kill(os.getpid(), 9)
"""


def test_what_a_crash_left_is_removed_at_the_next_start(tmp_path: Path, folder: Path):
    subprocess.run([sys.executable, "-c", KILLED_WHILE_WRITING, str(tmp_path)], check=False)
    assert len(list((folder / ".incoming").iterdir())) == 1
    open_objects(Settings(data=tmp_path))
    assert list((folder / ".incoming").iterdir()) == []


def test_what_another_process_is_writing_is_left_alone(tmp_path: Path):
    first = open_objects(Settings(data=tmp_path))
    with first.landing() as landing:
        landing.write(b"slow")
        open_objects(Settings(data=tmp_path))
        first.put("files/a", landing)
    assert first.read("files/a") == b"slow"


WRITES_MORE_THAN_IT_MAY = """
import resource, sys
from pathlib import Path
from lyra_zoom.errors import NotPossibleNow
from lyra_zoom.settings import Settings
from lyra_zoom.storage.objects import open_objects
objects = open_objects(Settings(data=Path(sys.argv[1])))
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    objects.put_bytes("files/a", bytes(200_000))
except NotPossibleNow as error:
    print(error)
print([path for path in Path(sys.argv[1]).rglob("*") if path.is_file()])
"""


def test_a_disk_that_takes_no_more_is_said_in_one_sentence(tmp_path: Path):
    program = [sys.executable, "-c", WRITES_MORE_THAN_IT_MAY, str(tmp_path)]
    said = subprocess.run(program, check=True, capture_output=True, text=True).stdout
    assert said.splitlines() == ["the file cannot be stored now: file too large", "[]"]


def test_writers_and_deleters_in_one_folder_do_not_disturb_each_other(in_a_folder: ObjectStore):
    failures: list[BaseException] = []

    def write_and_delete(name: str):
        try:
            for _ in range(40):
                in_a_folder.put_bytes(f"uploads/one/{name}", b"x")
                in_a_folder.delete(f"uploads/one/{name}")
        except BaseException as error:  # noqa: BLE001  # shown below
            failures.append(error)

    threads = [threading.Thread(target=write_and_delete, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_bucket_that_does_not_answer_is_said_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name, value in {
        "AWS_ACCESS_KEY_ID": "k",
        "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, value)
    objects = open_objects(Settings(data=tmp_path, storage_url="s3://nowhere/x"))
    with pytest.raises(NotPossibleNow, match="the object store cannot be read or written now"):
        objects.put_bytes("files/a", b"x")
