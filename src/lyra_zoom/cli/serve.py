"""`lyra-zoom serve`: API, page and workers on one machine, in one process tree."""

from __future__ import annotations

import argparse
import sys
import time

from lyra_zoom.cli.service_options import settings_of
from lyra_zoom.server.listener import listen, url_of
from lyra_zoom.settings import Settings
from lyra_zoom.worker.supervisor import Serving, Supervisor, held_data_folder


def run(arguments: argparse.Namespace) -> None:
    """Serve until a signal comes."""
    settings = settings_of(arguments)
    with held_data_folder(settings.data), listen(arguments.host, arguments.port) as listener:
        url = url_of(listener, arguments.host)
        serving = Serving(settings=settings, listener=listener, workers=arguments.workers)
        Supervisor(serving, sys.stderr).run(lambda: _announce(settings, url))


def _announce(settings: Settings, url: str) -> None:
    """The first time, a key; then that callers are answered. Both are for programs, too."""
    key = _first_key(settings)
    if key is not None:
        print(f"export FAL_KEY={key}", flush=True)
        print(f"page {url}/#key={key}", flush=True)
    print(f"ready {url}", flush=True)


def _first_key(settings: Settings) -> str | None:
    """A new key when there is none at all. It is shown only now."""
    # The children have started: what takes half a second to import delays nobody.
    from lyra_zoom.database.open import open_database
    from lyra_zoom.jobs.keys import Keys

    engine = open_database(settings.database)
    try:
        keys = Keys(engine, settings.api_keys)
        return None if keys.any_usable() else keys.create("made by serve", time.time()).key
    finally:
        engine.dispose()
