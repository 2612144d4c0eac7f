"""`lyra-zoom generate`: one photograph, one video."""

from __future__ import annotations

import argparse
import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from lyra_zoom.cli.options import given_fields
from lyra_zoom.cli.progress_bar import shown_progress
from lyra_zoom.contract.zoom import ZoomOutput
from lyra_zoom.generate import checked_request, checked_target, make_video
from lyra_zoom.pipeline.progress import ProgressReport, total_times
from lyra_zoom.pipeline.words import STAGE_WORDS
from lyra_zoom.settings import Settings
from lyra_zoom.storage.fetch import fetch_any


def run(arguments: argparse.Namespace) -> None:
    """Make the video the arguments ask for and say where it is."""
    fields = given_fields(arguments) | {"image_url": arguments.image}
    request = checked_request(fields)
    target = checked_target(Path(arguments.output))
    image = fetch_any(arguments.image)
    settings = Settings.from_environment(os.environ)
    with shown_progress() as show:
        progress = ProgressReport(show)
        with _cancelled_by_signals(progress):
            answer = make_video(request, image, target, progress, settings)
    if arguments.json:
        print(json.dumps(answer.to_wire()))
    else:
        _print_summary(target, answer, progress)


def _print_summary(target: Path, answer: ZoomOutput, progress: ProgressReport) -> None:
    for stage, seconds in total_times(progress.stage_times).items():
        print(f"{STAGE_WORDS.get(stage, stage):36} {seconds:6.2f} s")
    video = answer.video
    print(
        f"{target}: {video.num_frames} frames of {video.width}x{video.height}, "
        f"{video.duration:.2f} s, seed {answer.seed}"
    )


@contextmanager
def _cancelled_by_signals(progress: ProgressReport) -> Iterator[None]:
    """Ctrl-C stops at the next frame and leaves no half file; a second one stops at once."""

    def cancel(number: int, frame: FrameType | None) -> None:
        progress.cancel()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = {
        number: signal.signal(number, cancel) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
