"""Stages add up to one fraction that never falls, and an estimate that means something."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyra_zoom.engines.engine import Repeated
from lyra_zoom.errors import Cancelled
from lyra_zoom.pipeline.progress import (
    Portion,
    ProgressReport,
    ProgressUpdate,
    StageTime,
    total_times,
)
from lyra_zoom.pipeline.words import time_left


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s

    def wait(self, seconds: float) -> None:
        self.now_s += seconds


def report(done: float = 0.0) -> tuple[ProgressReport, list[ProgressUpdate], Clock]:
    updates: list[ProgressUpdate] = []
    clock = Clock()
    return ProgressReport(updates.append, clock, done=done), updates, clock


def test_stages_add_up():
    progress, updates, _ = report()
    progress.begin("depth", 0.2)
    progress.advance(0.5)
    progress.begin("frames", 0.8)
    progress.advance(0.5)
    progress.finish()
    assert [update.fraction for update in updates] == pytest.approx([0, 0.1, 0.2, 0.6, 1])
    assert [update.stage for update in updates] == [
        "depth",
        "depth",
        "frames",
        "frames",
        "done",
    ]


@given(
    st.lists(
        st.one_of(
            st.floats(-1, 2).map(lambda share: ("begin", share)),
            st.floats(-1, 2).map(lambda fraction: ("advance", fraction)),
        )
    )
)
def test_the_fraction_never_falls_and_never_leaves_its_range(steps):
    progress, updates, _ = report()
    for kind, value in steps:
        progress.begin("stage", value) if kind == "begin" else progress.advance(value)
    fractions = [update.fraction for update in updates]
    assert fractions == sorted(fractions)
    assert all(0 <= fraction <= 1 for fraction in fractions)


def test_nothing_is_estimated_before_anything_is_done():
    progress, updates, clock = report()
    progress.begin("frames", 1.0)
    clock.wait(5)
    progress.advance(0.0)
    assert updates[-1].eta_s is None


def test_the_estimate_follows_the_speed_of_the_stage():
    progress, updates, clock = report()
    progress.begin("compile", 0.02)
    clock.wait(60)  # slow, and no sign of what comes
    progress.begin("frames", 0.98)
    clock.wait(2)
    progress.advance(0.5)
    assert updates[-1].eta_s == pytest.approx(2)


def test_a_message_is_passed_on_with_where_it_was_said():
    progress, updates, _ = report()
    progress.begin("cameras", 0.1)
    progress.say("the move was shortened")
    assert (updates[-1].stage, updates[-1].message) == ("cameras", "the move was shortened")


@pytest.mark.parametrize("call", ["begin", "advance", "say"])
def test_every_report_stops_cancelled_work(call):
    progress, updates, _ = report()
    progress.begin("frames", 1.0)
    progress.cancel()
    arguments = {"begin": ("x", 0.1), "advance": (0.5,), "say": ("x",)}
    with pytest.raises(Cancelled):
        getattr(progress, call)(*arguments[call])
    assert len(updates) == 1


def test_an_error_of_the_listener_stops_the_work():
    def listen(update: ProgressUpdate) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ProgressReport(listen).begin("frames", 1.0)


def test_the_seconds_of_every_stage_are_kept():
    progress, _, clock = report()
    progress.begin("depth", 0.5)
    clock.wait(2)
    progress.begin("frames", 0.5)
    clock.wait(3)
    progress.finish()
    assert progress.stage_times == (StageTime("depth", 2), StageTime("frames", 3))


def test_the_times_of_both_legs_are_told_together():
    progress, _, clock = report()
    for seconds in (2, 3):
        for stage in ("layers", "frames"):
            progress.begin(stage, 0.25)
            clock.wait(seconds)
    progress.finish()
    assert total_times(progress.stage_times) == {"layers": 5, "frames": 5}


@pytest.mark.parametrize(("eta_s", "said"), [
    (None, ""), (0.2, ""), (0.7, "1 s left"), (59.6, "1 min 0 s left"), (125, "2 min 5 s left"),
])  # fmt: skip
def test_only_what_is_worth_a_word_is_said_to_be_left(eta_s, said):
    assert time_left(eta_s) == said


def test_two_legs_share_the_whole():
    progress, updates, _ = report()
    for _ in range(2):
        leg = Portion(progress, 0.5)
        leg.begin("layers", 0.2)
        leg.begin("frames", 0.8)
        leg.advance(1.0)
    assert [update.fraction for update in updates] == pytest.approx(
        [0, 0.1, 0.5, 0.5, 0.6, 1.0]
    )


def test_a_stage_that_begins_again_goes_on():
    progress, updates, clock = report()
    for _ in range(2):
        progress.begin("frames", 0.5)
        clock.wait(2)
        progress.advance(1.0)
    progress.finish()
    assert progress.stage_times == (StageTime("frames", 4),)
    assert updates[2].eta_s == pytest.approx(2)  # known at once: the speed is


def test_a_report_goes_on_where_another_process_stopped():
    progress, updates, clock = report(done=0.6)
    progress.begin("frames", 0.4)
    clock.wait(2)
    progress.advance(0.5)
    assert [update.fraction for update in updates] == pytest.approx([0.6, 0.8])
    assert updates[-1].eta_s == pytest.approx(2)


def test_repeated_work_counts_for_nothing():
    progress, updates, _ = report(done=0.6)
    again = Repeated(progress)
    again.begin("depth", 0.5)
    again.advance(1.0)
    again.say("the move was shortened")
    assert {update.fraction for update in updates} == {0.6}
    assert all(update.message is None for update in updates)


def test_repeated_work_can_be_cancelled():
    progress, _, _ = report()
    progress.cancel()
    with pytest.raises(Cancelled):
        Repeated(progress).advance(0.5)
