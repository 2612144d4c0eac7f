"""How a film is cut into chunks, each of which can be made by another process.

By frame of the film the chunks are [0, 81), [81, 161), [161, 241) and so on: 80 frames, and in
the first one the anchor frame besides. A chunk never spans two legs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lyra_zoom.pipeline.shot import Leg, Shot

CHUNK_FRAMES = 80

PREPARE_COST = 10
"""Decoding and the scene, in drawn frames: embedded engine, two cores, 480p."""

SET_UP_COST = 16
"""Setting a leg up, in drawn frames: measured in the same run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Frames that are made and kept together.

    `share` and `done_before` say how much of the film's whole work the chunk is and how much
    comes before it; the first chunk of a leg includes `set_up_share`.
    """

    index: int
    leg: Leg
    leg_index: int
    frames: range  # of the film
    leg_frames: range  # the same, counted along the cameras of the leg in playing order
    done_before: float
    share: float
    set_up_share: float


def plan_chunks(shot: Shot) -> tuple[Chunk, ...]:
    """The chunks of a shot in playing order; the same in every process."""
    whole = _whole_cost(shot)
    chunks: list[Chunk] = []
    done = PREPARE_COST
    for leg_index, start, leg_frames in _ranges(shot):
        set_up = SET_UP_COST if leg_frames.start == 0 else 0
        cost = set_up + len(leg_frames)
        chunk = Chunk(
            index=len(chunks),
            leg=shot.legs[leg_index],
            leg_index=leg_index,
            frames=range(start + leg_frames.start, start + leg_frames.stop),
            leg_frames=leg_frames,
            done_before=done / whole,
            share=cost / whole,
            set_up_share=set_up / whole,
        )
        chunks.append(chunk)
        done += cost
    return tuple(chunks)


def prepare_share(shot: Shot) -> float:
    """How much of the film's whole work comes before its first chunk."""
    return PREPARE_COST / _whole_cost(shot)


def _whole_cost(shot: Shot) -> int:
    return PREPARE_COST + SET_UP_COST * len(shot.legs) + shot.num_frames


def _ranges(shot: Shot) -> Iterator[tuple[int, int, range]]:
    """Leg, its first frame in the film, and the frames of one chunk counted from there."""
    start = 0
    for leg_index, leg in enumerate(shot.legs):
        anchor = 1 if leg_index == 0 else 0  # later legs leave out the photograph they share
        num_frames = leg.num_frames - 1 + anchor
        begin = 0
        while begin < num_frames:
            length = CHUNK_FRAMES + (anchor if begin == 0 else 0)
            yield leg_index, start, range(begin, min(begin + length, num_frames))
            begin += length
        start += num_frames
