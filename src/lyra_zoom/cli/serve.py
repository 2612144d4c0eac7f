"""`lyra-zoom serve`: API, page and workers on one machine, in one process tree."""

from __future__ import annotations

import argparse
import os
import sys

from lyra_zoom.cli.service_options import settings_of
from lyra_zoom.server.listener import listen, url_of
from lyra_zoom.worker.gpus import gpus_for_workers
from lyra_zoom.worker.supervisor import Serving, Supervisor, held_data_folder


def run(arguments: argparse.Namespace) -> None:
    """Serve until a signal comes."""
    settings = settings_of(arguments)
    with held_data_folder(settings.data), listen(arguments.host, arguments.port) as listener:
        url = url_of(listener, arguments.host)
        gpus = gpus_for_workers(settings, os.environ)
        serving = Serving(
            settings=settings,
            listener=listener,
            workers=arguments.workers or max(1, len(gpus)),
            gpus=gpus,
        )
        supervisor = Supervisor(serving, sys.stderr)
        supervisor.start_api()
        # While it starts, there is time for what takes half a second to import.
        from lyra_zoom.cli.first_key import first_key

        supervisor.run(lambda: _announce(url, first_key(settings)))


def _announce(url: str, key: str | None) -> None:
    """The first time, a key; then that callers are answered. Both are for programs, too."""
    if key is not None:
        print(f"export FAL_KEY={key}", flush=True)
        print(f"page {url}/#key={key}", flush=True)
    print(f"ready {url}", flush=True)
