from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from lyra_zoom.engines.embedded.mesh import Mesh, plain_grid_mesh
from lyra_zoom.engines.embedded.raster import LayerBuffer, no_tiles
from lyra_zoom.engines.embedded.raster_kernels import TILE_PX
from lyra_zoom.geometry.camera import centred_intrinsics
from lyra_zoom.geometry.image import Size
from lyra_zoom.geometry.rigid import look_at, w2c_from

SIZE = Size(40, 30)
K = centred_intrinsics(30.0, SIZE)
STILL = np.eye(4)
NEAR = 0.1


def mesh_of(vertices: ArrayLike, uv: ArrayLike, triangles: ArrayLike) -> Mesh:
    return Mesh(
        np.asarray(vertices, np.float32),
        np.asarray(uv, np.float32),
        np.asarray(triangles, np.int32),
        np.zeros(len(np.asarray(triangles)), np.uint8),
        np.ones(len(np.asarray(vertices)), np.float32),
    )


def soup(seed: int, count: int = 6, nearest: float = 0.5) -> Mesh:
    """Unconnected random triangles, some of them partly outside the picture."""
    rng = np.random.default_rng(seed)
    z = rng.uniform(nearest, 4, (3 * count, 1))
    xy = rng.uniform(-1.2, 1.2, (3 * count, 2)) * np.abs(z)
    uv = rng.uniform(0, 100, (3 * count, 2))
    return mesh_of(np.hstack([xy, z]), uv, np.arange(3 * count).reshape(-1, 3))


def sheet(seed: int, cells: int) -> Mesh:
    """A connected, wavy sheet that covers more than the picture."""
    rng = np.random.default_rng(seed)
    x, y = np.meshgrid(np.linspace(-1.2, 1.2, cells + 1), np.linspace(-1.2, 1.2, cells + 1))
    z = rng.uniform(0.8, 1.2, x.shape)
    points = np.stack([x * z, y * z, z], axis=-1).astype(np.float32)
    uv = (np.stack([x, y], axis=-1) * 50 + 70).astype(np.float32)
    return plain_grid_mesh(points, uv, np.ones((cells, cells), bool))


def drawn(mesh: Mesh, w2c: np.ndarray = STILL, near: float = NEAR) -> LayerBuffer:
    buffer = LayerBuffer(SIZE)
    buffer.draw(mesh, w2c, K, near)
    return buffer


