"""Which legs a request asks for, and how many frames that makes."""

from __future__ import annotations

import pytest

from lyra_zoom.contract.zoom import Direction, Resolution, Trajectory, ZoomInput
from lyra_zoom.geometry.image import Size
from lyra_zoom.pipeline.shot import SIZES, Shot, plan_shot


def shot_of(**fields: object) -> Shot:
    request = ZoomInput.model_validate({"image_url": "x", "prompt": "p", **fields})
    return plan_shot(request, b"bytes", seed=7)


def test_in_is_one_leg_with_its_own_trajectory():
    (leg,) = shot_of(zoom_in_trajectory="spiral", zoom_in_strength=1).legs
    assert (leg.direction, leg.trajectory, leg.strength) == (Direction.IN, Trajectory.SPIRAL, 1)
    assert not leg.plays_backwards


def test_out_is_one_leg_that_retreats_from_the_photograph():
    (leg,) = shot_of(zoom_direction="out").legs
    assert (leg.direction, leg.trajectory) == (Direction.OUT, Trajectory.HORIZONTAL_ZOOM)
    assert not leg.plays_backwards


def test_both_is_the_out_leg_backwards_then_the_in_leg():
    out, into = shot_of(zoom_direction="both").legs
    assert (out.direction, out.plays_backwards) == (Direction.OUT, True)
    assert (into.direction, into.plays_backwards) == (Direction.IN, False)


@pytest.mark.parametrize("num_frames", [81, 481])
def test_both_shares_the_photograph_between_its_legs(num_frames):
    assert (
        shot_of(zoom_direction="both", num_frames=num_frames).num_frames == 2 * num_frames - 1
    )
    assert shot_of(num_frames=num_frames).num_frames == num_frames


def test_every_resolution_has_a_size_that_video_can_carry():
    assert set(SIZES) == set(Resolution)
    assert SIZES[Resolution.P480] == Size(832, 480)
    assert SIZES[Resolution.P720] == Size(1280, 720)
    assert all(size.width % 2 == 0 and size.height % 2 == 0 for size in SIZES.values())


def test_the_seed_goes_to_the_engine():
    assert shot_of().sampling.seed == 7
