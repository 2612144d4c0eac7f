"""A strength left to the program goes as far as the photograph carries, and says why."""

from __future__ import annotations

import numpy as np
import pytest

from lyra_zoom.contract.zoom import Direction, Trajectory, ZoomInput
from lyra_zoom.engines.engine import Sampling
from lyra_zoom.geometry.camera import CameraPath, centred_intrinsics, focal_from_fov
from lyra_zoom.geometry.image import Size
from lyra_zoom.geometry.rigid import camera_centre_world
from lyra_zoom.pipeline.cameras import SourceView, plan_leg
from lyra_zoom.pipeline.safe_strength import (
    MOST_IN_A_ROOM,
    MOST_IN_THE_OPEN,
    MOST_STRETCHED,
    Shown,
)
from lyra_zoom.pipeline.shot import Leg, plan_shot

SIZE = Size(208, 120)
K = centred_intrinsics(focal_from_fov(np.radians(60), SIZE), SIZE)


def landscape() -> SourceView:
    """Ground to a horizon at two fifths of the height, sky above."""
    y = (np.arange(SIZE.height) + 0.5) / SIZE.height
    depth = np.where(
        y > 0.42, 1.6 / np.maximum((y - 0.4) * SIZE.height / K[1, 1], 1e-6), np.inf
    )
    whole = np.repeat(depth[:, None], SIZE.width, axis=1).astype(np.float32)
    return SourceView(K=K, size=SIZE, depth=whole, subject_depth=6.0)


def near_wall() -> SourceView:
    """Nothing but a wall."""
    depth = np.full((SIZE.height, SIZE.width), 2.0, np.float32)
    return SourceView(K=K, size=SIZE, depth=depth, subject_depth=2.0)


def steep_wall() -> SourceView:
    """A wall on the left that runs nearly along the line of sight, open sky elsewhere."""
    x = (np.arange(SIZE.width) + 0.5 - SIZE.width / 2) / K[0, 0]
    depth = np.where(x < -0.05, -1.0 / np.minimum(x, -0.05), np.inf)
    whole = np.repeat(depth[None], SIZE.height, axis=0).astype(np.float32)
    return SourceView(K=K, size=SIZE, depth=whole, subject_depth=4.0)


def leg(trajectory, direction, strength, safe=True) -> Leg:
    return Leg(
        direction=direction, trajectory=trajectory, strength=strength, num_frames=21,
        as_far_as_safe=safe,
    )  # fmt: skip


def missing(path: CameraPath, view: SourceView) -> float:
    return Shown.of(view.depth, view.K, view.size, view.subject_depth).missing_from(path)


def moved(path: CameraPath) -> float:
    return float(np.linalg.norm(camera_centre_world(path.w2c[-1])))


@pytest.mark.parametrize("trajectory", list(Trajectory))
@pytest.mark.parametrize("direction", [Direction.IN, Direction.OUT])
@pytest.mark.parametrize("view", [landscape(), near_wall()])
def test_little_of_a_safe_move_has_to_be_invented(trajectory, direction, view):
    path = plan_leg(leg(trajectory, direction, 1.5), view, lambda message: None)
    assert missing(path, view) <= 0.2


def test_a_wall_seen_at_a_low_angle_is_not_stretched_far():
    view = steep_wall()
    shown = Shown.of(view.depth, view.K, view.size, view.subject_depth)
    far, safe = (
        plan_leg(
            leg(Trajectory.ORBIT_HORIZONTAL, Direction.IN, 0.5, choice), view, lambda _: None
        )
        for choice in (False, True)
    )
    assert shown.stretched_in(far) > 2 * MOST_STRETCHED
    assert shown.stretched_in(safe) <= MOST_STRETCHED


def test_things_that_part_are_not_taken_for_a_stretched_surface():
    depth = np.where(np.arange(SIZE.width) < SIZE.width // 2, 1.0, 4.0)
    whole = np.repeat(depth[None], SIZE.height, axis=0).astype(np.float32)
    shown = Shown.of(whole, K, SIZE, 4.0)
    view = SourceView(K=K, size=SIZE, depth=whole, subject_depth=4.0)
    orbit = leg(Trajectory.ORBIT_HORIZONTAL, Direction.IN, 0.2, False)
    assert shown.stretched_in(plan_leg(orbit, view, lambda _: None)) < 0.01


def test_a_strength_that_is_given_is_not_touched():
    view = near_wall()
    far = plan_leg(leg(Trajectory.HORIZONTAL_ZOOM, Direction.OUT, 1.5, False), view, print)
    assert moved(far) > 1.3 * view.subject_depth


def test_a_safe_move_is_never_stronger_than_the_given_strength():
    view = landscape()
    heard: list[str] = []
    path = plan_leg(leg(Trajectory.HORIZONTAL_ZOOM, Direction.IN, 0.05), view, heard.append)
    assert moved(path) < 0.05 * view.subject_depth
    assert heard == []


def test_the_reason_is_said():
    heard: list[str] = []
    plan_leg(leg(Trajectory.ORBIT_HORIZONTAL, Direction.IN, 0.5), landscape(), heard.append)
    assert len(heard) == 1
    assert heard[0].startswith(
        "the zoom-in move orbit_horizontal was shortened from 0.50 to 0."
    )


def test_a_room_bears_less_than_an_open_view():
    in_a_room, outside = (
        moved(
            plan_leg(leg(Trajectory.HORIZONTAL_ZOOM, Direction.IN, 1.0), view, lambda _: None)
        )
        / view.subject_depth
        for view in (near_wall(), landscape())
    )
    assert in_a_room <= MOST_IN_A_ROOM
    assert MOST_IN_A_ROOM < outside <= MOST_IN_THE_OPEN


def test_a_camera_that_has_not_moved_misses_nothing():
    view = landscape()
    still = CameraPath(np.repeat(np.eye(4)[None], 3, 0), np.repeat(K[None], 3, 0), SIZE)
    assert missing(still, view) == 0


@pytest.mark.parametrize(("choice", "safe"), [({}, False), ({"strength": "auto"}, True)])
def test_a_request_says_who_decides(choice, safe):
    request = ZoomInput.model_validate(
        {"image_url": "x", "prompt": "y", "zoom_direction": "both", **choice}
    )
    shot = plan_shot(request, b"", seed=1)
    assert [one.as_far_as_safe for one in shot.legs] == [safe, safe]
    assert isinstance(shot.sampling, Sampling)
