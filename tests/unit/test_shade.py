from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyra_zoom.engines.embedded.hole_kernels import close_holes
from lyra_zoom.engines.embedded.mesh import Fineness, Mesh, grid_mesh, plain_grid_mesh
from lyra_zoom.engines.embedded.raster import LayerBuffer
from lyra_zoom.engines.embedded.shade import (
    Canvas,
    DrawnLayer,
    FrameRenderer,
    Shading,
    fill_holes,
)
from lyra_zoom.engines.embedded.texel_kernels import STEPS, sample, sample_cubic, sample_linear
from lyra_zoom.engines.embedded.texture import Texture
from lyra_zoom.geometry.camera import centred_intrinsics, scale_intrinsics
from lyra_zoom.geometry.image import Size, resize
from lyra_zoom.geometry.rigid import w2c_from

SIZE = Size(96, 64)
K = centred_intrinsics(80.0, SIZE)
STILL = np.eye(4)
NO_FADE = Shading(fade_from=0.0, fade_to=0.05)
SHARP = Shading(fade_from=0.0, fade_to=0.05, lod_bias=0.0)


def picture(size: Size, seed: int = 0) -> np.ndarray:
    """Something with detail at all sizes, as photographs have."""
    rng = np.random.default_rng(seed)
    total = np.zeros((size.height, size.width, 3))
    for sigma in (1.0, 2.5, 6.0, 15.0):
        noise = rng.standard_normal(total.shape)
        total += sigma * cv2.GaussianBlur(noise, (0, 0), sigma)
    return np.clip(128 + 60 * total, 0, 255).astype(np.uint8)


def wall(depth: float, texture: Size, reach: float = 1.0) -> Mesh:
    """A rectangle before the camera; with reach 1 it fills the picture of the still camera."""
    half = np.array([SIZE.width, SIZE.height]) / 2 / 80.0 * depth * reach
    x, y = np.meshgrid([-half[0], half[0]], [-half[1], half[1]])
    u, v = np.meshgrid([0.0, texture.width], [0.0, texture.height])
    points = np.stack([x, y, np.full_like(x, depth)], axis=-1).astype(np.float32)
    uv = np.stack([u, v], axis=-1).astype(np.float32)
    return plain_grid_mesh(points, uv, np.ones((1, 1), bool))


def plain(colour: tuple[int, int, int], alpha: int = 255) -> Texture:
    rgba = np.empty((8, 8, 4), np.uint8)
    rgba[..., :3] = np.array(colour) * alpha // 255
    rgba[..., 3] = alpha
    return Texture.of_premultiplied(rgba)


def render(layers, w2c=STILL, shading=NO_FADE) -> tuple[np.ndarray, FrameRenderer, int]:
    renderer = FrameRenderer(SIZE)
    frame = np.zeros((SIZE.height, SIZE.width, 3), np.uint8)
    holes = renderer.render(layers, w2c, K, shading, frame)
    return frame, renderer, holes


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    error = np.mean((one.astype(float) - other.astype(float)) ** 2)
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def catmull_rom(distance: float) -> float:
    d = abs(distance)
    if d < 1:
        return 1.5 * d**3 - 2.5 * d**2 + 1
    return -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2 if d < 2 else 0.0


def tent(distance: float) -> float:
    return max(0.0, 1 - abs(distance))


def filtered(texels: np.ndarray, u: float, v: float, kernel) -> np.ndarray:
    """The slow twin of sampling: a sum over all texels, those at the border repeated."""
    total = np.zeros(4)
    for j in range(-3, texels.shape[0] + 3):
        for i in range(-3, texels.shape[1] + 3):
            weight = kernel(u - 0.5 - i) * kernel(v - 0.5 - j)
            row, column = np.clip([j, i], 0, np.array(texels.shape[:2]) - 1)
            total += weight * texels[row, column]
    return total


def random_texture(seed: int) -> tuple[Texture, np.ndarray]:
    rng = np.random.default_rng(seed)
    rgba = rng.integers(0, 256, (9, 11, 4)).astype(np.uint8)
    rgba[..., :3] = np.minimum(rgba[..., :3], rgba[..., 3:])
    return Texture.of_premultiplied(rgba), rgba


@given(st.integers(0, 1000), st.floats(0, 11, width=32), st.floats(0, 9, width=32))
def test_sampling_agrees_with_a_sum_over_all_texels(seed, u, v):
    texture, rgba = random_texture(seed)
    at = (np.float32(u), np.float32(v))
    u, v = (np.floor(value * STEPS + 0.5) / STEPS for value in (u, v))
    cubic = filtered(rgba, u, v, catmull_rom)
    np.testing.assert_allclose(sample_cubic(texture.pyramid, 0, *at), cubic, atol=2e-3)
    linear = filtered(rgba, u, v, tent)
    np.testing.assert_allclose(sample_linear(texture.pyramid, 0, *at), linear, atol=2e-3)


