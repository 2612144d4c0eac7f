"""Forward warps: equal to the reference, whatever the photograph's depth looks like."""

from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the lyra2 engine needs PyTorch")

from lyra_zoom.engines.lyra2.projection import (  # noqa: E402
    WARP_CENTRE,
    Cameras,
    pixel_grid,
    project,
    unproject,
)
from lyra_zoom.engines.lyra2.warp import (  # noqa: E402
    PosedDepth,
    forward_warp,
    reliable_mask,
    warp_in_groups,
)
from tests.fakes_lyra2 import golden  # noqa: E402
from tests.reference import reference as reference_file  # noqa: E402

SAME = {"rtol": 0, "atol": 1e-4}
POSES = range(5)
STILL = torch.eye(4)
INTRINSICS = torch.tensor([[58.0, 0.0, 31.5], [0.0, 57.0, 24.2], [0.0, 0.0, 1.0]])


@pytest.fixture(scope="module")
def kept():
    return _tensors(golden("forward_warp"))


@pytest.fixture(scope="module")
def whole():
    with np.load(reference_file("golden/forward_warp.npz")) as arrays:
        return _tensors(dict(arrays))


def _tensors(arrays):
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def _source(arrays):
    return PosedDepth(depth=arrays["depth"], w2c=STILL, K=arrays["K_src"])


def _camera(arrays, pose):
    return Cameras(w2c=arrays[f"p{pose}|w2c_tgt"][None], K=arrays[f"p{pose}|K_tgt"][None])


def _all_cameras(arrays):
    w2c = torch.stack([arrays[f"p{pose}|w2c_tgt"] for pose in POSES])
    return Cameras(w2c=w2c, K=arrays["K_src"].expand(len(w2c), 3, 3))


def _cameras(count, *, step=0.02):
    w2c = STILL.repeat(count, 1, 1)
    w2c[:, 2, 3] = -step * torch.arange(count)
    return Cameras(w2c=w2c, K=INTRINSICS.expand(count, 3, 3))


def _assert_same_warp(warped, arrays, prefix, suffix=""):
    torch.testing.assert_close(warped.planes[0], arrays[f"{prefix}|warped{suffix}"], **SAME)
    assert torch.equal(warped.seen, arrays[f"{prefix}|mask{suffix}"].bool())


@pytest.mark.parametrize("pose", [3, 4])
def test_a_warp_is_that_of_the_reference(kept, pose):
    warped = forward_warp(kept["image"], _source(kept), _camera(kept, pose))
    _assert_same_warp(warped, kept, f"p{pose}")
    torch.testing.assert_close(warped.depth[0], kept[f"p{pose}|warped_depth"], **SAME)


def test_a_warp_that_keeps_torn_edges_is_that_of_the_reference(kept):
    warped = forward_warp(kept["image"], _source(kept), _camera(kept, 0), clean=False)
    _assert_same_warp(warped, kept, "p0", "_noclean")


def test_views_warped_together_are_weighed_together(kept):
    warped = forward_warp(kept["image"], _source(kept), _all_cameras(kept))
    torch.testing.assert_close(warped.depth, kept["batched|warped_depth"], **SAME)
    assert torch.equal(warped.seen[:, None], kept["batched|mask"])


@pytest.mark.parametrize(("threshold", "name"), [(0.05, "005"), (0.15, "015")])
def test_continuous_depth_is_where_the_reference_finds_it(kept, threshold, name):
    found = reliable_mask(kept["depth"], threshold)
    assert torch.equal(found[None], kept[f"reliable_mask_{name}"])


@pytest.mark.parametrize("pose", POSES)
def test_every_warp_of_the_reference_is_reproduced(whole, pose):
    source, camera = _source(whole), _camera(whole, pose)
    warped = forward_warp(whole["image"], source, camera)
    _assert_same_warp(warped, whole, f"p{pose}")
    torch.testing.assert_close(warped.depth[0], whole[f"p{pose}|warped_depth"], **SAME)
    torn = forward_warp(whole["image"], source, camera, clean=False)
    _assert_same_warp(torn, whole, f"p{pose}", "_noclean")


@pytest.mark.parametrize("pose", POSES)
def test_points_move_over_the_picture_as_in_the_reference(whole, pose):
    source, camera = _source(whole), _camera(whole, pose)
    depth = source.depth * reliable_mask(source.depth)
    points_world = unproject(depth, source.w2c, source.K)
    u, v, z = project(points_world, camera.w2c, camera.K)[0].unbind(-1)
    grid = pixel_grid(*source.depth.shape, centre=WARP_CENTRE, device=z.device)
    flow = torch.stack([u / (z + 1e-7), v / (z + 1e-7)]) - grid[..., :2].permute(2, 0, 1)
    torch.testing.assert_close(flow, whole[f"p{pose}|flow"], rtol=1e-5, atol=1e-4)


