"""`lyra-zoom weights`: fetch, convert and check the weights of the lyra2 engine."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lyra_zoom.cli.progress_bar import shown_progress
from lyra_zoom.cli.service_options import settings_of
from lyra_zoom.engines.engine import Progress
from lyra_zoom.engines.lyra2.installed import (
    LICENCE,
    DepthChoice,
    Manifest,
    WeightsFolder,
    why_not_accepted,
    why_packages_are_missing,
)
from lyra_zoom.errors import (
    EngineNotReady,
    InputRejected,
    LicenceNotAccepted,
    WeightsUnusable,
)
from lyra_zoom.pipeline.progress import ProgressReport
from lyra_zoom.settings import Settings


def run(arguments: argparse.Namespace) -> None:
    """Do what was asked with the weights' folder."""
    reason = why_packages_are_missing()
    if reason is not None:
        raise EngineNotReady(reason)
    settings = settings_of(arguments)
    ACTIONS[arguments.action](arguments, settings, WeightsFolder(settings.lyra2_folder))


def _pull(arguments: argparse.Namespace, settings: Settings, folder: WeightsFolder) -> None:
    from lyra_zoom.weights.hub import Hub
    from lyra_zoom.weights.pull import Wish, pull

    _have_accepted(arguments, settings, folder)
    wish = Wish(
        depth=arguments.depth,
        revision=arguments.revision,
        keep_downloads=arguments.keep_downloads,
        leave_out=tuple(arguments.leave_out),
    )
    with _reported() as progress:
        manifest = pull(wish, folder, Hub(), progress)
    _say_what_is_there(manifest, folder)


def _convert(arguments: argparse.Namespace, settings: Settings, folder: WeightsFolder) -> None:
    from lyra_zoom.weights.convert import convert
    from lyra_zoom.weights.tasks import Order

    _have_accepted(arguments, settings, folder)
    published: Path = arguments.folder
    options = {"FOLDER": published, "--tokenizer": arguments.tokenizer,
               "--depth-model": arguments.depth_model}  # fmt: skip
    for option, given in options.items():
        if given is not None and not given.is_dir():
            raise InputRejected(option, f"{given} is not a folder")
    if arguments.depth == "embedded" and arguments.depth_model is not None:
        raise InputRejected("--depth-model", "is only for --depth da3 and --depth dav2-small")
    order = Order(
        published=published,
        tokenizer=arguments.tokenizer or published / "tokenizer",
        depth=arguments.depth,
        depth_model=arguments.depth_model,
        source=str(published.resolve()),
        revision=arguments.revision,
        leave_out=tuple(arguments.leave_out),
    )
    with _reported() as progress:
        manifest = convert(order, folder, progress)
    _say_what_is_there(manifest, folder)


def _check(arguments: argparse.Namespace, settings: Settings, folder: WeightsFolder) -> None:
    from lyra_zoom.weights.check import check

    del arguments
    with _reported() as progress:
        verdict = check(folder, progress)
    for note in (*verdict.notes, why_not_accepted(settings) or "the licence was accepted"):
        print(f"    {note}")
    for problem in verdict.problems:
        print(f"!!  {problem}")
    if verdict.problems:
        count = len(verdict.problems)
        raise WeightsUnusable(
            f"the weights in {folder.path} cannot be used: problems={count}; pull or convert "
            "them again"
        )
    print("ok  every file and every tensor is there, and nothing else")


def _have_accepted(
    arguments: argparse.Namespace, settings: Settings, folder: WeightsFolder
) -> None:
    """Go on only where the licence is accepted: before, by the option, or by a typed word."""
    from lyra_zoom.weights.licence import accept, situation

    depth: DepthChoice = arguments.depth
    print(situation(depth), file=sys.stderr)
    if arguments.accept_licence or (why_not_accepted(settings) and _types_yes()):
        accept(folder)
    elif why_not_accepted(settings):
        raise LicenceNotAccepted(
            f"the {LICENCE} was not accepted; --accept-licence accepts it without a question"
        )


def _types_yes() -> bool:
    """Ask, where somebody can answer."""
    if not sys.stdin.isatty():
        return False
    print("Type yes to accept this licence: ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() == "yes"


@contextmanager
def _reported() -> Iterator[Progress]:
    with shown_progress() as show:
        report = ProgressReport(show)
        yield report
        report.finish()


def _say_what_is_there(manifest: Manifest, folder: WeightsFolder) -> None:
    from lyra_zoom.weights.left_out import left_out_lines

    print(f"{len(manifest.files)} files in {folder.path}")
    for line in left_out_lines(manifest.left_out):
        print(line)
    print("lyra-zoom doctor says whether this machine can run them")


ACTIONS = {"pull": _pull, "convert": _convert, "check": _check}