def test_overshoot_stays_within_what_a_colour_can_be():
    rgba = np.zeros((16, 16, 4), np.uint8)
    rgba[:, 8:] = 255
    rgba[6:9, :, :3] = 0
    seen, _, _ = render(
        [DrawnLayer((wall(2.0, Size(16, 16)),), Texture.of_premultiplied(rgba))]
    )
    assert seen[:, :40].max() < 128
    assert (seen[:16, 60:] == 255).all()
    assert seen[26:36].max() < 255


@pytest.mark.parametrize("u", [-1e9, -3.0, 14.0, 1e9, float("nan"), float("inf")])
def test_sampling_outside_the_texture_stays_inside_the_memory(u):
    texture, _ = random_texture(1)
    for footprint in (0.0, 3.0, 50.0, float("nan")):
        colour = sample(texture.pyramid, np.float32(u), np.float32(u), np.float32(footprint))
        assert all(-100 < channel < 400 for channel in colour)


def test_the_level_of_detail_is_one_at_half_size():
    texture, _ = random_texture(2)
    at = (np.float32(4.7), np.float32(3.1))
    half = (np.float32(2.35), np.float32(1.55))
    for footprint, expected in (
        (1.0, sample_cubic(texture.pyramid, 0, *at)),
        (4.0, sample_linear(texture.pyramid, 1, *half)),
    ):
        for nearly in (footprint - 1e-4, footprint, footprint + 1e-4):
            colour = sample(texture.pyramid, *at, np.float32(nearly))
            np.testing.assert_allclose(colour, expected, atol=0.05)


def test_smaller_copies_are_means_of_two_by_two():
    rgba = picture(Size(13, 8)).astype(np.uint8)
    texture = Texture.opaque(rgba, levels=2)
    offset, stride = texture.pyramid.places[1]
    width, height = texture.pyramid.limits[1].astype(int)
    assert (width, height) == (7, 4)
    rows = texture.pyramid.texels[offset : offset + (height + 4) * stride].reshape(-1, stride)
    level = rows[2 : 2 + height].reshape(height, -1, 4)[:, 2 : 2 + width, :3]
    full = np.pad(rgba, ((0, 0), (0, 1), (0, 0)), mode="edge").astype(int)
    means = full.reshape(4, 2, 7, 2, 3).sum(axis=(1, 3)) / 4
    assert np.abs(level - means).max() <= 0.5


@pytest.mark.parametrize("scale", [1.0, 1.5, 2.0])
def test_the_still_camera_sees_the_photograph(scale):
    texture_size = SIZE.scaled(scale)
    photo = picture(texture_size)
    x, y = np.meshgrid(np.arange(SIZE.width), np.arange(SIZE.height))
    disparity = (0.5 + 0.2 * np.sin(x / 9) * np.cos(y / 7)).astype(np.float32)
    mesh = grid_mesh(disparity, K, texture_size, fineness=Fineness(tolerance=0.01))
    frame, _, holes = render([DrawnLayer((mesh,), Texture.opaque(photo))])
    assert holes == 0
    assert psnr(frame, resize(photo, SIZE)) >= 35


def test_a_photograph_seen_at_half_size_is_its_smaller_copy():
    photo = picture(SIZE)
    back = w2c_from(np.eye(3), np.array([0.0, 0.0, -2.0]))
    layers = [DrawnLayer((wall(2.0, SIZE),), Texture.opaque(photo))]
    frame, _, holes = render(layers, back, SHARP)
    quarter = frame[16:48, 24:72]
    assert holes == SIZE.width * SIZE.height * 3 // 4
    assert psnr(quarter, resize(photo, Size(48, 32))) > 45


@given(
    st.lists(st.tuples(*[st.integers(0, 255)] * 3), min_size=3, max_size=3),
    st.integers(0, 255),
    st.integers(0, 255),
)
def test_layers_are_put_one_over_the_other(colours, front_alpha, middle_alpha):
    alphas = (front_alpha, middle_alpha, 255)
    layers = [
        DrawnLayer((wall(1.0 + i, Size(8, 8)),), plain(colour, alpha))
        for i, (colour, alpha) in enumerate(zip(colours, alphas, strict=True))
    ]
    frame, _, holes = render(layers)
    expected = np.array(colours[2], float)
    for colour, alpha in ((colours[1], middle_alpha), (colours[0], front_alpha)):
        expected += alpha / 255 * (np.array(colour) - expected)
    assert holes == 0
    assert np.abs(frame - expected).max() <= 4


