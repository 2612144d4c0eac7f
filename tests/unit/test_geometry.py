"""Rules of the geometry: pixel centres, K, projection, rigid motions, sizes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyra_zoom.errors import InputRejected
from lyra_zoom.geometry.camera import (
    CameraPath,
    centred_intrinsics,
    focal_from_fov,
    pixel_centres,
    project,
    scale_intrinsics,
    unproject,
)
from lyra_zoom.geometry.depth import subject_depth
from lyra_zoom.geometry.image import Size, resize
from lyra_zoom.geometry.rigid import camera_centre_world, invert_rigid, look_at, w2c_from

SIZE = Size(832, 480)
K = centred_intrinsics(700.0, SIZE)

coordinate = st.floats(-3, 3)
centres = st.tuples(coordinate, coordinate, coordinate).map(np.array)


class TestPixels:
    def test_the_centre_of_the_first_pixel_is_half_a_pixel_in(self):
        assert pixel_centres(SIZE)[0, 0].tolist() == [0.5, 0.5]

    def test_the_centre_of_the_last_pixel_is_half_a_pixel_from_the_far_corner(self):
        assert pixel_centres(SIZE)[-1, -1].tolist() == [831.5, 479.5]

    def test_the_optical_axis_meets_the_middle_of_the_picture(self):
        ahead = np.array([[0.0, 0.0, 5.0]])
        assert project(ahead, np.eye(4), K)[0].tolist() == [416.0, 240.0, 5.0]

    def test_what_is_right_and_below_is_right_and_below_in_the_picture(self):
        x, y, _ = project(np.array([[1.0, 1.0, 5.0]]), np.eye(4), K)[0]
        assert x > 416
        assert y > 240

    def test_a_point_behind_the_camera_says_so_by_its_depth(self):
        assert project(np.array([[0.0, 0.0, -2.0]]), np.eye(4), K)[0, 2] == -2.0

    @given(st.floats(0.1, 100), st.floats(0, 832), st.floats(0, 480))
    def test_project_undoes_unproject(self, depth, x, y):
        points = unproject(np.array([[x, y]]), np.array([depth]), K)
        assert project(points, np.eye(4), K)[0] == pytest.approx([x, y, depth], abs=1e-9)

    def test_depth_is_along_the_axis_and_not_along_the_ray(self):
        corner = unproject(np.array([[0.0, 0.0]]), np.array([2.0]), K)
        assert corner[0, 2] == 2.0


class TestIntrinsics:
    @given(st.floats(math.radians(20), math.radians(120)))
    def test_the_field_of_view_ends_at_the_sides_of_the_picture(self, fov_x_rad):
        focal_px = focal_from_fov(fov_x_rad, SIZE)
        edge = np.array([[math.tan(fov_x_rad / 2), 0.0, 1.0]])
        seen = project(edge, np.eye(4), centred_intrinsics(focal_px, SIZE))
        assert seen[0, 0] == pytest.approx(SIZE.width)

    def test_scaling_there_and_back_changes_nothing(self):
        small = Size(104, 60)
        there = scale_intrinsics(K, SIZE, small)
        assert scale_intrinsics(there, small, SIZE) == pytest.approx(K)

    def test_a_point_keeps_its_relative_place_after_a_resize(self):
        half = Size(416, 240)
        point = np.array([[0.3, -0.2, 4.0]])
        before = project(point, np.eye(4), K)[0]
        after = project(point, np.eye(4), scale_intrinsics(K, SIZE, half))[0]
        assert after[:2] == pytest.approx(before[:2] / 2)


class TestRigidMotions:
    @given(centres, centres)
    def test_a_motion_followed_by_its_inverse_is_no_motion(self, centre, target):
        w2c = look_at(centre, target + np.array([0.0, 0.0, 10.0]))
        assert invert_rigid(w2c) @ w2c == pytest.approx(np.eye(4), abs=1e-12)

    @given(centres)
    def test_the_camera_stands_where_it_was_put(self, centre):
        w2c = w2c_from(np.eye(3), centre)
        assert camera_centre_world(w2c) == pytest.approx(centre)

    @given(centres)
    def test_the_camera_stands_in_the_last_column_of_the_camera_pose(self, centre):
        w2c = look_at(centre, np.array([0.0, 0.0, 10.0]))
        assert invert_rigid(w2c)[:3, 3] == pytest.approx(camera_centre_world(w2c))

    @given(centres, centres)
    def test_a_look_at_camera_sees_its_target_in_the_middle(self, centre, target):
        target = target + np.array([0.0, 0.0, 10.0])
        x, y, depth = project(target[None], look_at(centre, target), K)[0]
        assert (x, y) == pytest.approx((416, 240))
        assert depth == pytest.approx(np.linalg.norm(target - centre))

    @given(centres, centres)
    def test_a_look_at_camera_stays_upright(self, centre, target):
        right_world = look_at(centre, target + np.array([0.0, 0.0, 10.0]))[0, :3]
        assert right_world[1] == pytest.approx(0, abs=1e-12)

    def test_looking_along_z_from_the_origin_is_exactly_the_photograph(self):
        w2c = look_at(np.zeros(3), np.array([0.0, 0.0, 2.0]))
        assert np.array_equal(w2c, np.eye(4))


def test_a_path_reversed_twice_is_the_path():
    w2c = np.stack([w2c_from(np.eye(3), np.array([0.0, 0.0, z])) for z in range(3)])
    path = CameraPath(w2c, np.repeat(K[None], 3, axis=0), SIZE)
    assert np.array_equal(path.reversed().reversed().w2c, path.w2c)
    assert np.array_equal(path.reversed().w2c[0], path.w2c[-1])


class TestSizes:
    def test_an_array_of_a_size_is_rows_first(self):
        assert Size.of(np.zeros((480, 832, 3))) == SIZE

    def test_scaling_never_loses_the_last_pixel(self):
        assert Size(3, 2).scaled(0.01) == Size(1, 1)

    def test_resizing_keeps_a_ramp_where_it_was(self):
        # a ramp over pixel centres tells a shift of a fraction of a pixel
        ramp = pixel_centres(SIZE)[..., 0].astype(np.float32)
        half = resize(ramp, Size(416, 240))
        assert half[:, 10] == pytest.approx(21.0)

    def test_resizing_to_its_own_size_returns_the_picture(self):
        picture = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
        assert resize(picture, Size(2, 2)) is picture


class TestSubjectDepth:
    def test_a_quarter_of_what_has_a_depth_is_nearer(self):
        depth = np.linspace(1, 5, 401, dtype=np.float32).reshape(1, -1)
        assert subject_depth(depth, np.ones_like(depth, bool)) == pytest.approx(2.0)

    def test_the_sky_does_not_count(self):
        depth = np.array([[1.0, 2.0, 3.0, 4.0, 5.0, np.inf, np.inf]], np.float32)
        assert subject_depth(depth, np.ones_like(depth, bool)) == pytest.approx(2.0)

    def test_what_is_not_valid_does_not_count(self):
        depth = np.array([[1.0, 2.0, 3.0, 4.0, 5.0, 0.1]], np.float32)
        valid = depth > 0.5
        assert subject_depth(depth, valid) == pytest.approx(2.0)

    def test_a_photograph_of_nothing_but_sky_has_no_subject(self):
        sky = np.full((2, 2), np.inf, np.float32)
        with pytest.raises(InputRejected, match="image_url"):
            subject_depth(sky, np.ones_like(sky, bool))
