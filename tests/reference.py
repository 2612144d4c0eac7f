"""Where the reference numbers lie that are too large to keep here; tests without them skip."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

BESIDE_THE_CHECKOUT = Path(__file__).parents[2] / "shared"


def reference(path: str) -> Path:
    """A file of the reference material, or a skipped test that says what is missing."""
    folder = Path(os.environ.get("LYRA_ZOOM_REFERENCE", BESIDE_THE_CHECKOUT))
    if not (folder / path).exists():
        pytest.skip(f"needs the reference file {path} (folder: LYRA_ZOOM_REFERENCE)")
    return folder / path