def test_what_comes_near_the_lens_dissolves():
    shading = Shading(fade_from=1.0, fade_to=2.0)
    red, blue = plain((200, 0, 0)), plain((0, 0, 200))
    seen = []
    for depth in (0.9, 1.001, 1.25, 1.75, 2.0):
        layers = [
            DrawnLayer((wall(depth, Size(8, 8)),), red),
            DrawnLayer((wall(5.0, Size(8, 8)),), blue),
        ]
        frame, _, _ = render(layers, shading=shading)
        seen.append(frame[32, 48].tolist())
    expected = [[0, 0, 200], [0, 0, 200], [50, 0, 150], [150, 0, 50], [200, 0, 0]]
    np.testing.assert_allclose(seen, expected, atol=2)


def test_holes_are_marked_and_counted():
    layers = [DrawnLayer((wall(2.0, Size(8, 8), reach=0.5),), plain((9, 9, 9)))]
    _, renderer, holes = render(layers)
    inside = np.zeros((SIZE.height, SIZE.width), bool)
    inside[16:48, 24:72] = True
    np.testing.assert_array_equal(renderer.canvas.holes, ~inside)
    assert holes == np.count_nonzero(~inside)


@pytest.mark.parametrize("width", [1, 3, 40])
def test_filled_holes_continue_their_surroundings(width):
    x, _ = np.meshgrid(np.arange(SIZE.width), np.arange(SIZE.height))
    truth = np.repeat((2 * x + 20).astype(np.uint8)[..., None], 3, axis=2)
    holes = np.zeros(x.shape, bool)
    holes[20 : 20 + width, 30 : 30 + width] = True
    frame = truth.copy()
    frame[holes] = 0
    fill_holes(frame, holes)
    np.testing.assert_array_equal(frame[~holes], truth[~holes])
    error = np.abs(frame[holes].astype(int) - truth[holes])
    assert error.max() <= 2 * width


@given(st.integers(0, 10_000), st.integers(1, 5), st.floats(0.05, 0.95))
def test_closing_holes_agrees_with_a_plain_loop(seed, rounds, share):
    rng = np.random.default_rng(seed)
    frame = rng.integers(0, 256, (9, 12, 3)).astype(np.uint8)
    holes = rng.random((9, 12)) < share
    expected, open_ = frame.astype(int), holes.copy()
    for _ in range(rounds):
        before = open_.copy()
        for y, x in zip(*np.nonzero(before), strict=True):
            around = (slice(max(y - 1, 0), y + 2), slice(max(x - 1, 0), x + 2))
            known = ~before[around]
            if known.any():
                expected[y, x] = np.floor(expected[around][known].mean(axis=0) + 0.5)
                open_[y, x] = False
    assert close_holes(frame, holes, rounds) == np.count_nonzero(open_)
    np.testing.assert_array_equal(holes, open_)
    np.testing.assert_array_equal(frame[~open_], expected[~open_])


@given(st.integers(0, 10_000))
def test_leaving_out_what_is_hidden_changes_nothing(seed):
    rng = np.random.default_rng(seed)
    small = Size(48, 32)
    intrinsics = scale_intrinsics(K, SIZE, small)
    layers = []
    for depth in (1.0, 2.0, 3.0):
        disparity = (1 / depth + 0.05 * rng.random((32, 48))).astype(np.float32)
        cut = rng.random((16, 24)) < 0.1
        mesh = grid_mesh(disparity, intrinsics, small, fineness=Fineness(), cut=cut)
        noise = rng.integers(0, 256, (32, 48, 3)).astype(np.uint8)
        layers.append(DrawnLayer((mesh,), Texture.opaque(noise)))
    w2c = w2c_from(np.eye(3), rng.uniform(-0.3, 0.3, 3))
    frame, _, holes = render(layers, w2c)
    canvas, buffer = Canvas(SIZE), LayerBuffer(SIZE)
    canvas.begin()
    for layer in layers:
        buffer.clear()
        buffer.draw(layer.meshes[0], w2c, K, 0.01)
        canvas.put_under(buffer, layer.texture, NO_FADE)
    plain_frame = np.zeros_like(frame)
    assert canvas.finish(plain_frame) == holes
    np.testing.assert_array_equal(frame, plain_frame)


def test_a_frame_without_any_layer_is_one_hole():
    frame, renderer, holes = render([])
    assert holes == SIZE.width * SIZE.height
    fill_holes(frame, renderer.canvas.holes)
    assert not frame.any()


def test_two_threads_and_two_runs_give_the_same_bytes():
    photo = picture(SIZE.scaled(1.5))
    x, y = np.meshgrid(np.arange(SIZE.width), np.arange(SIZE.height))
    disparity = (0.5 + 0.2 * np.sin(x / 9) * np.cos(y / 7)).astype(np.float32)
    mesh = grid_mesh(disparity, K, Size.of(photo), fineness=Fineness(tolerance=0.01))
    layers = [DrawnLayer((mesh,), Texture.opaque(photo))]
    cameras = [w2c_from(np.eye(3), np.array([0.1, 0.0, z])) for z in np.linspace(-1, 0.8, 12)]
    alone = [render(layers, w2c)[0] for w2c in cameras]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda w2c: render(layers, w2c)[0], cameras))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)
