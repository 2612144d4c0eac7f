"""The folders of the repository with what each is for, from their own docstrings."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "lyra_zoom"

BESIDE_THE_PACKAGE = {
    "tests": "unit, contract, stories, golden tables, docs",
    "docs": "architecture, conventions, glossary, decisions, manual",
    "training": "how the bundled depth network was made, runnable",
    "examples": "our own photograph and the script that made it",
}


def tree() -> str:
    """One line per folder, as a block of text."""
    lines = ["src/lyra_zoom/"]
    modules = sorted(
        file.name for file in PACKAGE.glob("*.py") if not file.name.startswith("_")
    )
    lines.append(f"  {'  '.join(modules)}")
    lines += [
        _folder_line(folder) for folder in sorted(PACKAGE.iterdir()) if _is_package(folder)
    ]
    lines += [
        f"{name + '/':16}{what}"
        for name, what in BESIDE_THE_PACKAGE.items()
        if (ROOT / name).is_dir()
    ]
    return "\n".join(["```text", *lines, "```"])


def _folder_line(folder: Path) -> str:
    """Name and purpose; folders inside are named after it."""
    what = first_sentence(folder / "__init__.py")
    inner = [f"    {sub.name + '/':12}{first_sentence(sub / '__init__.py')}"
             for sub in sorted(folder.iterdir()) if _is_package(sub)]  # fmt: skip
    return "\n".join([f"  {folder.name + '/':14}{what}", *inner])


def _is_package(folder: Path) -> bool:
    return (folder / "__init__.py").exists()


def first_sentence(module: Path) -> str:
    """The first line of a module's docstring."""
    return (ast.get_docstring(ast.parse(module.read_text())) or "").splitlines()[0]
