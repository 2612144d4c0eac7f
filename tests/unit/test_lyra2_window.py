"""The window of 45 frames: how many tokens it has, and where they stand."""

from __future__ import annotations

import pytest

from lyra_zoom.engines.lyra2.config import LYRA2_14B
from lyra_zoom.engines.lyra2.flops import flops
from lyra_zoom.engines.lyra2.window import (
    HISTORY_FRAMES,
    NEW,
    WINDOW,
    WINDOW_FRAMES,
    num_tokens,
    token_positions,
    token_ranges,
)

PETA = 1e15


@pytest.mark.parametrize(
    ("height", "width", "tokens"), [(448, 768, 32_928), (480, 832, 38_246), (720, 1280, 88_360)]
)
def test_a_window_has_as_many_tokens_as_the_reference(height, width, tokens):
    assert num_tokens(height, width) == tokens


def test_segments_follow_each_other_through_the_window():
    frames = [position for segment in WINDOW for position in range(*span(segment.positions))]
    assert frames == list(range(WINDOW_FRAMES))
    assert HISTORY_FRAMES + NEW.frames == WINDOW_FRAMES


def test_tokens_of_segments_follow_each_other():
    at_480p = [(place.stop - place.start) for _, place in token_ranges(60, 104)]
    assert at_480p == [1560, 1560, 1560, 416, 390, 1560, 31_200]


def test_a_new_token_stands_at_its_own_frame_row_and_column():
    times, rows, columns = token_positions(NEW, 4, 6)
    assert (times, rows, columns) == ([*map(float, range(25, 45))], [0, 1], [0, 1, 2])


def test_a_coarse_token_stands_in_the_middle_of_what_it_covers():
    older = next(segment for segment in WINDOW if segment.kernel == 4)
    times, rows, _ = token_positions(older, 16, 16)
    assert times == [7.5, 11.5, 15.5, 19.5]
    assert rows == [1.5, 5.5]


def test_beyond_the_frame_the_last_row_repeats():
    older = next(segment for segment in WINDOW if segment.kernel == 4)
    _, rows, _ = token_positions(older, 60, 104)  # 30 rows of full tokens, not 32
    assert rows[-1] == (28 + 29 + 29 + 29) / 4


@pytest.mark.parametrize(
    ("height", "width", "work", "attention"),
    [(480, 832, 2.18, 0.55), (720, 1280, 8.67, 0.74)],
)
def test_a_forward_pass_that_prepares_anew_is_the_work_of_the_reference(
    height, width, work, attention
):
    counted = flops(LYRA2_14B, height, width)
    everything = counted.step + counted.preparation
    assert everything / PETA == pytest.approx(work, rel=0.005)
    assert counted.self_attention / everything == pytest.approx(attention, abs=0.006)


def test_what_is_prepared_once_spares_each_step_a_hundredth():
    counted = flops(LYRA2_14B, 480, 832)
    assert 0.008 < counted.preparation / counted.step < 0.02


def span(positions: slice) -> tuple[int, int]:
    return positions.start, positions.stop
