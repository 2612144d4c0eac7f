"""What `doctor` says of one thing it looked at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `advice` is what a person can do about it when it is not well."""

    well: bool
    what: str
    advice: str = ""
