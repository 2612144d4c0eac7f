"""The key that `serve` makes when nobody could call it otherwise."""

from __future__ import annotations

import time

from lyra_zoom.database.open import open_database
from lyra_zoom.jobs.keys import Keys
from lyra_zoom.settings import Settings


def first_key(settings: Settings) -> str | None:
    """A new key when there is none at all, shown only now; the tables have to be there."""
    engine = open_database(settings.database)
    try:
        keys = Keys(engine, settings.api_keys)
        return None if keys.any_usable() else keys.create("made by serve", time.time()).key
    finally:
        engine.dispose()
