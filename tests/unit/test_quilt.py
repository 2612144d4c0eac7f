"""A texture goes on in pieces of itself."""

from __future__ import annotations

import numpy as np

from lyra_zoom.engines.embedded.quilt import quilt, swatch_of


def planks(height: int, width: int) -> np.ndarray:
    """Boards that run down the picture, 20 pixels wide, with dark joints."""
    x = np.arange(width)
    shade = np.where(x % 20 < 3, 0.2, 0.7).astype(np.float32)
    return np.broadcast_to(shade[None, :, None], (height, width, 3)).copy()


def usual(texture: np.ndarray) -> np.ndarray:
    return np.zeros(texture.shape[:2], np.float32)


def continued(canvas_height: int = 320, canvas_width: int = 640) -> np.ndarray:
    source = planks(200, 400)
    canvas = np.zeros((canvas_height, canvas_width, 3), np.float32)
    known = np.zeros(canvas.shape[:2], bool)
    canvas[:40, 120:520], known[:40, 120:520] = source[:40], True
    swatch = swatch_of(source, np.ones(source.shape[:2], bool), usual(source))
    assert swatch is not None
    return quilt(canvas, known, swatch, middle=320, seed=1)


def test_boards_go_on_in_their_own_direction():
    made = continued()
    np.testing.assert_allclose(
        made[40:, 160:480], np.broadcast_to(made[20, 160:480], (280, 320, 3)), atol=0.3
    )
    joints = made[200, :, 0] < 0.4
    assert 0.1 < joints.mean() < 0.25


def test_nothing_stays_empty():
    assert continued().min() > 0.1


def test_pieces_come_only_from_what_is_usable():
    source = planks(200, 400)
    source[100:, 200:] = 5.0
    usable = source[..., 0] < 1
    swatch = swatch_of(source, usable, usual(source))
    assert swatch is not None
    canvas = np.zeros((200, 400, 3), np.float32)
    made = quilt(canvas, np.zeros((200, 400), bool), swatch, middle=200, seed=1)
    assert made.max() < 1


def test_too_little_to_go_on_from_is_nothing():
    source = planks(60, 60)
    usable = np.zeros((60, 60), bool)
    usable[:34, :50] = True
    assert swatch_of(source, usable, usual(source)) is None


def test_the_same_seed_makes_the_same_texture():
    np.testing.assert_array_equal(continued(), continued())


def test_what_is_unusual_is_seldom_repeated():
    source = planks(300, 400)
    source[200:220] = 0.9  # a beam across the boards
    beam = source[..., 0] > 0.85
    everywhere = np.ones(source.shape[:2], bool)
    canvas = np.zeros((300, 900, 3), np.float32)
    repeated = []
    for unlike in (usual(source), beam.astype(np.float32) * 5):
        swatch = swatch_of(source, everywhere, unlike)
        assert swatch is not None
        made = quilt(canvas, np.zeros((300, 900), bool), swatch, middle=450, seed=1)
        repeated.append(float((made[..., 0] > 0.85).mean()))
    assert repeated[0] > 0.03
    assert repeated[1] < 0.2 * repeated[0]