def cast(mesh: Mesh, w2c: np.ndarray, near: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The slow twin, every ray against every triangle: 1/z, (u, v), doubtful pixels."""
    points = mesh.vertices.astype(np.float64) @ w2c[:3, :3].T + w2c[:3, 3]
    x, y = np.meshgrid(np.arange(SIZE.width) + 0.5, np.arange(SIZE.height) + 0.5)
    rays = np.stack([x, y, np.ones_like(x)], axis=-1) @ np.linalg.inv(K).T
    best = np.zeros(x.shape)
    uv = np.full((*x.shape, 2), -1.0)
    doubtful = np.zeros(x.shape, bool)
    for triangle in mesh.triangles:
        corners = points[triangle].T
        if abs(np.linalg.det(corners)) < 1e-12:
            continue
        shares = rays @ np.linalg.inv(corners).T  # p = corners @ shares, scaled so that z = 1
        inverse = shares.sum(axis=-1)
        inside = (shares >= 0).all(axis=-1) & (inverse > 0) & (inverse <= 1 / near)
        close = np.abs(shares).min(axis=-1) < 1e-4 * np.abs(shares).max(axis=-1)
        doubtful |= close | (np.abs(inverse * near - 1) < 1e-3)
        nearer = inside & (inverse > best)
        doubtful |= inside & (np.abs(inverse - best) < 1e-5 * inverse)
        best[nearer] = inverse[nearer]
        weights = shares[nearer] / inverse[nearer][:, None]
        uv[nearer] = weights @ mesh.uv[triangle]
    return best, uv, doubtful


def assert_equal_to_cast(mesh: Mesh, w2c: np.ndarray, near: float) -> None:
    buffer = drawn(mesh, w2c, near)
    inverse, uv, doubtful = cast(mesh, w2c, near)
    sure = ~doubtful
    np.testing.assert_allclose(buffer.inverse_depth[sure], inverse[sure], rtol=1e-3, atol=1e-6)
    for plane, expected in zip(
        buffer.texture_coordinates(), (uv[..., 0], uv[..., 1]), strict=True
    ):
        np.testing.assert_allclose(plane[sure], expected[sure], rtol=1e-3, atol=2e-2)


@given(st.integers(0, 100_000))
def test_drawn_triangles_are_what_rays_meet(seed):
    assert_equal_to_cast(soup(seed), STILL, NEAR)


@given(st.integers(0, 100_000))
def test_triangles_that_cross_the_near_plane_are_cut_exactly_there(seed):
    assert_equal_to_cast(soup(seed, nearest=-2.0), STILL, 0.5)


@given(st.integers(0, 100_000), st.integers(1, 60))
def test_shared_edges_have_no_gaps_and_no_pixel_is_drawn_twice(seed, cells):
    mesh = sheet(seed, cells)
    assert (drawn(mesh).inverse_depth > 0).all()


@given(st.integers(0, 100_000))
def test_every_pixel_of_a_sheet_belongs_to_one_triangle(seed):
    mesh = sheet(seed, 5)
    times = np.zeros((SIZE.height, SIZE.width), int)
    for triangle in mesh.triangles:
        one = mesh_of(mesh.vertices, mesh.uv, triangle[None])
        times += drawn(one).inverse_depth > 0
    assert (times == 1).all()


def test_pixel_centres_that_lie_exactly_on_edges_are_drawn_once():
    pixels = np.array([[10.5, 10.5], [20.5, 10.5], [20.5, 20.5], [10.5, 20.5], [15.5, 15.5]])
    vertices = np.hstack([(pixels - [20, 15]) / 30, np.ones((5, 1))])
    times = np.zeros((SIZE.height, SIZE.width), int)
    for triangle in ([0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4]):
        times += drawn(mesh_of(vertices, pixels, [triangle])).inverse_depth > 0
    assert times.sum() == 100
    assert (times[10:20, 10:20] == 1).all()


def test_both_faces_and_all_orders_of_corners_give_the_same_pixels():
    mesh = soup(5, 1)
    coverage = [
        drawn(mesh_of(mesh.vertices, mesh.uv, [order])).inverse_depth > 0
        for order in ([0, 1, 2], [1, 2, 0], [2, 1, 0], [0, 2, 1])
    ]
    assert all((other == coverage[0]).all() for other in coverage)


def test_a_plane_in_two_or_in_two_hundred_triangles_is_the_same():
    def plane(cells: int) -> Mesh:
        x, y = np.meshgrid(np.linspace(-3, 3, cells + 1), np.linspace(-3, 3, cells + 1))
        points = np.stack([x, y, 2 + 0.3 * x + 0.2 * y], axis=-1).astype(np.float32)
        uv = (np.stack([x, y], axis=-1) * 20 + 60).astype(np.float32)
        return plain_grid_mesh(points, uv, np.ones((cells, cells), bool))

    coarse, fine = drawn(plane(1)), drawn(plane(10))
    np.testing.assert_allclose(coarse.inverse_depth, fine.inverse_depth, rtol=1e-5)
    for one, other in zip(
        coarse.texture_coordinates(), fine.texture_coordinates(), strict=True
    ):
        np.testing.assert_allclose(one, other, atol=1e-3)


@pytest.mark.parametrize("z", [-2.0, -0.5, 0.3, 0.6])
def test_moving_along_the_axis_keeps_what_is_at_the_centre(z):
    odd = Size(41, 31)
    intrinsics = centred_intrinsics(30.0, odd)
    buffer = LayerBuffer(odd)
    buffer.draw(sheet(1, 1), w2c_from(np.eye(3), np.array([0, 0, z])), intrinsics, NEAR)
    u, v = buffer.texture_coordinates()
    assert u[15, 20] == pytest.approx(70, abs=5)
    still = LayerBuffer(odd)
    still.draw(sheet(1, 1), STILL, intrinsics, NEAR)
    u_still, v_still = still.texture_coordinates()
    assert (u[15, 20], v[15, 20]) == pytest.approx((u_still[15, 20], v_still[15, 20]), abs=1e-3)


@given(st.integers(0, 100_000))
def test_a_camera_within_the_mesh_sees_nothing_before_the_near_plane(seed):
    rng = np.random.default_rng(seed)
    w2c = look_at(rng.uniform((-1, -1, 0.5), (1, 1, 2.5)), rng.uniform(-2, 2, 3))
    buffer = drawn(soup(seed, 40, nearest=-3.0), w2c, 0.25)
    u, v = buffer.texture_coordinates()
    assert np.isfinite(buffer.inverse_depth).all()
    assert np.isfinite(u).all()
    assert np.isfinite(v).all()
    assert buffer.inverse_depth.max() <= 4.0 * (1 + 1e-4)


def test_a_mesh_behind_the_camera_is_not_seen():
    away = w2c_from(np.diag([-1.0, 1.0, -1.0]), np.zeros(3))
    assert not drawn(soup(1), away).inverse_depth.any()


def test_clear_texels_hide_nothing():
    x, y = np.meshgrid([-3.0, 3.0], [-3.0, 3.0])
    near, far = (
        plain_grid_mesh(
            np.stack([x * z, y * z, np.full_like(x, z)], axis=-1).astype(np.float32),
            np.stack([x * 10 + 30, y * 10 + 30], axis=-1).astype(np.float32),
            np.ones((1, 1), bool),
        )
        for z in (1.0, 2.0)
    )
    near.edge[:] = 1
    alpha = np.full((60, 60), 255, np.uint8)
    alpha[:, :30] = 4
    buffer = LayerBuffer(SIZE)
    buffer.draw(near, STILL, K, NEAR, alpha)
    buffer.draw(far, STILL, K, NEAR, alpha)
    assert (buffer.inverse_depth[:, :20] == 0.5).all()
    assert (buffer.inverse_depth[:, 20:] == 1.0).all()


def test_meshes_in_one_buffer_hide_each_other_by_depth():
    one, other = soup(1), soup(2)
    together = LayerBuffer(SIZE)
    together.draw(one, STILL, K, NEAR)
    together.draw(other, STILL, K, NEAR)
    apart = np.maximum(drawn(one).inverse_depth, drawn(other).inverse_depth)
    np.testing.assert_array_equal(together.inverse_depth, apart)
    together.clear()
    together.draw(one, STILL, K, NEAR)
    np.testing.assert_array_equal(together.inverse_depth, drawn(one).inverse_depth)


def test_only_what_lies_wholly_in_hidden_tiles_is_left_out():
    hidden = no_tiles(SIZE)
    hidden[0, :] = 1
    buffer = LayerBuffer(SIZE)
    buffer.clear(hidden)
    buffer.draw(sheet(3, 30), STILL, K, NEAR)
    full = drawn(sheet(3, 30)).inverse_depth
    np.testing.assert_array_equal(buffer.inverse_depth[TILE_PX:], full[TILE_PX:])
    assert not buffer.inverse_depth[: TILE_PX - 6].any()
