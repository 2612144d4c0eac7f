"""A worker is dead when nothing new was heard of it for eight seconds of our own time."""

from __future__ import annotations

from lyra_zoom.worker.silence import SilenceWatch


class Clock:
    """Runs when told to."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def look_for(watch: SilenceWatch, clock: Clock, seconds: float, beats: dict[str, float | None]):
    """Look every two seconds at workers that say nothing new; who is dead in the end."""
    dead: tuple[str, ...] = ()
    for _ in range(int(seconds / 2)):
        clock.now_s += 2
        dead = watch.dead(beats)
    return dead


def test_a_silent_worker_is_dead_after_a_while():
    clock = Clock()
    watch = SilenceWatch(clock)
    assert look_for(watch, clock, 8, {"a": 5.0}) == ()
    assert look_for(watch, clock, 4, {"a": 5.0}) == ("a",)


def test_work_without_any_lease_is_taken_up_as_late():
    clock = Clock()
    watch = SilenceWatch(clock)
    assert look_for(watch, clock, 8, {"gone": None}) == ()
    assert look_for(watch, clock, 4, {"gone": None}) == ("gone",)


def test_a_worker_whose_clock_is_wrong_lives():
    clock = Clock()
    watch = SilenceWatch(clock)
    for beat in (9e9, 8e9, 7e9, 6e9, 5e9, 4e9, 3e9):
        clock.now_s += 2
        assert watch.dead({"a": beat}) == ()


def test_a_watcher_that_was_frozen_starts_anew():
    clock = Clock()
    watch = SilenceWatch(clock)
    look_for(watch, clock, 8, {"a": 5.0})
    clock.now_s += 3600
    assert watch.dead({"a": 5.0}) == ()
    assert look_for(watch, clock, 10, {"a": 5.0}) == ("a",)
