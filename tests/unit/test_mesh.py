from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyra_zoom.engines.embedded.mesh import (
    Fineness,
    Mesh,
    cells_touching,
    grid_mesh,
    grid_positions,
    plain_grid_mesh,
    straddling_cells,
)
from lyra_zoom.engines.embedded.raster import LayerBuffer
from lyra_zoom.engines.embedded.steps import Steps
from lyra_zoom.geometry.camera import centred_intrinsics
from lyra_zoom.geometry.image import Size

SIZE = Size(64, 48)
K = centred_intrinsics(60.0, SIZE)
TEXTURE = Size(128, 96)
FINE = Fineness(cell_px=2, tolerance=1e-4)


def plane(size: Size = SIZE) -> np.ndarray:
    x, y = np.meshgrid(np.arange(size.width) + 0.5, np.arange(size.height) + 0.5)
    return (0.2 + 0.004 * x + 0.006 * y).astype(np.float32)


def bumps(seed: int) -> np.ndarray:
    waves = np.random.default_rng(seed).uniform(0.03, 0.2, 2)
    x, y = np.meshgrid(np.arange(SIZE.width), np.arange(SIZE.height))
    return (0.5 + 0.2 * np.sin(waves[0] * x) * np.cos(waves[1] * y)).astype(np.float32)


def edge_counts(mesh: Mesh) -> Counter[tuple[int, int]]:
    counts: Counter[tuple[int, int]] = Counter()
    for a, b, c in mesh.triangles.tolist():
        counts.update(tuple(sorted(pair)) for pair in ((a, b), (b, c), (c, a)))
    return counts


def uv_areas(mesh: Mesh) -> np.ndarray:
    a, b, c = (mesh.uv[mesh.triangles[:, i]].astype(np.float64) for i in range(3))
    return 0.5 * np.abs(np.cross(b - a, c - a))


@pytest.mark.filterwarnings("ignore:Arrays of 2-dimensional vectors:DeprecationWarning")
def test_a_mesh_covers_the_whole_texture_once():
    mesh = grid_mesh(bumps(1), K, TEXTURE, fineness=FINE)
    assert uv_areas(mesh).sum() == pytest.approx(TEXTURE.width * TEXTURE.height)


def test_a_plane_needs_few_triangles_and_stays_exact():
    disparity = plane()
    mesh = grid_mesh(disparity, K, TEXTURE, fineness=FINE)
    finest = grid_mesh(disparity, K, TEXTURE, fineness=Fineness(largest_block=1))
    assert len(mesh.triangles) < len(finest.triangles) / 10
    buffer = LayerBuffer(SIZE)
    buffer.draw(mesh, np.eye(4), K, 0.1)
    np.testing.assert_allclose(buffer.inverse_depth, disparity, rtol=1e-4)


@given(st.integers(0, 1000))
def test_merging_stays_within_about_the_tolerance(seed):
    disparity = bumps(seed)
    fineness = Fineness(cell_px=1, tolerance=0.01)
    mesh = grid_mesh(disparity, K, TEXTURE, fineness=fineness)
    buffer = LayerBuffer(SIZE)
    buffer.draw(mesh, np.eye(4), K, 0.1)
    inside = (slice(1, -1), slice(1, -1))
    error = np.abs(buffer.inverse_depth - disparity)[inside]
    assert error.max() < 2 * fineness.tolerance


def test_pairs_of_cells_merge_more_easily_than_blocks_do():
    disparity = bumps(2)
    fine, paired, coarse = (
        len(grid_mesh(disparity, K, TEXTURE, fineness=fineness).triangles)
        for fineness in (
            Fineness(cell_px=1),
            Fineness(cell_px=1, pair_tolerance=1.0),
            Fineness(cell_px=1, tolerance=1.0),
        )
    )
    assert fine / 4.5 < paired < fine / 3
    assert coarse < paired / 2


@given(st.integers(0, 1000), st.booleans())
def test_neighbouring_blocks_share_all_their_vertices(seed, with_cut):
    disparity = bumps(seed)
    cells = cells_touching(np.zeros(disparity.shape, bool), 2)
    cut = np.zeros_like(cells)
    if with_cut:
        cut = np.random.default_rng(seed).random(cells.shape) < 0.02
    mesh = grid_mesh(disparity, K, SIZE, fineness=Fineness(tolerance=0.02), cut=cut)
    y, _ = grid_positions(SIZE.height, 2)
    x, _ = grid_positions(SIZE.width, 2)
    for (a, b), count in edge_counts(mesh).items():
        assert count <= 2
        if count == 1:
            assert lies_on_a_rim(mesh.uv[a], mesh.uv[b], cut, (x, y))


