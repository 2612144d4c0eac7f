"""Where compiled code is kept between runs; must be decided before any kernel is imported."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import MutableMapping
from pathlib import Path

NUMBAS_VARIABLE = "NUMBA_CACHE_DIR"

KERNELS = Path(__file__).parent / "embedded"


def keep_compiled_code(
    data: Path, kernels: Path = KERNELS, environment: MutableMapping[str, str] = os.environ
) -> None:
    """Let numba keep compiled code in the data folder where it cannot beside the source.

    Numba refuses to work when it finds no folder to write, as in a read-only installation
    without a home. The last resort is a private folder that is removed at the end of the
    program: a shared one could be poisoned.
    """
    if NUMBAS_VARIABLE in environment or os.access(kernels, os.W_OK):
        return
    folder = data / "compiled"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        folder = Path(tempfile.mkdtemp(prefix="lyra-zoom-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    environment[NUMBAS_VARIABLE] = str(folder)
