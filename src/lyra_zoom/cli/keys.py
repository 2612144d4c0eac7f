"""`lyra-zoom keys`: make API keys, see which there are, make one useless."""

from __future__ import annotations

import argparse
import sys
import time
from datetime import UTC, datetime

from lyra_zoom.cli.service_options import settings_of
from lyra_zoom.database.open import migrate, open_database
from lyra_zoom.errors import InputRejected
from lyra_zoom.jobs.keys import Keys, KnownKey

LONGEST_NAME = 255

WHAT_IT_IS_FOR = """\
Keep it: it is not shown again. Programs read it from FAL_KEY; without one they send the header
Authorization: Key KEY. lyra-zoom keys revoke takes it back."""


def run(arguments: argparse.Namespace) -> None:
    """Do what was asked, on the database of the settings; no server need run."""
    engine = open_database(settings_of(arguments).database)
    try:
        migrate(engine)
        ACTIONS[arguments.action](Keys(engine), arguments)
    finally:
        engine.dispose()


def _create(keys: Keys, arguments: argparse.Namespace) -> None:
    """Print the key alone, so that a script can take it; what it is for is said beside it."""
    if len(arguments.name) > LONGEST_NAME:
        raise InputRejected("NAME", f"at most {LONGEST_NAME} characters are allowed")
    print(keys.create(arguments.name, time.time()).key)
    print(WHAT_IT_IS_FOR, file=sys.stderr)


def _list(keys: Keys, arguments: argparse.Namespace) -> None:
    known = keys.known()
    for key in known:
        print(_line(key))
    if not known:
        print("no key was made yet: lyra-zoom keys create")


def _revoke(keys: Keys, arguments: argparse.Namespace) -> None:
    key_id = arguments.key_id.partition(":")[0]
    if not keys.revoke(key_id, time.time()):
        raise InputRejected("ID", f"there is no key {key_id!r} in use")
    print(f"{key_id}  revoked")


def _line(key: KnownKey) -> str:
    made = _day(key.created_at)
    state = f"revoked {_day(key.revoked_at)}" if key.revoked_at else "in use"
    return f"{key.key_id}  made {made}  {state:20}  {_printable(key.name)}"


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)


ACTIONS = {"create": _create, "list": _list, "revoke": _revoke}
