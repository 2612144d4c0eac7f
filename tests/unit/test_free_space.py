"""The camera keeps clear of what the photograph shows ahead of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyra_zoom.contract.zoom import Direction, Trajectory
from lyra_zoom.geometry.camera import centred_intrinsics, pixel_centres, unproject
from lyra_zoom.geometry.image import Size
from lyra_zoom.geometry.rigid import camera_centre_world
from lyra_zoom.pipeline.cameras import SourceView, plan_leg
from lyra_zoom.pipeline.free_space import Obstacles
from lyra_zoom.pipeline.shot import Leg

SIZE = Size(832, 480)
DEPTH_SIZE = Size(416, 240)
D = 2.0
K = centred_intrinsics(720.0, SIZE)
FORWARD = [Trajectory.HORIZONTAL_ZOOM, Trajectory.HORIZONTAL_ZOOM_BEND, Trajectory.BACK]


def far_away() -> np.ndarray:
    return np.full((DEPTH_SIZE.height, DEPTH_SIZE.width), 50.0, np.float32)


def wall_at(depth: float) -> np.ndarray:
    return np.full_like(far_away(), depth)


def ground(below: float) -> np.ndarray:
    """A level ground `below` the camera, under a sky."""
    y = (pixel_centres(DEPTH_SIZE)[..., 1] - DEPTH_SIZE.height / 2) / 360.0
    return np.where(y > 0.001, below / np.maximum(y, 0.001), np.inf).astype(np.float32)


def scene(depth: np.ndarray) -> SourceView:
    return SourceView(K=K, size=SIZE, depth=depth, subject_depth=D)


def leg(trajectory=Trajectory.HORIZONTAL_ZOOM, strength=0.5, direction=Direction.IN) -> Leg:
    return Leg(direction=direction, trajectory=trajectory, strength=strength, num_frames=81)


def farthest(depth: np.ndarray, a_leg: Leg) -> float:
    """How far from the photograph the camera of a leg gets, in multiples of D."""
    path = plan_leg(a_leg, scene(depth), lambda _: None)
    return max(float(np.linalg.norm(camera_centre_world(w2c))) for w2c in path.w2c) / D


def said_of(depth: np.ndarray, a_leg: Leg) -> list[str]:
    said: list[str] = []
    plan_leg(a_leg, scene(depth), said.append)
    return said


class TestForward:
    def test_an_open_way_is_not_shortened(self):
        assert said_of(far_away(), leg(strength=2.0)) == []
        assert farthest(far_away(), leg(strength=2.0)) == pytest.approx(2.0 * 80 / 81)

    @pytest.mark.parametrize("trajectory", FORWARD)
    def test_the_camera_goes_at_most_three_quarters_of_the_way_to_a_wall(self, trajectory):
        assert 0.6 < farthest(wall_at(D), leg(trajectory, 2.0)) <= 0.76

    @given(st.floats(0.3, 4.0))
    def test_the_camera_stays_before_a_wall_at_any_distance(self, distance):
        reached = farthest(wall_at(distance), leg(strength=2.0)) * D
        assert reached < 0.77 * distance

    def test_a_default_zoom_ends_well_before_a_wall_at_the_subject(self):
        assert said_of(wall_at(D), leg(strength=0.5)) == []

    def test_a_dolly_zoom_stops_too(self):
        assert farthest(wall_at(0.5 * D), leg(Trajectory.DOLLY_ZOOM, 0.8)) < 0.39

    def test_a_spiral_stops_too(self):
        assert farthest(wall_at(0.5 * D), leg(Trajectory.SPIRAL, 1.0)) < 0.39

    def test_a_pillar_in_the_middle_stops_the_camera(self):
        depth = far_away()
        depth[60:, 200:216] = 0.4 * D
        assert farthest(depth, leg()) < 0.31

    def test_a_pillar_at_the_side_does_not(self):
        depth = far_away()
        depth[60:, 300:340] = 0.4 * D
        assert said_of(depth, leg()) == []

    def test_stray_near_pixels_stop_nothing(self):
        depth = far_away()
        noisy = np.random.default_rng(0).random(depth.shape) < 0.02
        depth[noisy] = 0.4 * D
        assert said_of(depth, leg()) == []

    def test_the_ground_under_the_camera_stops_nothing(self):
        assert said_of(ground(below=0.15 * D), leg(strength=1.0)) == []

    def test_a_sky_stops_nothing(self):
        assert said_of(np.full_like(far_away(), np.inf), leg(strength=2.0)) == []


class TestOtherMoves:
    @pytest.mark.parametrize("trajectory", sorted(set(Trajectory) - {"orbit_horizontal"}))
    def test_a_retreat_is_never_shortened(self, trajectory):
        assert said_of(wall_at(0.5 * D), leg(trajectory, 3.0, Direction.OUT)) == []

    def test_an_orbit_around_a_free_subject_is_not_shortened(self):
        depth = far_away()
        depth[60:180, 170:246] = D
        assert said_of(depth, leg(Trajectory.ORBIT_HORIZONTAL, 0.5)) == []

    def test_an_orbit_does_not_cross_a_wall_behind_its_subject(self):
        a_leg = leg(Trajectory.ORBIT_HORIZONTAL, 3.0, Direction.OUT)
        path = plan_leg(a_leg, scene(wall_at(1.7 * D)), lambda _: None)
        depths = [camera_centre_world(w2c)[2] for w2c in path.w2c]
        assert max(depths) < 1.7 * D


class TestWhatIsSaid:
    def test_the_message_gives_both_strengths_and_the_distance(self):
        (message,) = said_of(wall_at(0.5 * D), leg())
        assert message.startswith(
            "the zoom-in move horizontal_zoom was shortened from 0.50 to 0.3"
        )
        assert message.endswith("something stands at 0.50 of the subject's depth")

    def test_a_still_camera_is_not_shortened(self):
        assert said_of(wall_at(0.01), leg(strength=0.0)) == []


class TestObstacles:
    def test_patches_lie_where_the_depth_says(self):
        step, solid = 2, Obstacles.of(wall_at(3.0), K, SIZE)
        pixels = pixel_centres(SIZE.scaled(0.5))[step // 2 :: step, step // 2 :: step]
        halved = np.diag([0.5, 0.5, 1]) @ K
        expected = unproject(pixels, np.full(pixels.shape[:2], 3.0), halved)
        assert solid.points_world == pytest.approx(expected.reshape(-1, 3))

    def test_the_patches_of_a_wall_add_up_to_the_wall(self):
        areas = Obstacles.of(wall_at(3.0), K, SIZE).areas
        assert areas.sum() == pytest.approx(3.0**2 * 832 * 480 / 720**2)
