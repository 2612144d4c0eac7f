"""What all tests share: shapes are checked while they run, and chance repeats itself."""

from __future__ import annotations

from pathlib import Path

import hypothesis
from jaxtyping import install_import_hook

from tests import shape_checker

SOURCE = Path(__file__).parents[1] / "src"


WITH_ARRAYS = ("geometry", "engines", "pipeline")


def _checked_modules() -> list[str]:
    """Every module that handles arrays but the compiled kernels, which cannot be wrapped."""
    files = [
        file for part in WITH_ARRAYS for file in (SOURCE / "lyra_zoom" / part).rglob("*.py")
    ]
    modules = [
        ".".join(file.relative_to(SOURCE).with_suffix("").parts) for file in sorted(files)
    ]
    return [name for name in modules if not name.endswith(("_kernels", "__init__"))]


install_import_hook(_checked_modules(), f"{shape_checker.__name__}.check_types")

# The same examples on every run: a red build can be repeated, and is never somebody else's.
hypothesis.settings.register_profile("steady", derandomize=True, max_examples=40, deadline=None)
hypothesis.settings.load_profile("steady")
