"""A SQLite file that was damaged is refused in words that help; a backup helps."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from lyra_zoom.database.open import migrate, open_database
from lyra_zoom.errors import DatabaseUnusable

LARGE = "x" * 3000


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A database in use: tables, and rows over many pages."""
    file = tmp_path / "kept.sqlite"
    engine = open_database(f"sqlite:///{file}")
    migrate(engine)
    with engine.begin() as connection:
        row = "INSERT INTO request_event VALUES ('a', :number, 0, 'INFO', :text)"
        rows = [{"number": number, "text": LARGE} for number in range(100)]
        connection.execute(sa.text(row), rows)
    engine.dispose()
    return file


def open_again(file: Path) -> None:
    engine = open_database(f"sqlite:///{file}")
    try:
        migrate(engine)
    finally:
        engine.dispose()


def test_a_database_of_this_version_stays_as_it_is(file: Path):
    before = file.read_bytes()
    open_again(file)
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.write_bytes(b"no database at all" * 1000),
        lambda file: file.write_bytes(file.read_bytes()[: file.stat().st_size // 2]),
        lambda file: file.write_bytes(file.read_bytes()[:5000]),
        lambda file: file.write_bytes(file.read_bytes()[:-60_000] + b"\xa5" * 60_000),
    ],
    ids=["garbled", "half of it", "a little of it", "garbled at its end"],
)
def test_a_damaged_file_is_refused_with_advice(file: Path, damage):
    damage(file)
    with pytest.raises(DatabaseUnusable, match="restore it from a backup, or move it away"):
        open_again(file)


def test_the_words_about_a_damaged_file_are_one_line_without_its_path(file: Path):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(DatabaseUnusable) as refused:
        open_again(file)
    assert "\n" not in str(refused.value)
    assert str(file.parent) not in str(refused.value)


def test_a_backup_made_while_the_server_writes_can_be_opened(file: Path, tmp_path: Path):
    engine = open_database(f"sqlite:///{file}")
    copy = tmp_path / "backup.sqlite"
    with engine.connect() as writing:
        row = "INSERT INTO request_event VALUES ('b', 0, 0, 'INFO', 'not yet committed')"
        writing.execute(sa.text(row))
        source, target = sqlite3.connect(file), sqlite3.connect(copy)
        source.backup(target)
        source.close()
        target.close()
    engine.dispose()
    open_again(copy)
    restored = sqlite3.connect(copy)
    rows = restored.execute(
        "SELECT request_id, count(*) FROM request_event GROUP BY 1"
    ).fetchall()
    restored.close()
    assert rows == [("a", 100)]
