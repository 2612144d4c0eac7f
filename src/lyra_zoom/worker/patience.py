"""What is worth trying again, because it was not the fault of what was asked."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa

from lyra_zoom.errors import NotPossibleNow

PATIENCE_S = 120.0
"""How long a database or an object store may be away before a request fails for it."""

FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 5.0

Result = TypeVar("Result")

logger = logging.getLogger(__name__)


def patiently(question: Callable[[], Result], patience_s: float = PATIENCE_S) -> Result:
    """The answer, asked for again while the database or the object store is away."""
    give_up_s = time.monotonic() + patience_s
    wait_s = FIRST_WAIT_S
    while True:
        try:
            return question()
        except (sa.exc.OperationalError, sa.exc.InterfaceError, NotPossibleNow) as error:
            if time.monotonic() + wait_s > give_up_s:
                raise
            logger.warning("waiting for what is away error=%s", type(error).__name__)
        time.sleep(wait_s)
        wait_s = min(2 * wait_s, LONGEST_WAIT_S)