def lies_on_a_rim(p, q, cut, positions) -> bool:
    """Whether each cell side between two vertices borders the outside or a cut cell."""
    x, y = positions
    columns = sorted(int(np.argmin(np.abs(x - value))) for value in (p[0], q[0]))
    rows = sorted(int(np.argmin(np.abs(y - value))) for value in (p[1], q[1]))
    outside = np.pad(cut, 1, constant_values=True)
    if columns[0] == columns[1]:
        beside = outside[rows[0] + 1 : rows[1] + 1, columns[0] : columns[0] + 2]
    elif rows[0] == rows[1]:
        beside = outside[rows[0] : rows[0] + 2, columns[0] + 1 : columns[1] + 1].T
    else:
        return False
    return bool(beside.any(axis=1).all())


def test_cut_cells_are_left_out():
    cut = np.zeros(cells_touching(np.zeros((SIZE.height, SIZE.width), bool), 2).shape, bool)
    cut[10:12, 20:25] = True
    mesh = grid_mesh(plane(), K, SIZE, fineness=FINE, cut=cut)
    buffer = LayerBuffer(SIZE)
    buffer.draw(mesh, np.eye(4), K, 0.1)
    empty = buffer.inverse_depth == 0
    y, _ = grid_positions(SIZE.height, 2)
    x, _ = grid_positions(SIZE.width, 2)
    expected = np.zeros_like(empty)
    expected[int(y[10]) : int(y[12]), int(x[20]) : int(x[25])] = True
    assert empty[22, 42]
    assert np.count_nonzero(empty ^ expected) <= 2 * (5 + 2) * 2


def test_vertices_project_onto_their_own_texels():
    mesh = grid_mesh(bumps(3), K, TEXTURE, fineness=FINE)
    pixels = mesh.vertices.astype(np.float64) @ K.T
    np.testing.assert_allclose(2 * pixels[:, :2] / pixels[:, 2:], mesh.uv, atol=1e-3)


def test_triangles_know_whether_their_texels_are_opaque():
    alpha = np.full((TEXTURE.height, TEXTURE.width), 255, np.uint8)
    alpha[:, 60:80] = 128
    alpha[:, 80:] = 0
    mesh = grid_mesh(plane(), K, TEXTURE, fineness=FINE, alpha=alpha)
    reach = mesh.uv[mesh.triangles][..., 0]
    assert mesh.edge[reach.max(axis=1) > 60].all()
    assert not mesh.edge[reach.max(axis=1) < 50].any()
    assert reach.max() < 90  # the clear right side is not drawn


@given(st.integers(0, 1000), st.sampled_from([1, 2, 3]))
def test_marked_cells_agree_with_a_plain_loop(seed, cell_px):
    rng = np.random.default_rng(seed)
    mask = rng.random((13, 17)) < 0.03
    disparity = rng.choice([0.2, 0.5], (13, 17)).astype(np.float32)
    disparity[3:, 4:] = 0.4
    _, rows = grid_positions(13, cell_px)
    _, columns = grid_positions(17, cell_px)
    marked = cells_touching(mask, cell_px)
    every_jump = Steps(*(np.abs(np.diff(disparity, axis=axis)) > 0.05 for axis in (1, 0)))
    straddling = straddling_cells(every_jump, cell_px)
    for i in range(len(rows) - 1):
        for j in range(len(columns) - 1):
            part = (slice(rows[i], rows[i + 1] + 1), slice(columns[j], columns[j + 1] + 1))
            steps = [np.abs(np.diff(disparity[part], axis=axis)) > 0.05 for axis in (0, 1)]
            assert marked[i, j] == mask[part].any()
            assert straddling[i, j] == (steps[0].any() or steps[1].any())


def test_a_plain_grid_has_two_triangles_for_each_kept_cell():
    points = np.random.default_rng(0).random((4, 5, 3)).astype(np.float32)
    keep = np.ones((3, 4), bool)
    keep[:, 2:] = False
    mesh = plain_grid_mesh(points, points[..., :2].copy(), keep)
    assert len(mesh.triangles) == 2 * keep.sum()
    assert len(mesh.vertices) == 4 * 3
    np.testing.assert_array_equal(mesh.vertices, points[:, :3].reshape(-1, 3))


def test_a_photograph_thrown_on_a_steep_surface_is_itself_from_where_it_was_taken():
    rows = np.arange(SIZE.height, dtype=np.float32)[:, None]
    steep = (0.2 + 1.5 * rows / SIZE.height) * np.ones((1, SIZE.width), np.float32)
    mesh = grid_mesh(steep, K, SIZE, fineness=Fineness(tolerance=1e-4))
    assert len(mesh.triangles) < 2000  # it is flat: its blocks are merged
    buffer = LayerBuffer(SIZE)
    buffer.draw(mesh, np.eye(4), K, 0.01)
    u, v = buffer.texture_coordinates()
    there = u >= 0
    assert there.mean() > 0.99
    np.testing.assert_allclose(u[there], (np.indices(u.shape)[1] + 0.5)[there], atol=0.02)
    np.testing.assert_allclose(v[there], (np.indices(v.shape)[0] + 0.5)[there], atol=0.02)
