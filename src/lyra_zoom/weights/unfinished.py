"""What an interrupted conversion has finished, so that the next one goes on there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from lyra_zoom.engines.lyra2.installed import StoredFile

NOTES = "unfinished.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A file that is whole; `made_from` changes when it would be made in another way."""

    made_from: str
    file: StoredFile


class Unfinished:
    """Notes in a folder, written again after every file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / NOTES
        self._finished = self._read()

    def finished(self, name: str, made_from: str) -> StoredFile | None:
        """The file of that name, if it is there and was made in the same way."""
        noted = self._finished.get(name)
        file = self._folder / name
        if noted is None or noted.made_from != made_from or not file.is_file():
            return None
        return noted.file if file.stat().st_size == noted.file.bytes else None

    def note(self, name: str, made_from: str, file: StoredFile) -> StoredFile:
        """Remember that a file is whole."""
        self._finished[name] = Finished(made_from=made_from, file=file)
        part = self._file.with_suffix(".part")
        part.write_bytes(_NOTES.dump_json(self._finished))
        part.replace(self._file)
        return file

    def forget(self) -> None:
        """Everything is done."""
        self._file.unlink(missing_ok=True)

    def _read(self) -> dict[str, Finished]:
        try:
            return _NOTES.validate_json(self._file.read_bytes())
        except (OSError, ValidationError):
            return {}


_NOTES = TypeAdapter(dict[str, Finished])
