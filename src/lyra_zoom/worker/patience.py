"""What is worth trying again, because it was not the fault of what was asked."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa

from lyra_zoom.errors import NotPossibleNow

PATIENCE_S = 120.0
"""How long a database or an object store may be away before a request fails for it."""

FOR_EVER_S = math.inf
"""For what must not be lost: who begins, how a request ends, what became of a webhook."""

FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 5.0

Result = TypeVar("Result")

AWAY = (
    sa.exc.OperationalError,
    sa.exc.InterfaceError,
    sa.exc.InternalError,  # PostgreSQL: a server that is only a standby yet
    sa.exc.TimeoutError,  # every connection is in use, since the database hangs
    NotPossibleNow,
)

logger = logging.getLogger(__name__)


def patiently(question: Callable[[], Result], patience_s: float = PATIENCE_S) -> Result:
    """The answer, asked for again while the database or the object store is away.

    What stays away for too long is `NotPossibleNow`.
    """
    give_up_s = time.monotonic() + patience_s
    wait_s = FIRST_WAIT_S
    while True:
        try:
            return question()
        except AWAY as error:
            if time.monotonic() + wait_s > give_up_s:
                raise _given_up(error, patience_s) from error
            logger.warning("waiting for what is away error=%s", type(error).__name__)
        time.sleep(wait_s)
        wait_s = min(2 * wait_s, LONGEST_WAIT_S)


def _given_up(error: Exception, patience_s: float) -> NotPossibleNow:
    if isinstance(error, NotPossibleNow):
        return error
    return NotPossibleNow(f"the database was away for {patience_s:g} s: {type(error).__name__}")
