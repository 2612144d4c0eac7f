"""One video in one call: for Python programs, and for the command line."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError

from lyra_zoom.contract.problems import rejection_of
from lyra_zoom.contract.zoom import VideoFile, ZoomInput, ZoomOutput
from lyra_zoom.engines.choose import choose_engine
from lyra_zoom.engines.compile_cache import keep_compiled_code
from lyra_zoom.errors import InputRejected, OutputRejected
from lyra_zoom.pipeline.progress import ProgressReport, ProgressUpdate
from lyra_zoom.pipeline.shot import Shot, plan_shot, random_seed
from lyra_zoom.pipeline.words import notes_on
from lyra_zoom.pipeline.zoom import make_zoom
from lyra_zoom.settings import Settings
from lyra_zoom.storage.fetch import fetch_any


def generate(
    image: str | os.PathLike[str] | bytes,
    *,
    prompt: str,
    output: str | os.PathLike[str],
    on_progress: Callable[[ProgressUpdate], None] | None = None,
    **fields: object,
) -> ZoomOutput:
    """Make one video; `image` is a file, an address, a data URI or a picture's bytes.

    `fields` are those of the contract, such as `zoom_direction="out"`. A wrong field raises
    `InputRejected`. An exception raised by `on_progress` stops the work.
    """
    where = "bytes" if isinstance(image, bytes) else os.fspath(image)
    request = checked_request({"image_url": where, "prompt": prompt, **fields})
    target = checked_target(Path(output))
    data = image if isinstance(image, bytes) else fetch_any(where)
    settings = Settings.from_environment(os.environ)
    return make_video(request, data, target, ProgressReport(on_progress), settings)


def checked_request(fields: dict[str, object]) -> ZoomInput:
    """The request of these fields; an unknown one is a mistake here, unlike on the wire."""
    unknown = sorted(set(fields) - set(ZoomInput.model_fields))
    if unknown:
        known = ", ".join(ZoomInput.model_fields)
        raise InputRejected(unknown[0], f"there is no such field; allowed: {known}")
    try:
        return ZoomInput.model_validate(fields)
    except ValidationError as error:
        raise rejection_of(error) from error


def checked_target(target: Path) -> Path:
    """Where the video goes; refused before any work is done when it cannot go there."""
    if target.suffix.lower() != ".mp4":
        raise OutputRejected(f"output: {target} does not end in .mp4")
    return target


def make_video(
    request: ZoomInput, image: bytes, target: Path, progress: ProgressReport, settings: Settings
) -> ZoomOutput:
    """Make the video of a valid request from the bytes of its image."""
    keep_compiled_code(settings.data)
    engine = choose_engine(request.engine, settings, progress.say)
    for note in notes_on(request, engine.name):
        progress.say(note)
    seed = random_seed() if request.seed is None else request.seed
    shot = plan_shot(request, image, seed)
    timings = make_zoom(shot, engine, target, progress)
    return ZoomOutput(video=_video_file(target, shot), seed=seed, timings=timings)


def _video_file(target: Path, shot: Shot) -> VideoFile:
    return VideoFile(
        url=target.resolve().as_uri(),
        content_type="video/mp4",
        file_name=target.name,
        file_size=target.stat().st_size,
        width=shot.size.width,
        height=shot.size.height,
        fps=shot.frames_per_second,
        duration=shot.num_frames / shot.frames_per_second,
        num_frames=shot.num_frames,
    )
