"""What is remembered of callers for a while, within bounds: good keys and bad guesses."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import OrderedDict

KEPT_S = 3.0
"""How long a key that was revoked elsewhere may still work."""

MOST_KEYS = 4096
MOST_ADDRESSES = 4096

GUESSES, WINDOW_S = 30, 60.0
"""Invalid keys that one address may send in that time before it is told to stop."""


class RecentKeys:
    """Keys that were valid a moment ago, so that polling costs no look-up; kept as hashes."""

    def __init__(self) -> None:
        self._salt = secrets.token_bytes(16)
        self._known: OrderedDict[bytes, tuple[str, float]] = OrderedDict()

    def find(self, key: str) -> str | None:
        """Whose key this is, if it was found valid just now."""
        key_id, until = self._known.get(self._hash(key), ("", 0.0))
        return key_id if until > time.monotonic() else None

    def remember(self, key: str, key_id: str) -> None:
        """Note a key that was found valid."""
        self._known[self._hash(key)] = (key_id, time.monotonic() + KEPT_S)
        if len(self._known) > MOST_KEYS:
            self._known.popitem(last=False)

    def _hash(self, key: str) -> bytes:
        return hashlib.blake2b(
            key.encode("utf-8", "surrogatepass"), key=self._salt, digest_size=16
        ).digest()


class Guesses:
    """Counts invalid keys by address.

    A valid key is never refused for the guesses of others: behind a proxy all have one
    address, and whoever wanted to could lock all of them out.
    """

    def __init__(self) -> None:
        self._counted: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._counted)

    def one_more(self, address: str) -> bool:
        """Count a guess; whether there were too many lately."""
        now = time.monotonic()
        count, since = self._counted.pop(address, (0, now))
        if now - since > WINDOW_S:
            count, since = 0, now
        self._counted[address] = (count + 1, since)
        if len(self._counted) > MOST_ADDRESSES:
            self._counted.popitem(last=False)
        return count + 1 > GUESSES
