"""The run-time checker of array shapes; an int may stand where a float is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from beartype import BeartypeConf, beartype
from beartype.roar import BeartypeDecorHintException

_checked = beartype(conf=BeartypeConf(is_pep484_tower=True))


def check_types(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, checked at each call; unchanged if a hint cannot be checked (Self)."""
    try:
        return _checked(function)
    except BeartypeDecorHintException:
        return function
