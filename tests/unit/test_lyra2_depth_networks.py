"""The networks behind the depth port, small and untrained: what goes in and what comes out."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

pytest.importorskip("torch", reason="the lyra2 engine needs PyTorch")

import torch
from torch import nn
from transformers import DepthAnythingForDepthEstimation, DPTImageProcessor

from lyra_zoom.engines.lyra2.depth import NewFrames
from lyra_zoom.engines.lyra2.depth_da3 import DepthAnything3, Sighting, eight_bits
from lyra_zoom.engines.lyra2.depth_da3_package import (
    REFERENCE_MODEL,
    PackageNetwork,
    empty_network,
    with_weights,
)
from lyra_zoom.engines.lyra2.depth_dav2 import DepthAnythingV2, load_depth_anything_v2
from lyra_zoom.engines.lyra2.projection import Cameras
from lyra_zoom.engines.lyra2.residence import at_work
from lyra_zoom.errors import EngineNotReady, WeightsUnusable
from tests.lyra2_depths import write_small_depth_anything

CPU = torch.device("cpu")


def chance(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(2))


# ------------------------------------------------------------------------- Depth Anything V2


@pytest.fixture(scope="module")
def anything_v2(tmp_path_factory) -> DepthAnythingForDepthEstimation:
    folder = tmp_path_factory.mktemp("depth")
    write_small_depth_anything(folder)
    return load_depth_anything_v2(folder, kind="relative")


@pytest.mark.parametrize("shape", [(48, 83), (83, 48), (180, 320)])
def test_a_frame_has_the_disparity_that_transformers_own_preparation_gives(anything_v2, shape):
    frame = chance(3, *shape) * 2 - 1
    prepare = DPTImageProcessor(
        size={"height": 70, "width": 70},
        keep_aspect_ratio=True,
        ensure_multiple_of=14,
        resample=3,
        image_mean=[0.485, 0.456, 0.406],
        image_std=[0.229, 0.224, 0.225],
    )
    pixels = prepare(eight_bits(frame[None])[0], return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        told = anything_v2(pixel_values=pixels).predicted_depth
    expected = nn.functional.interpolate(told[None], shape, mode="bilinear")[0, 0]
    disparity = DepthAnythingV2(anything_v2, CPU, trained_side_px=70)(frame)
    torch.testing.assert_close(disparity, expected, rtol=0.02, atol=0.02 * float(told.max()))


# ------------------------------------------------------------------------- Depth Anything 3


FOREIGN = pytest.mark.filterwarnings("default::DeprecationWarning")
"""The package compiles its layers in a way that torch calls old."""


def untrained_da3() -> nn.Module:
    reason = "the package depth-anything-3 is the operator's choice"
    configs = pytest.importorskip("depth_anything_3.cfg", reason=reason)
    models = pytest.importorskip("depth_anything_3.registry", reason=reason).MODEL_REGISTRY
    torch.manual_seed(0)
    whole = configs.create_object(configs.load_config(models["da3-small"]))
    state = {f"model.{name}": tensor for name, tensor in whole.state_dict().items()}
    return with_weights(empty_network("da3-small"), state)


def seen_by(
    network: PackageNetwork, pictures: torch.Tensor, posed: Cameras | None = None
) -> Sighting:
    sighting = network(pictures, posed)
    assert sighting is not None
    return sighting


def cameras(views: int) -> Cameras:
    w2c = torch.eye(4).repeat(views, 1, 1)
    w2c[:, 0, 3] = torch.linspace(0, 1, views)
    K = torch.tensor([[80.0, 0, 35], [0, 80, 28], [0, 0, 1]])  # noqa: N806  # its name everywhere
    return Cameras(w2c=w2c, K=K.expand(views, 3, 3))


@FOREIGN
def test_the_package_treats_posed_views_as_a_set():
    network = PackageNetwork(untrained_da3(), CPU)
    pictures, posed, order = chance(4, 3, 56, 70), cameras(4), [2, 0, 3, 1]
    straight = seen_by(network, pictures, posed)
    shuffled = seen_by(network, pictures[order], posed[order])
    torch.testing.assert_close(shuffled.depth, straight.depth[order], rtol=1e-3, atol=1e-4)
    assert (straight.depth[1] - straight.depth[0]).abs().max() > 1e-4


@FOREIGN
def test_the_package_listens_to_the_cameras():
    network = PackageNetwork(untrained_da3(), CPU)
    pictures = chance(4, 3, 56, 70)
    told, untold = seen_by(network, pictures, cameras(4)), seen_by(network, pictures)
    assert (told.depth - untold.depth).abs().max() > 1e-4
    assert told.w2c.shape == (4, 4, 4)


@FOREIGN
def test_the_package_stands_behind_the_port():
    model = DepthAnything3(network=PackageNetwork(untrained_da3(), CPU))
    first = model.first(chance(3, 60, 72))
    assert first.depth.shape == (60, 72)
    assert first.K is not None
    posed = cameras(3)
    later = model.update(NewFrames(frames=chance(3, 3, 60, 72), cameras=posed))
    assert later.shape == (3, 60, 72)
    assert later.isfinite().all()


class Small(nn.Module):
    """Names its parts as the package's nested network does."""

    def __init__(self) -> None:
        super().__init__()
        self.da3 = nn.Linear(3, 2)


