"""`lyra-zoom api`: the HTTP side alone; workers run elsewhere on the same database."""

from __future__ import annotations

import argparse
import logging

from lyra_zoom.cli.service_options import settings_of
from lyra_zoom.server.serve_http import serve_http


def run(arguments: argparse.Namespace) -> None:
    """Serve until a signal comes."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    serve_http(settings_of(arguments), arguments.host, arguments.port, _announce)


def _announce(url: str) -> None:
    print(f"ready {url}", flush=True)
