"""Things stand on the ground below them if they were seen about as far away."""

from __future__ import annotations

import numpy as np

from lyra_zoom.engines.embedded.footing import Footing, find_footing
from lyra_zoom.engines.embedded.standing import Standing

HEIGHT, WIDTH = 96, 120
PLANE = np.maximum((np.arange(HEIGHT)[:, None] + 0.5) / HEIGHT - 0.3, 0) * np.ones((1, WIDTH))
SOLID = np.ones((HEIGHT, WIDTH), bool)
FOOT = 70  # row of the first ground below the thing


def footing(disparity_of_thing: float) -> Footing:
    """Of a thing in the middle that was seen at this disparity."""
    stands = np.zeros(SOLID.shape, bool)
    stands[20:FOOT, 40:60] = True
    disparity = np.where(stands, disparity_of_thing, PLANE)
    return find_footing(standing(stands), SOLID, disparity, PLANE)


def standing(stands: np.ndarray) -> Standing:
    return Standing(
        ground=(~stands).astype(np.float32), upright=stands.astype(np.float32), stands=stands
    )


def test_a_thing_as_far_as_its_foot_touches_the_ground():
    found = footing(PLANE[FOOT, 0])
    assert found.touches[FOOT - 1, 40:60].all()
    assert found.touches.sum() == 20


def test_what_is_much_farther_lies_behind_the_ground_below_it():
    assert not footing(0.2 * PLANE[FOOT, 0]).touches.any()


def test_what_is_much_nearer_hangs_over_the_ground_below_it():
    assert not footing(2 * PLANE[FOOT, 0]).touches.any()


def test_a_thing_is_parted_from_the_ground_beside_and_above_it():
    found = footing(PLANE[FOOT, 0])
    assert found.beside[30:60, [39, 59]].all()
    assert found.above[19, 40:60].all()


def test_a_post_is_parted_from_the_wall_behind_it():
    stands = np.zeros(SOLID.shape, bool)
    stands[20:50] = True
    stands[50:80, 58:62] = True
    disparity = np.where(stands, PLANE[50, 0], PLANE)
    disparity[20:80, 58:62] = PLANE[80, 0]
    found = find_footing(standing(stands), SOLID, disparity, PLANE)
    assert found.beside[25:45, 57].all()
    assert found.beside[25:45, 61].all()
    assert not found.beside[25:45, 10:40].any()


def test_what_is_cut_off_by_the_lower_border_shows_no_foot():
    stands = np.zeros(SOLID.shape, bool)
    stands[40:, 40:60] = True
    found = find_footing(standing(stands), SOLID, PLANE, PLANE)
    assert not found.grounded[:, 45:55].any()


def test_links_within_a_thing_end_where_it_jumps():
    stands = np.zeros(SOLID.shape, bool)
    stands[10:FOOT, 40:60] = True
    disparity = np.where(stands, PLANE[FOOT, 0], PLANE)
    disparity[10:40, 40:60] *= 0.6
    found = find_footing(standing(stands), SOLID, disparity, PLANE)
    assert found.together[50:60, 50].all()
    assert not found.together[39, 50]