def weights_as_published(**others: torch.Tensor) -> dict[str, torch.Tensor]:
    own = {f"da3.{name}": tensor + 1 for name, tensor in Small().da3.state_dict().items()}
    return {f"model.{name}": tensor for name, tensor in {**own, **others}.items()}


def test_weights_for_splats_are_left_out():
    splats = {"da3.gs_head.weight": torch.ones(3), "da3.gs_adapter.bias": torch.ones(3)}
    stored = weights_as_published(**splats)
    network = with_weights(Small(), stored)
    told = network.state_dict()
    assert set(told) == {"da3.weight", "da3.bias"}
    assert torch.equal(told["da3.weight"], stored["model.da3.weight"])


def test_weights_that_the_depth_network_does_not_know_are_named():
    with pytest.raises(WeightsUnusable, match=r"da3\.more: not part of this network"):
        with_weights(Small(), weights_as_published(**{"da3.more": torch.ones(3)}))


def test_weights_that_the_depth_network_lacks_are_named():
    stored = weights_as_published()
    del stored["model.da3.bias"]
    with pytest.raises(WeightsUnusable, match=r"da3\.bias: missing"):
        with_weights(Small(), stored)


@FOREIGN
def test_an_unknown_model_of_the_package_is_named():
    untrained_da3()
    with pytest.raises(EngineNotReady, match="no model da4"):
        empty_network("da4")


@pytest.mark.skipif(find_spec("depth_anything_3") is not None, reason="the package is there")
def test_without_the_package_a_sentence_says_so():
    with pytest.raises(EngineNotReady, match="depth-anything-3 cannot be used"):
        empty_network(REFERENCE_MODEL)


class Nested(nn.Module):
    """Answers as the package's nested network does: from pixels drawn by chance."""

    def __init__(self, *, sky: bool = False, scale: float = 1.0) -> None:
        super().__init__()
        self.sky = sky
        self.scale = scale

    def forward(
        self,
        x: torch.Tensor,
        extrinsics: torch.Tensor | None,
        intrinsics: torch.Tensor | None,
        **choices: object,
    ) -> dict[str, torch.Tensor]:
        assert not self.sky, "Insufficient non-sky pixels for alignment"
        views, size = x.shape[1], x.shape[3:]
        return {
            "depth": torch.rand(1, views, *size),
            "extrinsics": self.scale * torch.eye(4).expand(1, views, 4, 4),
            "intrinsics": torch.eye(3).expand(1, views, 3, 3),
        }


def test_the_same_pictures_have_the_same_depth_whatever_was_drawn_before():
    network = PackageNetwork(Nested(), CPU)
    first = seen_by(network, chance(2, 3, 28, 28))
    torch.rand(5)
    again = seen_by(network, chance(2, 3, 28, 28))
    assert torch.equal(first.depth, again.depth)


def test_what_others_draw_does_not_depend_on_the_depth_network():
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    PackageNetwork(Nested(), CPU)(chance(1, 3, 28, 28), None)
    assert torch.equal(torch.rand(3), expected)


def test_a_network_that_divides_by_nothing_has_seen_nothing():
    network = PackageNetwork(Nested(scale=float("nan")), CPU)
    assert network(chance(1, 3, 28, 28), None) is None


def test_a_network_that_gives_up_on_sky_is_no_error():
    assert PackageNetwork(Nested(sky=True), CPU)(chance(1, 3, 28, 28), None) is None


# ----------------------------------------------------------------------------- where they lie


ELSEWHERE = torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu", 0)
"""Another device, or, where there is none, another name of the same one."""


def places(network: nn.Module) -> dict[str, int]:
    return {name: tensor.data_ptr() for name, tensor in network.state_dict().items()}


def test_a_network_goes_to_work_and_comes_home():
    network = nn.BatchNorm1d(2)
    before = places(network)
    with at_work(network, ELSEWHERE):
        assert network.weight.device.type == ELSEWHERE.type
    assert network.weight.device == CPU
    assert places(network) == before


def test_a_network_comes_home_when_its_work_fails():
    network = nn.BatchNorm1d(2)
    before = places(network)
    with pytest.raises(RuntimeError), at_work(network, ELSEWHERE):
        raise RuntimeError
    assert places(network) == before


def test_a_network_that_works_where_it_lies_stays():
    network = nn.Linear(2, 2)
    before = network.weight.data_ptr()
    with at_work(network, CPU):
        assert network.weight.data_ptr() == before
