"""The zero of disparity follows from where the ground should end."""

from __future__ import annotations

import numpy as np
import pytest

from lyra_zoom.engines.embedded.ground import Ground
from lyra_zoom.engines.embedded.horizon import INDOOR_FLOOR, MOST_TAKEN, zero_shift

HEIGHT, WIDTH = 96, 160
Y = ((np.arange(HEIGHT)[:, None] + 0.5) / HEIGHT * np.ones((1, WIDTH))).astype(np.float32)
ROOM = np.ones((HEIGHT, WIDTH), bool)


def ending_at(row: float) -> Ground:
    return Ground(np.array([0.0, 1.0, -row]))


def horizon_after(ground: Ground, shift: float) -> float:
    _, b, c = ground.coefficients * (1 - shift) + [0, 0, shift]
    return float(-c / b)


def room(ground: Ground, farthest: float = 0.4) -> np.ndarray:
    """Floor up to a wall."""
    return np.maximum(ground.disparity(np.array([0.5]), Y), farthest).astype(np.float32)


def test_a_floor_that_ends_above_the_picture_is_brought_down():
    ground = ending_at(-0.2)
    shift = zero_shift(ground, room(ground), ROOM, None)
    assert shift < 0
    assert -0.2 < horizon_after(ground, shift) < 0.3


def test_no_more_is_taken_than_the_farthest_thing_has():
    ground = ending_at(-0.1)
    seen = room(ground, 0.12)
    shift = zero_shift(ground, seen, ROOM, None)
    assert shift < 0
    assert shift + (1 - shift) * seen.min() > INDOOR_FLOOR / 2


def test_ground_that_is_seen_lies_below_the_horizon():
    ground = ending_at(0.1)
    lies = (Y > 0.12).astype(np.float32)
    shift = zero_shift(ground, np.maximum(Y - 0.1, 0.3).astype(np.float32), ROOM, lies)
    assert horizon_after(ground, shift) < 0.15


@pytest.mark.parametrize("row", [-3.0, -1.0, 0.0])
def test_there_is_a_limit_to_what_is_taken(row):
    ground = ending_at(row)
    shift = zero_shift(ground, room(ground, 0.9), ROOM, None)
    assert shift >= -MOST_TAKEN / (1 - MOST_TAKEN) - 1e-9


def test_a_ground_that_ends_very_low_has_something_added():
    ground = ending_at(0.9)
    shift = zero_shift(ground, room(ground), ROOM, None)
    assert shift >= INDOOR_FLOOR
    assert horizon_after(ground, shift) < 0.9


def test_without_ground_the_usual_is_added():
    assert zero_shift(None, Y, ROOM, None) == INDOOR_FLOOR
