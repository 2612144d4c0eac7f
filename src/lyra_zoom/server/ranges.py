"""Which bytes of a file a client asked for (RFC 9110, section 14)."""

from __future__ import annotations

import re

_ONE_RANGE = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*")


class OutOfRange(Exception):
    """The file has none of the bytes that were asked for."""


def range_of(header: str | None, size: int) -> range | None:
    """The bytes to send; None for the whole file, which also answers what is not understood.

    Several ranges at once are answered with the whole file: that is allowed, and cheaper for
    both sides than a thousand small pieces.
    """
    match = _ONE_RANGE.fullmatch(header or "")
    if match is None or match[0].strip() == "bytes=-":
        return None
    first, last = match[1], match[2]
    if not first:
        start, stop = max(size - int(last), 0), size
    else:
        start, stop = int(first), min(int(last) + 1 if last else size, size)
        if last and int(last) < start:
            return None  # turned round: not a range at all
    if start >= stop:
        raise OutOfRange
    return range(start, stop)
