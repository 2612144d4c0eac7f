"""The parts of the documents that are drawn from the code, and how they are put in place.

A block stands between `<!-- generated: NAME -->` and `<!-- end -->`. `make docs` (which runs
`python -m tests.docs.blocks`) rewrites them; a test fails while one is stale.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.docs.command_help import help_of
from tests.docs.example_files import example_blocks
from tests.docs.limits import limit_table
from tests.docs.lyra2_memory import memory_modes_table, memory_parts_table
from tests.docs.tables import (
    error_table,
    error_type_table,
    field_table,
    kind_table,
    output_table,
    settings_table,
)
from tests.docs.tree import tree

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"(<!-- generated: (?P<name>[a-z _.-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

BLOCKS: dict[str, Callable[[], str]] = {
    "fields": field_table,
    "output": output_table,
    "settings": settings_table,
    "errors": error_table,
    "limits": limit_table,
    "memory modes": memory_modes_table,
    "memory parts": memory_parts_table,
    "kinds": kind_table,
    "tree": tree,
    "help": lambda: help_of(),
    "help generate": lambda: help_of("generate"),
    "help depth": lambda: help_of("depth"),
    "help inspect": lambda: help_of("inspect"),
    "help doctor": lambda: help_of("doctor"),
    "help bench": lambda: help_of("bench"),
    "help webhooks": lambda: help_of("webhooks"),
    "help serve": lambda: help_of("serve"),
    "help api": lambda: help_of("api"),
    "help work": lambda: help_of("work"),
    "help keys": lambda: help_of("keys"),
    "help weights": lambda: help_of("weights"),
    "help weights pull": lambda: help_of("weights", "pull"),
    "help weights convert": lambda: help_of("weights", "convert"),
    "help weights check": lambda: help_of("weights", "check"),
    "error types": error_type_table,
    **example_blocks(),
}


def documents() -> Iterator[Path]:
    """Every page a reader may open."""
    yield from (ROOT / name for name in ("README.md", "CHANGELOG.md"))
    yield from sorted((ROOT / "docs").rglob("*.md"))


def block_names(text: str) -> list[str]:
    """The blocks a page has."""
    return [match["name"] for match in BLOCK.finditer(text)]


def refreshed(text: str) -> str:
    """The page with every block as the code has it now."""
    return BLOCK.sub(lambda match: f"{match[1]}{BLOCKS[match['name']]()}\n{match[3]}", text)


if __name__ == "__main__":
    for page in documents():
        before = page.read_text()
        after = refreshed(before)
        if after != before:
            page.write_text(after)
