"""`lyra-zoom api`: the HTTP side alone; workers run elsewhere on the same database."""

from __future__ import annotations

import argparse
import socket

from lyra_zoom.cli.service_options import log_to_stderr, obey_supervisor, settings_of
from lyra_zoom.server.serve_http import serve_http, serve_on


def run(arguments: argparse.Namespace) -> None:
    """Serve until a signal comes."""
    obey_supervisor(arguments)
    log_to_stderr(arguments)
    settings = settings_of(arguments)
    if arguments.listener is None:
        serve_http(settings, arguments.host, arguments.port, _announce)
    else:
        serve_on(settings, socket.socket(fileno=arguments.listener), lambda: _announce(""))


def _announce(url: str) -> None:
    print(f"ready {url}", flush=True)
