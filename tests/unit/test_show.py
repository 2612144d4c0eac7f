"""The depth of a photograph as pictures, in which bent ground and leaning walls show."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image

from lyra_zoom.engines.embedded.depth import RelativeDepth
from lyra_zoom.engines.embedded.scene import EmbeddedScene, scene_from_depth
from lyra_zoom.engines.engine import Photo
from lyra_zoom.geometry.camera import centred_intrinsics, pixel_centres
from lyra_zoom.geometry.image import Size
from training.show import TILE, aside, from_above, normals, profile, save_sheets, sheet

SIZE = Size(208, 120)
K = centred_intrinsics(150.0, SIZE)
WALL, EYE_HEIGHT = 6.0, 1.5
GREEN, BLUE, RED = (0, 200, 0), (0, 0, 200), (200, 0, 0)


def place(lean: float = 0.0) -> EmbeddedScene:
    """Green ground, a blue wall whose top may lean away, red sky above it."""
    y = pixel_centres(SIZE)[..., 1]
    down = (y - SIZE.height / 2) / K[1, 1]
    ground = EYE_HEIGHT / np.maximum(down, 1e-6)
    wall = WALL / (1 + lean * (down - EYE_HEIGHT / WALL))
    depth = np.minimum(ground, wall)
    sky = down < -0.2
    kinds = [sky[..., None], (ground < wall)[..., None]]
    texture = np.select(kinds, [np.array(RED), np.array(GREEN)], np.array(BLUE))
    depth = np.where(sky, np.inf, depth).astype(np.float32)
    return scene_from_depth(Photo(texture=texture.astype(np.uint8), size=SIZE), depth, K)


def places_of(picture: np.ndarray, colour: tuple[int, int, int]) -> tuple[np.ndarray, ...]:
    """Rows and columns where a picture has just this colour."""
    found = np.nonzero((picture == colour).all(axis=-1))
    assert found[0].size > 20
    return found


def test_from_the_side_level_ground_is_a_level_line():
    rows, columns = places_of(profile(place(), TILE), GREEN)
    assert np.ptp(rows) <= 2
    assert np.ptp(columns) > TILE.width / 4


def test_from_the_side_an_upright_wall_is_upright():
    rows, columns = places_of(profile(place(), TILE), BLUE)
    assert np.ptp(columns) <= 3
    assert np.ptp(rows) > TILE.height / 4


def test_from_the_side_a_leaning_wall_leans():
    rows, columns = places_of(profile(place(lean=1.0), TILE), BLUE)
    top, foot = columns[rows == rows.min()].mean(), columns[rows == rows.max()].mean()
    assert top > foot + 20


def test_from_above_a_wall_is_a_line_across():
    rows, columns = places_of(from_above(place(), TILE), BLUE)
    assert np.ptp(rows) <= 3
    assert np.ptp(columns) > TILE.width / 4


def test_from_the_left_the_near_end_of_a_wall_is_the_left_one():
    rows, columns = places_of(aside(place(), TILE), BLUE)
    ends = (columns.min() + 15, columns.max() - 15)
    left, right = (np.ptp(rows[abs(columns - end) < 4]) for end in ends)
    assert left > right + 5


def test_sky_has_no_points():
    scene = place()
    for view in (profile, from_above, aside):
        assert not (view(scene, TILE) == RED).all(axis=-1).any()


def test_ground_has_the_colour_of_up_while_a_wall_has_that_of_facing_the_camera():
    colours = normals(place(), SIZE)
    assert colours[100, 100].astype(int) == pytest.approx(np.array([127, 254, 127]), abs=6)
    assert colours[55, 100].astype(int) == pytest.approx(np.array([127, 127, 254]), abs=6)
    assert (colours[5] == 0).all()


def test_a_sheet_shows_six_pictures():
    height, width = sheet(place()).shape[:2]
    assert 3 * TILE.width < width < 3 * TILE.width + 20
    assert 2 * TILE.height < height < 2 * TILE.height + 40


class SlopeSeer:
    """Sees a slope in every picture, nearer below."""

    def why_not_ready(self) -> str | None:
        return None

    def estimate(self, texture: np.ndarray) -> RelativeDepth:
        disparity = np.repeat(np.linspace(0.1, 1, 72, dtype=np.float32)[:, None], 96, axis=1)
        return RelativeDepth(disparity, np.zeros_like(disparity))


@pytest.mark.slow
def test_a_folder_gets_a_sheet_per_photograph_while_other_files_are_named(tmp_path, capsys):
    cv2.imwrite(str(tmp_path / "street.png"), np.full((480, 832, 3), 90, np.uint8))
    (tmp_path / "broken.png").write_bytes(b"no picture at all")
    files = sorted(tmp_path.glob("*.png"))
    written = save_sheets(files, tmp_path / "out", SlopeSeer())
    assert [path.name for path in written] == ["street.png"]
    with Image.open(written[0]) as picture:
        assert picture.width > 3 * TILE.width
    assert "broken.png is left out" in capsys.readouterr().out
