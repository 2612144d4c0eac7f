"""A film is cut where every process cuts it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lyra_zoom.contract.zoom import ZoomInput
from lyra_zoom.engines.engine import Costs
from lyra_zoom.pipeline.chunks import in_playing_order, plan_chunks, prepare_share
from lyra_zoom.pipeline.shot import Shot, plan_shot

LENGTHS = (81, 161, 241, 481)
COSTS = Costs(prepare=10, set_up=16)


def shot_of(direction: str, num_frames: int = 81) -> Shot:
    request = ZoomInput.model_validate(
        {"image_url": "x", "prompt": "", "zoom_direction": direction, "num_frames": num_frames}
    )
    return plan_shot(request, b"", seed=7)


def cuts(shot: Shot) -> list[tuple[int, int]]:
    return [(chunk.frames.start, chunk.frames.stop) for chunk in plan_chunks(shot)]


@pytest.mark.parametrize("direction", ["in", "out", "both"])
@pytest.mark.parametrize("num_frames", LENGTHS)
def test_the_first_chunk_has_81_frames_each_other_has_80(direction, num_frames):
    shot = shot_of(direction, num_frames)
    lengths = [len(chunk.frames) for chunk in plan_chunks(shot)]
    assert lengths == [81] + [80] * ((shot.num_frames - 81) // 80)


@pytest.mark.parametrize("direction", ["in", "out"])
def test_chunks_of_a_lone_leg_follow_each_other(direction):
    assert cuts(shot_of(direction, 241)) == [(0, 81), (81, 161), (161, 241)]


def test_chunks_of_both_legs_are_made_from_the_photograph_on():
    chunks = plan_chunks(shot_of("both", 161))
    assert cuts(shot_of("both", 161)) == [(80, 161), (0, 80), (161, 241), (241, 321)]
    assert [chunk.index for chunk in chunks] == [0, 1, 2, 3]
    assert [chunk.leg_frames for chunk in chunks] == [
        range(80, -1, -1), range(160, 80, -1), range(1, 81), range(81, 161),
    ]  # fmt: skip


def test_what_was_made_is_shown_in_the_order_of_the_frames():
    chunks = plan_chunks(shot_of("both", 161))
    assert in_playing_order(chunks, ["b", "a", "c", "d"]) == ["a", "b", "c", "d"]


@pytest.mark.parametrize("lengths", [(81, 81), (5, 5), (100, 200), (1, 1), (1, 2), (82, 82)])
def test_no_chunk_spans_two_legs_and_no_frame_is_lost(lengths):
    shot = shot_of("both")
    legs = [replace(leg, num_frames=num) for leg, num in zip(shot.legs, lengths, strict=True)]
    shot = replace(shot, legs=tuple(legs))
    chunks = plan_chunks(shot)
    played = in_playing_order(chunks, chunks)
    assert [n for chunk in played for n in chunk.frames] == list(range(shot.num_frames))
    out, into = (
        [n for chunk in played if chunk.leg_index == leg_index for n in chunk.leg_frames]
        for leg_index in (0, 1)
    )
    assert out == list(reversed(range(lengths[0])))
    assert into == list(range(1, lengths[1]))
    assert all(chunk.leg is shot.legs[chunk.leg_index] for chunk in chunks)


def test_of_both_the_out_leg_plays_backwards():
    backwards = [chunk.leg.plays_backwards for chunk in plan_chunks(shot_of("both"))]
    assert backwards == [True, False]


@pytest.mark.parametrize("direction", ["in", "both"])
@pytest.mark.parametrize("num_frames", LENGTHS)
def test_the_shares_of_all_chunks_add_up_to_the_whole(direction, num_frames):
    shot = shot_of(direction, num_frames)
    done = prepare_share(shot, COSTS)
    for chunk in plan_chunks(shot, COSTS):
        assert chunk.done_before == pytest.approx(done)
        done += chunk.share
    assert done == pytest.approx(1)


def test_only_the_first_chunk_of_a_leg_sets_it_up():
    set_ups = [chunk.set_up_share > 0 for chunk in plan_chunks(shot_of("both", 161), COSTS)]
    assert set_ups == [True, False, True, False]
