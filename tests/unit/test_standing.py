"""Ground and what stands on it are told apart along the picture's own outlines."""

from __future__ import annotations

import cv2
import numpy as np

from lyra_zoom.engines.embedded.standing import tell_standing

HEIGHT, WIDTH = 96, 160
THING = np.s_[30:70, 60:100]
SOLID = np.ones((HEIGHT, WIDTH), bool)


def picture() -> np.ndarray:
    """A dark thing on light ground."""
    rgb = np.full((HEIGHT, WIDTH, 3), 190, np.uint8)
    rgb[THING] = 60
    return rgb


def blurred_ground() -> np.ndarray:
    """What a network says: the right thing, with a soft outline two pixels off."""
    ground = np.ones((HEIGHT, WIDTH), np.float32)
    ground[30:70, 62:102] = 0
    return cv2.GaussianBlur(ground, (0, 0), 2.0)


def normals(up: bool) -> np.ndarray:
    n = np.array([0, -1, 0] if up else [0, 0, -1], np.float32)
    return np.broadcast_to(n, (HEIGHT, WIDTH, 3)).copy()


def test_a_thing_ends_where_its_picture_ends():
    told = tell_standing(blurred_ground(), normals(up=False), SOLID, picture())
    thing = np.zeros((HEIGHT, WIDTH), bool)
    thing[THING] = True
    assert (told.stands != thing).mean() < 0.01


def test_what_stands_is_no_ground():
    told = tell_standing(blurred_ground(), normals(up=False), SOLID, picture())
    assert told.ground[told.stands].max() == 0
    assert told.ground[90, 20] > 0.9


def test_a_wall_is_upright():
    told = tell_standing(blurred_ground(), normals(up=False), SOLID, picture())
    assert told.upright[50, 80] > 0.9


def test_a_table_top_is_neither_ground_nor_upright():
    told = tell_standing(blurred_ground(), normals(up=True), SOLID, picture())
    assert told.ground[50, 80] == 0
    assert told.upright[50, 80] < 0.1


def test_sky_neither_stands_nor_is_ground():
    solid = SOLID.copy()
    solid[:20] = False
    told = tell_standing(np.zeros((HEIGHT, WIDTH), np.float32), None, solid, picture())
    assert not told.stands[:20].any()
    assert told.ground[:20].max() == 0


def test_a_speck_in_the_ground_is_ground():
    ground = np.ones((HEIGHT, WIDTH), np.float32)
    ground[80:82, 20:22] = 0
    told = tell_standing(ground, normals(up=False), SOLID, picture())
    assert not told.stands[75:90].any()
