"""The options that the commands of the service share."""

from __future__ import annotations

import argparse
import logging
import os
from pathlib import Path

from lyra_zoom.settings import Settings
from lyra_zoom.worker.parent_death import die_with_parent

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


def add_supervised(parser: argparse.ArgumentParser) -> None:
    """What `serve` tells its children, and a person never needs."""
    parser.add_argument("--parent", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--listener", type=int, help=argparse.SUPPRESS)


def obey_supervisor(arguments: argparse.Namespace) -> None:
    """A child of `serve` ends with it, even if it is killed."""
    if arguments.parent is not None:
        die_with_parent(arguments.parent)


def log_to_stderr(arguments: argparse.Namespace) -> None:
    """What happens, in lines; a child of `serve` only says what an operator should know."""
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    if arguments.parent is None:
        logging.getLogger("lyra_zoom").setLevel(logging.INFO)


def settings_of(arguments: argparse.Namespace) -> Settings:
    """The settings of the environment, with the data folder that was given."""
    if arguments.data is not None:
        os.environ["LYRA_ZOOM_DATA"] = str(arguments.data)  # for child processes, too
    return Settings.from_environment(os.environ)


def _port(text: str) -> int:
    if text.isdecimal() and int(text) < 2**16:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 to 65535")
