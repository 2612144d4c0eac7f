"""Progress on standard error: a bar for a terminal, a few plain lines for a log."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from lyra_zoom.pipeline.progress import NOT_BEGUN, ProgressUpdate
from lyra_zoom.pipeline.words import STAGE_WORDS, time_left

PLAIN_LINE_EVERY_S = 2.0


@contextmanager
def shown_progress() -> Iterator[Callable[[ProgressUpdate], None]]:
    """A function that shows each update, until the block ends."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    if console.is_terminal:
        with _bar(console) as show:
            yield show
    else:
        yield _plain(console)


@contextmanager
def _bar(console: Console) -> Iterator[Callable[[ProgressUpdate], None]]:
    columns = (
        TextColumn("{task.description:36}"),
        BarColumn(bar_width=30),
        TaskProgressColumn(),
        TextColumn("{task.fields[eta]}"),
    )
    with Progress(*columns, console=console, transient=True, refresh_per_second=8) as progress:
        task = progress.add_task("starting", total=1.0, eta="")

        def show(update: ProgressUpdate) -> None:
            if update.message:
                progress.console.print(update.message, style="dim", markup=False)
            progress.update(
                task,
                completed=update.fraction,
                description=STAGE_WORDS.get(update.stage, update.stage),
                eta=_eta(update),
            )

        yield show


def _plain(console: Console) -> Callable[[ProgressUpdate], None]:
    last_stage, last_s = "", 0.0

    def show(update: ProgressUpdate) -> None:
        nonlocal last_stage, last_s
        if update.message:
            console.print(update.message, markup=False)
        if update.stage == NOT_BEGUN:
            return
        now_s = time.monotonic()
        if update.stage == last_stage and now_s - last_s < PLAIN_LINE_EVERY_S:
            return
        last_stage, last_s = update.stage, now_s
        words = STAGE_WORDS.get(update.stage, update.stage)
        console.print(f"{update.fraction:4.0%} {words} {_eta(update)}".rstrip(), markup=False)

    return show


def _eta(update: ProgressUpdate) -> str:
    return "" if update.stage == "done" else time_left(update.eta_s)
