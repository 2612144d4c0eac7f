"""The options that the commands of the service share."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path

from lyra_zoom.settings import Settings

PORT = 8000


def add_address(parser: argparse.ArgumentParser) -> None:
    """Where to listen, and the data folder."""
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default %(default)s)"
    )
    parser.add_argument(
        "--port", type=_port, default=PORT, help="0 picks a free one (default %(default)s)"
    )
    add_data(parser)


def add_data(parser: argparse.ArgumentParser) -> None:
    """The data folder, in place of `LYRA_ZOOM_DATA`."""
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="the data folder, instead of LYRA_ZOOM_DATA"
    )


def settings_of(arguments: argparse.Namespace) -> Settings:
    """The settings of the environment, with the data folder that was given."""
    settings = Settings.from_environment(os.environ)
    return settings if arguments.data is None else replace(settings, data=arguments.data)


def _port(text: str) -> int:
    if text.isdecimal() and int(text) < 2**16:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 to 65535")
