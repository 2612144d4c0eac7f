"""How a film is cut into chunks, each of which can be made by another process.

By frame of a leg, counted from the photograph, the chunks are [0, 81), [81, 161), [161, 241)
and so on: 80 frames, and in the first one the photograph besides, unless the leg before has
shown it. They are made in that order, whichever way the leg is played: an engine whose frames
follow from earlier ones has to begin at the photograph. A chunk never spans two legs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from lyra_zoom.engines.engine import Costs
from lyra_zoom.pipeline.shot import Leg, Shot

CHUNK_FRAMES = 80

FRAMES_ALONE = Costs()
"""For who asks for no shares."""

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Frames that are made and kept together.

    `share` and `done_before` say how much of the film's whole work the chunk is and how much
    comes before it; the chunk that a leg begins with includes `set_up_share`.
    """

    index: int  # among all, in the order in which they are made
    leg: Leg
    leg_index: int
    frames: range  # of the film
    leg_frames: range  # the same, in playing order, counted along the leg from the photograph
    done_before: float
    share: float
    set_up_share: float


def plan_chunks(shot: Shot, costs: Costs = FRAMES_ALONE) -> tuple[Chunk, ...]:
    """The chunks of a shot in the order in which they are made; the same in every process."""
    whole = _whole_cost(shot, costs)
    chunks: list[Chunk] = []
    done = costs.prepare
    for leg_index, frames, leg_frames in _cuts(shot):
        begins_leg = not chunks or chunks[-1].leg_index != leg_index
        set_up = costs.set_up if begins_leg else 0.0
        cost = set_up + len(frames)
        chunk = Chunk(
            index=len(chunks),
            leg=shot.legs[leg_index],
            leg_index=leg_index,
            frames=frames,
            leg_frames=leg_frames,
            done_before=done / whole,
            share=cost / whole,
            set_up_share=set_up / whole,
        )
        chunks.append(chunk)
        done += cost
    return tuple(chunks)


def in_playing_order(chunks: Sequence[Chunk], made: Sequence[Made]) -> list[Made]:
    """What was made of each chunk, in the order of the film's frames."""
    played = sorted(zip(chunks, made, strict=True), key=lambda pair: pair[0].frames.start)
    return [thing for _, thing in played]


def prepare_share(shot: Shot, costs: Costs) -> float:
    """How much of the film's whole work comes before its first chunk."""
    return costs.prepare / _whole_cost(shot, costs)


def _whole_cost(shot: Shot, costs: Costs) -> float:
    return costs.prepare + costs.set_up * len(shot.legs) + shot.num_frames


def _cuts(shot: Shot) -> Iterator[tuple[int, range, range]]:
    """Leg, frames of the film and places on the leg, chunk by chunk as they are made."""
    start = 0  # of the leg, in the film
    for leg_index, leg in enumerate(shot.legs):
        first = 0 if leg_index == 0 else 1  # later legs leave out the photograph they share
        for begin, stop in _chunks_of(first, leg.num_frames):
            if leg.plays_backwards:
                film_start = start + leg.num_frames - stop
                places = range(stop - 1, begin - 1, -1)
            else:
                film_start = start + begin - first
                places = range(begin, stop)
            yield leg_index, range(film_start, film_start + stop - begin), places
        start += leg.num_frames - first


def _chunks_of(first: int, num_frames: int) -> Iterator[tuple[int, int]]:
    """Where the chunks of a leg begin and end, from the photograph on."""
    begin, stop = first, 1 + CHUNK_FRAMES
    while begin < num_frames:
        yield begin, min(stop, num_frames)
        begin, stop = stop, stop + CHUNK_FRAMES