def test_views_warped_together_are_those_of_the_reference(whole):
    warped = forward_warp(whole["image"], _source(whole), _all_cameras(whole))
    torch.testing.assert_close(warped.planes, whole["batched|warped"], **SAME)


def test_points_of_a_camera_lie_where_the_reference_puts_them(whole):
    points = unproject(whole["depth"], whole["p0|w2c_tgt"], whole["K_src"])
    torch.testing.assert_close(points, whole["world_points_with_w2c_p0"], **SAME)
    seen = project(points, whole["p1|w2c_tgt"][None], whole["K_src"][None])[0]
    torch.testing.assert_close(seen, whole["project_back_p1"], rtol=1e-6, atol=1e-4)


def _splat_point_by_point(planes, source, target):
    """The warp of one view, without cleaning, one point and one neighbour at a time."""
    height, width = source.depth.shape
    points = unproject(source.depth, source.w2c, source.K)
    homogeneous = project(points, target.w2c, target.K)[0].double()
    farthest = max(math.log1p(float(z)) for z in homogeneous[..., 2].flatten())
    total, weight = np.zeros((3, height, width)), np.zeros((height, width))
    for row, column in np.ndindex(height, width):
        u, v, z = homogeneous[row, column].tolist()
        x, y = u / (z + 1e-7), v / (z + 1e-7)
        near = 1 / (math.exp(50 * math.log1p(z) / (farthest + 1e-7)) + 1e-7)
        for i in (math.floor(y), math.ceil(y)):
            for j in (math.floor(x), math.ceil(x)):
                if 0 <= i < height and 0 <= j < width:
                    share = near * (1 - abs(x - j)) * (1 - abs(y - i))
                    total[:, i, j] += share * planes[:, row, column].numpy()
                    weight[i, j] += share
    return np.where(weight > 0, total / np.where(weight > 0, weight, 1), -1)


def test_a_warp_is_the_sum_of_its_points():
    planes = torch.from_numpy(np.random.default_rng(1).uniform(-1, 1, (3, 12, 16))).float()
    depth = torch.from_numpy(np.random.default_rng(2).uniform(1, 3, (12, 16))).float()
    intrinsics = torch.tensor([[14.0, 0.0, 8.3], [0.0, 14.0, 6.1], [0.0, 0.0, 1.0]])
    source = PosedDepth(depth=depth, w2c=STILL, K=intrinsics)
    aside = STILL.clone()
    aside[:3, 3] = torch.tensor([0.13, -0.07, -0.21])
    target = Cameras(w2c=aside[None], K=intrinsics[None])
    warped = forward_warp(planes, source, target, clean=False)
    np.testing.assert_allclose(
        warped.planes[0].numpy(), _splat_point_by_point(planes, source, target), atol=2e-4
    )


def test_a_chunk_is_warped_in_groups_of_sixteen(kept):
    cameras = _cameras(20)
    first, rest = warp_in_groups(kept["image"], _source(kept), cameras)
    alone = forward_warp(kept["image"], _source(kept), cameras[16:])
    assert len(first.depth) == 16
    assert torch.equal(rest.planes, alone.planes)


def test_the_same_warp_has_the_same_bits(kept):
    cameras = _cameras(16)
    once, again = (forward_warp(kept["image"], _source(kept), cameras) for _ in range(2))
    assert torch.equal(once.planes, again.planes)


@pytest.mark.parametrize("depth", [0.0, -1.0, float("nan"), float("inf")])
def test_depth_that_means_nothing_gives_finite_pictures(kept, depth):
    source = PosedDepth(depth=torch.full((48, 64), depth), w2c=STILL, K=kept["K_src"])
    warped = forward_warp(kept["image"], source, _cameras(3))
    assert torch.isfinite(warped.planes).all()
    assert torch.isfinite(warped.depth).all()


def test_a_camera_that_stands_still_sees_the_photograph(kept):
    source = PosedDepth(depth=torch.full((48, 64), 2.0), w2c=STILL, K=kept["K_src"])
    warped = forward_warp(kept["image"], source, _cameras(2, step=0.0))
    inside = warped.planes[:, :, 3:-3, 3:-3]  # the mean depth at the border is taken as less
    torch.testing.assert_close(inside[0], kept["image"][:, 3:-3, 3:-3], **SAME)


def test_a_camera_that_has_passed_everything_sees_holes(kept):
    source = PosedDepth(depth=torch.full((48, 64), 2.0), w2c=STILL, K=kept["K_src"])
    beyond = STILL.clone()
    beyond[2, 3] = -3.0
    warped = forward_warp(
        kept["image"], source, Cameras(w2c=beyond[None], K=kept["K_src"][None])
    )
    assert (warped.planes == -1).all()
    assert not warped.seen.any()
