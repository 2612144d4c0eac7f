"""The window of 45 latent frames that the network sees: old ones coarsely, new ones in full.

Positions 0 to 24 are history and 25 to 44 are new; the position, not the age of a frame, is its
time. Numbers only, no torch. Source: Lyra 2.0 configuration `f1k1f4s2f1s1f16k4f2k2f1k1_g20`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from lyra_zoom.engines.lyra2.config import PIXELS_PER_LATENT

Grid: TypeAlias = tuple[int, int, int]  # frames, rows, columns

PATCH = 2  # latents per side of a full-resolution token


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Neighbouring window positions that become tokens in the same way.

    A token of kernel n covers n x n tokens of a full-resolution frame, and n frames too if the
    segment follows time; a segment of spatial memory keeps its frames apart.
    """

    start: int
    frames: int
    kernel: int
    spatial: bool = False

    @property
    def positions(self) -> slice:
        """Where the segment's frames stand in the window."""
        return slice(self.start, self.start + self.frames)

    @property
    def corresponds(self) -> bool:
        """Whether the segment's tokens are told which remembered places they show."""
        return self.spatial or self.start == NEW.start

    @property
    def pool(self) -> Grid:
        """What one token covers, in tokens of a full-resolution frame."""
        return (1 if self.spatial else self.kernel, self.kernel, self.kernel)

    @property
    def patch(self) -> Grid:
        """What one token covers, in latents."""
        frames, rows, columns = self.pool
        return (frames, PATCH * rows, PATCH * columns)

    def grid(self, h: int, w: int) -> Grid:
        """How many tokens the segment has along each axis, for latents of h x w."""
        frames, rows, columns = self.patch
        return (_ceil(self.frames, frames), _ceil(h, rows), _ceil(w, columns))

    def tokens(self, h: int, w: int) -> int:
        """How many tokens the segment has, for latents of h x w."""
        frames, rows, columns = self.grid(h, w)
        return frames * rows * columns


HISTORY = (
    Segment(start=0, frames=1, kernel=1),  # the photograph
    Segment(start=1, frames=4, kernel=2, spatial=True),  # remembered views
    Segment(start=5, frames=1, kernel=1, spatial=True),  # the best of them
    Segment(start=6, frames=16, kernel=4),
    Segment(start=22, frames=2, kernel=2),
    Segment(start=24, frames=1, kernel=1),  # the newest frame
)
NEW = Segment(start=25, frames=20, kernel=1)
WINDOW = (*HISTORY, NEW)

HISTORY_FRAMES = NEW.start
NEW_FRAMES = NEW.frames
WINDOW_FRAMES = HISTORY_FRAMES + NEW_FRAMES


def num_tokens(height_px: int, width_px: int) -> int:
    """How many tokens one forward pass has for pictures of this size."""
    h, w = height_px // PIXELS_PER_LATENT, width_px // PIXELS_PER_LATENT
    return sum(segment.tokens(h, w) for segment in WINDOW)


def token_ranges(h: int, w: int) -> Iterator[tuple[Segment, slice]]:
    """The segments of the window, each with its place among the tokens."""
    start = 0
    for segment in WINDOW:
        end = start + segment.tokens(h, w)
        yield segment, slice(start, end)
        start = end


def token_positions(segment: Segment, h: int, w: int) -> tuple[list[float], ...]:
    """Where a segment's tokens stand in time, down and across: the mean of what each covers.

    Beyond the frame, and beyond the segment, the last position repeats.
    """
    ranges = (
        range(segment.start, segment.start + segment.frames),
        range(_ceil(h, PATCH)),
        range(_ceil(w, PATCH)),
    )
    return tuple(_means(axis, size) for axis, size in zip(ranges, segment.pool, strict=True))


def _means(positions: range, size: int) -> list[float]:
    count = _ceil(len(positions), size)
    last = len(positions) - 1
    return [
        sum(positions[min(group * size + step, last)] for step in range(size)) / size
        for group in range(count)
    ]


def _ceil(length: int, size: int) -> int:
    return -(-length // size)
