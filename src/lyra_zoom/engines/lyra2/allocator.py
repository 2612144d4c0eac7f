"""How torch gives out the memory of a GPU; has to be said before torch is imported."""

from __future__ import annotations

import os
from collections.abc import MutableMapping

CHOSEN = ("PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ALLOC_CONF")
"""torch's own variables, either of which an operator may have set."""


def let_segments_grow(environment: MutableMapping[str, str] = os.environ) -> None:
    """Leave no gaps that are too small for the next tensor, unless the operator chose a way.

    Networks that come and go, and two sizes of video, would leave gigabytes of such gaps.
    """
    if not any(name in environment for name in CHOSEN):
        environment[CHOSEN[0]] = "expandable_segments:True"
