"""The options of `generate`, drawn from the contract: a new field appears by itself."""

from __future__ import annotations

import argparse
from enum import StrEnum
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from lyra_zoom.contract.problems import allowed_values
from lyra_zoom.contract.zoom import ZoomInput

if TYPE_CHECKING:
    Commands: TypeAlias = "argparse._SubParsersAction[OneLineParser]"

GIVEN_OTHERWISE = {"image_url"}  # the positional argument IMAGE


class OneLineParser(argparse.ArgumentParser):
    """A parser whose errors are one line that says where help is."""

    def error(self, message: str) -> NoReturn:
        """Exit with status 2, naming what is wrong; `--help` shows the rest."""
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def add_command(
    commands: Commands, name: str, words: str, description: str, examples: str = ""
) -> OneLineParser:
    """A command of the program; with examples, its text keeps its lines as they are."""
    kept = argparse.RawDescriptionHelpFormatter if examples else argparse.HelpFormatter
    parser = commands.add_parser(
        name,
        help=words,
        description=description,
        epilog=examples or None,
        formatter_class=kept,
    )
    parser.set_defaults(module=name)
    return parser


def add_actions(parser: OneLineParser) -> Commands:
    """What a command can do, one of which has to be named."""
    return parser.add_subparsers(
        dest="action", metavar="ACTION", required=True, parser_class=OneLineParser
    )


def add_contract_options(parser: argparse.ArgumentParser) -> None:
    """One option per field of the contract; values stay text, the contract checks them."""
    group = parser.add_argument_group("the move and the picture")
    for name, field in ZoomInput.model_fields.items():
        if name in GIVEN_OTHERWISE:
            continue
        default = "required" if field.is_required() else f"default {_shown(field.default)}"
        group.add_argument(
            f"--{name.replace('_', '-')}",
            metavar=_metavar(name),
            default=argparse.SUPPRESS,
            help=f"{field.description} {allowed_values(name).capitalize()}; {default}.".replace(
                "%", "%%"
            ),
        )


def given_fields(arguments: argparse.Namespace) -> dict[str, object]:
    """The contract's fields that were given as options, as text."""
    given = vars(arguments)
    return {name: given[name] for name in ZoomInput.model_fields if name in given}


def whole_number_from_1(text: str) -> int:
    """A number of things that a person typed; for argparse, which says what is wrong."""
    if text.isdecimal() and int(text) >= 1:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")


def _metavar(name: str) -> str:
    kind = allowed_values(name)
    words = {"a whole": "N", "a number": "X", "text": "TEXT", "true": "true|false"}
    return next((word for start, word in words.items() if kind.startswith(start)), "NAME")


def _shown(default: object) -> str:
    if default is None:
        return "random"
    if isinstance(default, bool):
        return str(default).lower()
    return default.value if isinstance(default, StrEnum) else f"{default}"
