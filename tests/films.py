"""Films made of pictures alone, without an engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from lyra_zoom.geometry.image import RgbImage, Size
from lyra_zoom.pipeline.encode import Mp4Writer
from lyra_zoom.pipeline.join import join_film


def write_segment(target: Path, frames: Iterable[RgbImage], rate: int = 16) -> Path:
    """One chunk of a film, encoded."""
    pictures = list(frames)
    with Mp4Writer(target, Size.of(pictures[0]), rate, len(pictures)) as segment:
        for picture in pictures:
            segment.write(picture)
    return target


def write_film(
    target: Path,
    frames: Iterable[RgbImage],
    rate: int = 16,
    tags: Mapping[str, str] | None = None,
) -> Path:
    """A film of one chunk."""
    segment = write_segment(target.with_suffix(".segment"), frames, rate)
    join_film(target, [segment], tags or {})
    segment.unlink()
    return target
