"""Round things go on behind their limbs; things that just end do not."""

from __future__ import annotations

import numpy as np
import pytest

from lyra_zoom.engines.embedded.limbs import Limbs, find_limbs, limb_mesh
from lyra_zoom.engines.embedded.outlines import find_outlines
from lyra_zoom.engines.embedded.raster import LayerBuffer
from lyra_zoom.geometry.camera import centred_intrinsics
from lyra_zoom.geometry.image import Size

SIZE = Size(160, 96)
K = centred_intrinsics(150.0, SIZE)
AXIS, RADIUS, WALL = 2.0, 0.4, 6.0  # depth of an upright cylinder's axis, its radius, the wall


def slopes_across() -> np.ndarray:
    """How far sideways each pixel column looks, per unit of depth."""
    return (np.arange(SIZE.width) + 0.5 - SIZE.width / 2) / K[0, 0]


def cylinder_depths() -> tuple[np.ndarray, np.ndarray]:
    """Depth of the near and of the far side per column; NaN beside the cylinder."""
    k = slopes_across()
    with np.errstate(invalid="ignore"):
        root = np.sqrt(AXIS**2 - (1 + k**2) * (AXIS**2 - RADIUS**2))
    return (AXIS - root) / (1 + k**2), (AXIS + root) / (1 + k**2)


def disparity_of(depths: np.ndarray) -> np.ndarray:
    depth = np.where(np.isnan(depths), WALL, depths)
    return np.tile(1 / depth, (SIZE.height, 1)).astype(np.float32)


def limbs_of(disparity: np.ndarray) -> Limbs | None:
    outlines = find_outlines(disparity, 0.05)
    assert outlines is not None
    return find_limbs(disparity, outlines)


@pytest.fixture(scope="module")
def cylinder() -> Limbs:
    limbs = limbs_of(disparity_of(cylinder_depths()[0]))
    assert limbs is not None
    return limbs


def test_the_far_side_of_a_cylinder_is_about_where_it_truly_is(cylinder):
    true_far = np.broadcast_to(cylinder_depths()[1], cylinder.band.shape)[cylinder.band]
    np.testing.assert_allclose(1 / cylinder.far[cylinder.band], true_far, atol=0.35 * RADIUS)


def test_both_limbs_of_a_cylinder_are_round_from_top_to_bottom(cylinder):
    assert (cylinder.rim.sum(axis=1) == 2).all()


@pytest.mark.parametrize("slant", [0.0, 0.5, 3.0])
def test_a_board_that_ends_has_no_far_side(slant):
    k = slopes_across()
    board = np.where(np.abs(k) < 0.2, 2.0 / (1 - slant * k), np.nan)
    assert limbs_of(disparity_of(board)) is None


def test_from_where_the_photograph_was_taken_far_sides_are_hidden(cylinder):
    buffer = LayerBuffer(SIZE)
    buffer.draw(limb_mesh(cylinder, K, SIZE, 1.0), np.eye(4), K, 0.1)
    drawn = buffer.inverse_depth > 0
    assert drawn.any()
    assert (buffer.inverse_depth <= cylinder.near + 1e-4)[drawn].all()


def test_from_the_side_far_sides_go_on_where_the_near_side_ends(cylinder):
    turned = 0.6
    c, s = np.cos(turned), np.sin(turned)
    about_axis = np.array([[c, 0, s, -s * AXIS], [0, 1, 0, 0], [-s, 0, c, AXIS - c * AXIS]])
    buffer = LayerBuffer(SIZE)
    w2c = np.vstack([about_axis, [0, 0, 0, 1]])
    buffer.draw(limb_mesh(cylinder, K, SIZE, 1.0), w2c, K, 0.1)
    near_now, _ = cylinder_depths()  # round as it is, it looks the same from everywhere
    row = buffer.inverse_depth[SIZE.height // 2]
    nearest = np.where(np.isnan(near_now), 0, 1 / near_now)
    shown = (row > 0) & (np.abs(row - nearest) < 0.02 * nearest)
    assert shown.sum() >= 4
