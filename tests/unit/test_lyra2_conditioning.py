"""What the network is told stays sane, whatever the photograph and the cameras are."""

from __future__ import annotations

from dataclasses import fields

import pytest

torch = pytest.importorskip("torch", reason="the lyra2 engine needs PyTorch")

from lyra_zoom.engines.lyra2.conditioning import build_conditions  # noqa: E402
from lyra_zoom.engines.lyra2.conditions import Conditions  # noqa: E402
from lyra_zoom.engines.lyra2.correspondence import correspondence  # noqa: E402
from lyra_zoom.engines.lyra2.memory import SpatialMemory  # noqa: E402
from lyra_zoom.engines.lyra2.past import Past  # noqa: E402
from lyra_zoom.engines.lyra2.projection import Cameras  # noqa: E402
from lyra_zoom.engines.lyra2.warp import PosedDepth  # noqa: E402
from lyra_zoom.geometry.camera import CameraPath  # noqa: E402
from lyra_zoom.geometry.image import Size  # noqa: E402
from tests.fakes_lyra2 import ConstantImageEncoder, tiny_autoencoder  # noqa: E402
from tests.golden.lyra2_recipes import rnd  # noqa: E402
from tests.lyra2_rollouts import SIZE, forward_path  # noqa: E402

STILL = 0.0
CAMERAS = Cameras.of(forward_path(81))


def conditions(
    path: CameraPath,
    *,
    depth: float = 2.0,
    chunks: int = 0,
    dtype=torch.float32,
) -> Conditions:
    """Of a leg that has shown noise so far."""
    height, width, newest = path.size.height, path.size.width, 80 * chunks
    cameras, memory, keyframes = Cameras.of(path), SpatialMemory(), {}
    for frame in range(0, newest + 1, 8):
        keyframes[frame] = rnd(frame, (3, height, width))
        plane = torch.full((height, width), depth)
        memory.add(frame, PosedDepth(depth=plane, w2c=cameras.w2c[frame], K=cameras.K[frame]))
    latents = rnd(7, (16, 20, height // 8, width // 8))
    past = Past(
        first_latent=latents[:, :1],
        recent_latents=latents[:, 1:],
        keyframes=keyframes,
        memory=memory,
        chunks=chunks,
    )
    return build_conditions(past, cameras, tiny_autoencoder(), ConstantImageEncoder(), dtype)


def assert_finite(told: Conditions) -> None:
    for field in fields(told):
        assert torch.isfinite(getattr(told, field.name)).all(), field.name


@pytest.mark.slow
def test_a_network_in_sixteen_bits_is_told_sixteen_bits():
    whole = conditions(forward_path(161), chunks=1)
    told = conditions(forward_path(161), chunks=1, dtype=torch.bfloat16)
    for field in fields(told):
        rounded = getattr(whole, field.name).bfloat16()
        assert torch.equal(getattr(told, field.name), rounded), field.name


@pytest.mark.slow
@pytest.mark.parametrize("chunks", [0, 1])
def test_a_camera_that_stands_still_is_no_trouble(chunks):
    told = conditions(forward_path(161, step=STILL), chunks=chunks)
    assert_finite(told)
    assert told.correspondence.abs().max() <= 1


@pytest.mark.slow
@pytest.mark.parametrize("depth", [0.0, 1e4])
def test_a_photograph_without_things_is_no_trouble(depth):
    assert_finite(conditions(forward_path(81), depth=depth))


@pytest.mark.slow
def test_a_camera_that_passes_everything_is_no_trouble():
    assert_finite(conditions(forward_path(81, step=-0.5)))


@pytest.mark.slow
def test_a_picture_of_an_odd_number_of_tokens_is_no_trouble():
    size = Size(80, 48)  # 3 rows and 5 columns of tokens; 720p has 45 rows
    told = conditions(forward_path(81, size))
    assert told.correspondence.shape == (1, 1280, 45, 6, 10)
    assert_finite(told)


def remembered(frame_count: int) -> SpatialMemory:
    memory = SpatialMemory()
    for frame in range(0, 8 * frame_count, 8):
        depth = torch.full((SIZE.height, SIZE.width), 2.0)
        memory.add(frame, PosedDepth(depth=depth, w2c=CAMERAS.w2c[frame], K=CAMERAS.K[frame]))
    return memory


def test_without_remembered_frames_new_ones_correspond_to_nothing():
    maps = correspondence(remembered(1), [], CAMERAS[1:])[:, 25:].reshape(5, 4, 64, 20, -1)
    assert (maps[:, :3] == -1).all()
    assert (maps[:, 3] == 1).all()


def test_the_best_frame_comes_first_in_the_channels():
    memory = remembered(2)
    both = correspondence(memory, [0, 8], CAMERAS[1:])[:192]
    best = correspondence(memory, [8], CAMERAS[1:])[:192]
    assert torch.equal(both, best)


def test_a_remembered_frame_is_told_its_own_name():
    maps = correspondence(remembered(1), [0], CAMERAS[1:])[:, 1:6].reshape(5, 4, 64, 5, -1)
    slots = torch.linspace(-1, 1, 5)
    assert torch.equal(maps[0, 2, 0, :, 0], slots)
    assert (maps[0, 3] == -1).all()
    assert (maps[1:, 3] == 1).all()


def test_history_in_time_is_told_nothing():
    maps = correspondence(remembered(1), [0], CAMERAS[1:])
    assert not maps[:, [0, *range(6, 25)]].any()
