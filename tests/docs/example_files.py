"""The clients' examples as blocks of text; tests run the very files."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples" / "clients"
LANGUAGES = {".py": "py", ".mjs": "js", ".sh": "sh"}


def example_blocks() -> dict[str, Callable[[], str]]:
    """A block for each example: `example zoom.py` and so on."""
    return {
        f"example {file.name}": partial(_fenced, file)
        for file in sorted(EXAMPLES.iterdir())
        if file.suffix in LANGUAGES
    }


def _fenced(file: Path) -> str:
    return f"```{LANGUAGES[file.suffix]}\n{file.read_text().rstrip()}\n```"
