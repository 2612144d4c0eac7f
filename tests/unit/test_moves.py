"""Rules every camera move keeps, whatever its shape."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyra_zoom.contract.zoom import Direction, Trajectory
from lyra_zoom.geometry.camera import CameraPath, centred_intrinsics, project
from lyra_zoom.geometry.image import Size
from lyra_zoom.geometry.rigid import camera_centre_world
from lyra_zoom.pipeline.cameras import SourceView, build_path, plan_leg, plan_legs, played
from lyra_zoom.pipeline.moves import MOVES, Way
from lyra_zoom.pipeline.shot import Leg

SIZE = Size(832, 480)
D = 2.0
OPEN_SKY = SourceView(
    K=centred_intrinsics(720.0, SIZE),
    size=SIZE,
    depth=np.full((48, 80), np.inf, np.float32),
    subject_depth=D,
)

trajectories = st.sampled_from(list(Trajectory))
directions = st.sampled_from([Direction.IN, Direction.OUT])
strengths = st.floats(0, 3)
frame_counts = st.sampled_from([81, 161])


def leg(trajectory, direction=Direction.IN, strength=0.5, **more) -> Leg:
    return Leg(
        direction=direction,
        trajectory=trajectory,
        strength=strength,
        num_frames=more.pop("num_frames", 81),
        **more,
    )


def plan(a_leg: Leg) -> CameraPath:
    return plan_leg(a_leg, OPEN_SKY, lambda _: None)


def plan_film(legs: tuple[Leg, ...]) -> CameraPath:
    planned = plan_legs(legs, OPEN_SKY, lambda _: None)
    return played(legs, tuple(leg.path for leg in planned))


def centres_of(path: CameraPath) -> np.ndarray:
    return np.stack([camera_centre_world(w2c) for w2c in path.w2c])


legs = st.builds(
    leg,
    trajectory=trajectories,
    direction=directions,
    strength=strengths,
    num_frames=frame_counts,
)


def test_every_trajectory_has_a_move():
    assert set(MOVES) == set(Trajectory)


@given(legs)
def test_every_move_starts_at_the_photograph(a_leg):
    path = plan(a_leg)
    assert np.array_equal(path.w2c[0], np.eye(4))
    assert np.array_equal(path.K[0], OPEN_SKY.K)


@given(legs)
def test_a_leg_has_exactly_the_frames_asked_for(a_leg):
    path = plan(a_leg)
    assert len(path) == len(path.K) == a_leg.num_frames


@given(legs)
def test_a_camera_is_never_mirrored_or_skewed(a_leg):
    rotations = plan(a_leg).w2c[:, :3, :3]
    assert rotations @ rotations.transpose(0, 2, 1) == pytest.approx(
        np.broadcast_to(np.eye(3), rotations.shape), abs=1e-12
    )
    assert np.linalg.det(rotations) == pytest.approx(1)


@given(legs)
def test_a_camera_never_turns_its_back_on_the_scene_in_one_step(a_leg):
    forward = plan(a_leg).w2c[:, 2, :3]
    assert np.sum(forward[1:] * forward[:-1], axis=1).min() > np.cos(np.radians(3.5))


@given(legs)
def test_a_move_has_no_jumps(a_leg):
    speed = np.diff(centres_of(plan(a_leg)), axis=0)
    change = np.linalg.norm(np.diff(speed, axis=0), axis=1)
    # the tightest curve is the spiral's circle: speed may turn by 4 pi / (N - 1) per frame
    assert change.max() <= 0.25 * np.linalg.norm(speed, axis=1).max() + 1e-12


@given(legs)
def test_a_reversed_leg_is_the_leg_reversed(a_leg):
    backwards = Leg(
        direction=a_leg.direction,
        trajectory=a_leg.trajectory,
        strength=a_leg.strength,
        num_frames=a_leg.num_frames,
        plays_backwards=True,
    )
    played_backwards = plan_film((backwards,))
    assert np.array_equal(played_backwards.w2c, plan(a_leg).w2c[::-1])
    assert np.array_equal(played_backwards.K, plan(a_leg).K[::-1])


@given(trajectories, directions)
def test_no_strength_is_no_motion(trajectory, direction):
    path = plan(leg(trajectory, direction, strength=0.0))
    assert np.array_equal(path.w2c, np.broadcast_to(np.eye(4), path.w2c.shape))
    assert np.array_equal(path.K, np.broadcast_to(OPEN_SKY.K, path.K.shape))


@given(trajectories, directions, strengths)
def test_twice_the_scene_is_twice_the_way(trajectory, direction, strength):
    way = Way(
        towards=direction is Direction.IN,
        strength=strength,
        subject_depth=D,
        num_frames=81,
    )
    larger = Way(towards=way.towards, strength=strength, subject_depth=2 * D, num_frames=81)
    once = centres_of(build_path(trajectory, way, OPEN_SKY))
    twice = centres_of(build_path(trajectory, larger, OPEN_SKY))
    assert twice == pytest.approx(2 * once, abs=1e-12)


class TestDirections:
    def test_the_in_leg_of_a_straight_zoom_ends_one_step_short_of_its_strength(self):
        z = centres_of(plan(leg(Trajectory.HORIZONTAL_ZOOM, strength=0.5)))[-1, 2]
        assert z == pytest.approx(0.5 * D * 80 / 81)

    def test_the_out_leg_retreats(self):
        path = plan(leg(Trajectory.HORIZONTAL_ZOOM, Direction.OUT, strength=1.5))
        assert centres_of(path)[-1, 2] == pytest.approx(-1.5 * D * 80 / 81)

    @given(trajectories, strengths)
    def test_the_out_leg_rises_with_its_retreat(self, trajectory, strength):
        way = Way(towards=False, strength=strength, subject_depth=D, num_frames=81)
        retreat = -np.minimum(MOVES[trajectory](way).centres_world[:, 2], 0)
        planned = centres_of(build_path(trajectory, way, OPEN_SKY))[:, 1]
        level = MOVES[trajectory](way).centres_world[:, 1]
        lift = 0.0 if trajectory is Trajectory.DOLLY_ZOOM else 0.15  # y points down
        assert planned == pytest.approx(level - lift * retreat)

    def test_the_in_leg_of_an_orbit_goes_right_and_the_out_leg_left(self):
        assert centres_of(plan(leg(Trajectory.ORBIT_HORIZONTAL)))[-1, 0] > 0
        out = plan(leg(Trajectory.ORBIT_HORIZONTAL, Direction.OUT))
        assert centres_of(out)[-1, 0] < 0

    def test_an_orbit_keeps_its_distance_to_the_subject(self):
        centres = centres_of(plan(leg(Trajectory.ORBIT_HORIZONTAL, strength=2.0)))
        distance = np.linalg.norm(centres - np.array([0.0, 0.0, D]), axis=1)
        assert distance == pytest.approx(D)

    def test_the_strength_of_an_orbit_is_its_angle_in_radians(self):
        forward = plan(leg(Trajectory.ORBIT_HORIZONTAL, strength=0.5)).w2c[-1, 2, :3]
        assert np.arccos(forward[2]) == pytest.approx(0.5)

    def test_a_bend_drifts_down_on_the_way_in(self):
        path = plan(leg(Trajectory.HORIZONTAL_ZOOM_BEND, strength=1.0))
        x, y, z = centres_of(path)[-1]
        assert (x, y) == pytest.approx((0, 0.04 * z))


class TestDifferencesFromTheReference:
    """Where the reference is broken or silent; decision 0004 says why for each."""

    def test_a_spiral_approaches_where_the_reference_circles_in_place(self):
        centres = centres_of(plan(leg(Trajectory.SPIRAL, strength=0.5)))
        assert centres[-1] == pytest.approx([0, 0, 0.5 * D], abs=1e-12)
        assert np.all(np.diff(centres[:, 2]) > 0)

    def test_a_spiral_makes_two_turns(self):
        sideways = centres_of(plan(leg(Trajectory.SPIRAL, strength=1.0)))[:, 1]
        assert np.sum(np.diff(np.sign(sideways[1:-1])) != 0) == 3

    def test_a_dolly_zoom_follows_its_strength(self):
        weak = centres_of(plan(leg(Trajectory.DOLLY_ZOOM, strength=0.2)))
        strong = centres_of(plan(leg(Trajectory.DOLLY_ZOOM, strength=0.4)))
        assert strong == pytest.approx(2 * weak)

    def test_a_dolly_zoom_never_turns_round(self):
        for strength in (0.5, 2.0):
            rotations = plan(leg(Trajectory.DOLLY_ZOOM, strength=strength)).w2c[:, :3, :3]
            assert np.array_equal(rotations, np.broadcast_to(np.eye(3), rotations.shape))

    @pytest.mark.parametrize("direction", [Direction.IN, Direction.OUT])
    def test_a_dolly_zoom_holds_its_subject_still(self, direction):
        path = plan(leg(Trajectory.DOLLY_ZOOM, direction, strength=0.7))
        corner = np.array([[0.4, -0.3, D]])
        seen = [project(corner, w2c, K)[0, :2] for w2c, K in zip(path.w2c, path.K, strict=True)]
        assert np.array(seen) == pytest.approx(np.tile(seen[0], (len(path), 1)))

    def test_a_dolly_zoom_ends_before_its_subject(self):
        said: list[str] = []
        path = plan_leg(leg(Trajectory.DOLLY_ZOOM, strength=2.0), OPEN_SKY, said.append)
        assert centres_of(path)[-1, 2] == pytest.approx(0.8 * D)
        assert "from 2.00 to 0.80" in said[0]

    def test_back_goes_there_by_the_middle_where_the_reference_stands_still(self):
        centres = centres_of(plan(leg(Trajectory.BACK, strength=0.5)))
        assert centres[40, 2] == pytest.approx(0.5 * D)

    @given(directions, st.floats(0.1, 2), frame_counts)
    def test_back_returns_to_the_photograph(self, direction, strength, num_frames):
        path = plan(leg(Trajectory.BACK, direction, strength, num_frames=num_frames))
        assert np.array_equal(path.w2c[-1], np.eye(4))

    def test_back_loops_without_a_jolt(self):
        z = centres_of(plan(leg(Trajectory.BACK, strength=0.5)))[:, 2]
        assert abs(z[1] - z[0]) < 0.1 * np.abs(np.diff(z)).max()
        assert abs(z[-1] - z[-2]) < 0.1 * np.abs(np.diff(z)).max()

    def test_both_legs_share_one_photograph_where_the_reference_shows_it_twice(self):
        out = leg(Trajectory.HORIZONTAL_ZOOM, Direction.OUT, 1.5, plays_backwards=True)
        w2c = plan_film((out, leg(Trajectory.HORIZONTAL_ZOOM))).w2c
        assert len(w2c) == 2 * 81 - 1
        assert sum(np.array_equal(one, np.eye(4)) for one in w2c) == 1

    def test_both_legs_of_a_straight_zoom_are_one_way_forward(self):
        out = leg(Trajectory.HORIZONTAL_ZOOM, Direction.OUT, 1.5, plays_backwards=True)
        z = centres_of(plan_film((out, leg(Trajectory.HORIZONTAL_ZOOM))))[:, 2]
        assert np.all(np.diff(z) > 0)

    def test_a_lone_out_leg_retreats_from_the_photograph(self):
        path = plan(leg(Trajectory.HORIZONTAL_ZOOM, Direction.OUT, 1.5))
        assert np.all(np.diff(centres_of(path)[:, 2]) < 0)
