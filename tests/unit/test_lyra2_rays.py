"""Ray maps and packed coordinates: equal to the reference, and meaning what they say."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the lyra2 engine needs PyTorch")

from lyra_zoom.engines.lyra2.projection import Cameras, c2w_of  # noqa: E402
from lyra_zoom.engines.lyra2.rays import canonical_coords, ray_map, space_to_depth  # noqa: E402
from lyra_zoom.geometry.camera import (  # noqa: E402
    CameraPath,
    centred_intrinsics,
    pixel_centres,
    unproject,
)
from lyra_zoom.geometry.image import Size  # noqa: E402
from lyra_zoom.geometry.rigid import look_at  # noqa: E402
from tests.fakes_lyra2 import golden  # noqa: E402

SAME = {"rtol": 0, "atol": 1e-6}


@pytest.fixture(scope="module")
def reference():
    return {name: torch.from_numpy(array) for name, array in golden("rays_coords").items()}


def test_rays_are_those_of_the_reference(reference):
    expected = reference["rays_o_d_VHW6"]
    intrinsics = torch.zeros(2, 3, 3)
    for (row, column), values in zip(
        ((0, 0), (1, 1), (0, 2), (1, 2)), reference["K_vec"].T, strict=True
    ):
        intrinsics[:, row, column] = values
    intrinsics[:, 2, 2] = 1
    rays = ray_map(intrinsics, reference["c2w"], 16, 24)
    torch.testing.assert_close(rays, expected, **SAME)


def test_coordinates_of_remembered_pixels_are_those_of_the_reference(reference):
    torch.testing.assert_close(
        canonical_coords(5, 16, 24), reference["canonical_coords_N3HW"], **SAME
    )


def test_pixels_become_channels_as_in_the_reference(reference):
    planes = reference["ps_in"].transpose(0, 1)  # the reference keeps frames behind channels
    assert torch.equal(space_to_depth(planes).transpose(0, 1), reference["ps_out"])


def test_a_ray_meets_the_point_under_its_pixel():
    size = Size(24, 16)
    w2c = look_at(np.array([0.3, -0.2, 0.1]), np.array([0.0, 0.0, 5.0]))
    intrinsics = centred_intrinsics(20.0, size)
    cameras = Cameras.of(CameraPath(w2c[None], intrinsics[None], size))
    rays = ray_map(cameras.K, c2w_of(cameras.w2c), size.height, size.width)[0].double().numpy()
    origin, direction = rays[..., :3], rays[..., 3:]
    on_the_ray = (origin + 2.5 * direction) @ w2c[:3, :3].T + w2c[:3, 3]
    expected = unproject(pixel_centres(size), on_the_ray[..., 2], intrinsics)
    np.testing.assert_allclose(on_the_ray, expected, atol=1e-5)
