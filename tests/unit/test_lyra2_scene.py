"""A photograph as the lyra2 engine plans and starts from it."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the lyra2 engine needs PyTorch")

from lyra_zoom.engines.engine import Scene  # noqa: E402
from lyra_zoom.engines.lyra2.depth import believed  # noqa: E402
from lyra_zoom.engines.lyra2.scene import Lyra2Scene, build_scene  # noqa: E402
from lyra_zoom.errors import InputRejected  # noqa: E402
from lyra_zoom.geometry.camera import centred_intrinsics  # noqa: E402
from lyra_zoom.geometry.image import Size  # noqa: E402

SIZE = Size(24, 16)
PICTURE = np.random.default_rng(3).integers(0, 256, (16, 24, 3), dtype=np.uint8)


def scene(depth) -> Lyra2Scene:
    return build_scene(PICTURE, believed(depth), centred_intrinsics(20.0, SIZE))


def ramp():
    return torch.linspace(1.0, 5.0, 16)[:, None].repeat(1, 24)


def test_a_scene_is_what_cameras_are_planned_for():
    assert isinstance(scene(ramp()), Scene)
    assert scene(ramp()).size == SIZE


def test_the_network_sees_the_very_photograph():
    seen = ((scene(ramp()).image + 1) * 127.5).permute(1, 2, 0)
    np.testing.assert_allclose(seen.numpy(), PICTURE, atol=1e-4)


def test_a_quarter_of_what_is_there_is_nearer_than_the_subject():
    depth = ramp()
    depth[:4] = torch.inf
    things = depth[4:].numpy()
    assert scene(depth).subject_depth == pytest.approx(np.quantile(things, 0.25))


@pytest.mark.parametrize("far", [1000.0, torch.inf, torch.nan, 1e9])
def test_what_is_too_far_is_sky(far):
    depth = ramp()
    depth[0] = far
    found = scene(depth)
    assert np.isinf(found.depth[0]).all()
    assert np.isfinite(found.depth[1:]).all()
    assert torch.isfinite(found.seen_depth).all()


def test_a_photograph_of_the_sky_alone_can_be_planned_for():
    assert scene(torch.full((16, 24), torch.inf)).subject_depth == pytest.approx(1e4)


def test_a_photograph_without_any_depth_is_refused():
    with pytest.raises(InputRejected, match="image_url"):
        _ = scene(torch.zeros(16, 24)).subject_depth
