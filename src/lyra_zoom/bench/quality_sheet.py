"""A contact sheet of the picture benchmark: what each method draws beside the true view."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from lyra_zoom.bench.quality import FRAMES, Preset, Trial, trials
from lyra_zoom.bench.quality_methods import (
    CUT,
    OURS,
    OURS_ESTIMATED,
    STRETCHED,
    Method,
    methods,
)
from lyra_zoom.bench.quality_truth import Subject
from lyra_zoom.errors import OutputRejected, ViewsUnreadable
from lyra_zoom.geometry.image import RgbImage, Size, resize

CELL_WIDTH = 240
HEADING_PX, GAP_PX = 16, 4
ORDER = (STRETCHED, CUT, OURS_ESTIMATED, OURS)
JPEG_QUALITY = 85
SUFFIXES = {".png", ".jpg", ".jpeg"}


def save_sheet(
    path: Path,
    subjects: Iterable[Subject],
    presets: Sequence[Preset],
    say: Callable[[str], None] = lambda what: None,
    contenders: Mapping[str, Method] | None = None,
) -> None:
    """Write a row per place and move: photograph, true view, what each method draws."""
    if path.suffix.lower() not in SUFFIXES:
        raise OutputRejected(f"a sheet is a .png or .jpg file, not {path.name}")
    known = methods()
    contenders = contenders or {name: known[name] for name in ORDER}
    rows = [
        _row(f"{trial.subject.family}, {preset.name}", trial, contenders)
        for preset, trial in trials(subjects, presets, say)
    ]
    if not rows:
        raise ViewsUnreadable("none of the moves has a true view to compare with")
    try:
        Image.fromarray(np.vstack(rows)).save(path, quality=JPEG_QUALITY)
    except OSError as error:
        raise OutputRejected(f"the sheet cannot be written: {error}") from error


def _row(title: str, trial: Trial, contenders: Mapping[str, Method]) -> RgbImage:
    """Pictures of one move's farthest judged frame, each under its name."""
    frame = farthest_frame(trial)
    w2c, K = trial.path.w2c[frame], trial.path.K[frame]
    cells = [
        (title, trial.subject.picture),
        (f"true view, frame {frame}", trial.views[frame].rgb),
    ]
    cells += [
        (name, method(trial.subject, trial.path)(w2c, K).rgb)
        for name, method in contenders.items()
    ]
    return np.hstack([_cell(name, picture) for name, picture in cells])


def farthest_frame(trial: Trial) -> int:
    """The judged frame whose camera is farthest from the photograph's."""
    return max(FRAMES, key=lambda i: float(np.linalg.norm(trial.path.w2c[i][:3, 3])))


def _cell(name: str, picture: RgbImage) -> RgbImage:
    """A small picture with its name above, on white."""
    size = Size.of(picture)
    small = resize(picture, Size(CELL_WIDTH, round(CELL_WIDTH * size.height / size.width)))
    height, width = small.shape[:2]
    cell = Image.new("RGB", (width + GAP_PX, height + HEADING_PX + GAP_PX), "white")
    cell.paste(Image.fromarray(small), (0, HEADING_PX))
    ImageDraw.Draw(cell).text((2, 2), name, fill="black")
    return np.asarray(cell)
