"""Metres come from a model that the operator puts beside the others, if there is one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the lyra2 engine needs PyTorch")

import torch

from lyra_zoom.engines.lyra2.depth import DepthEstimator, FirstDepth, MetricallyScaled
from lyra_zoom.engines.lyra2.depth_dav2 import DepthAnythingV2, load_depth_anything_v2
from lyra_zoom.engines.lyra2.depth_loading import load_depth
from lyra_zoom.engines.lyra2.depth_metric import load_metric_depth
from lyra_zoom.engines.lyra2.installed import Manifest, WeightsFolder
from lyra_zoom.errors import EngineNotReady, WeightsUnusable
from lyra_zoom.geometry.image import Plane, RgbImage
from tests.fakes import Notes
from tests.lyra2_depths import (
    write_moge_file,
    write_moge_package,
    write_small_depth_anything,
)

CPU = torch.device("cpu")
PICTURE = torch.rand((3, 42, 56), generator=torch.Generator().manual_seed(1)) * 2 - 1


def nearer_below(picture: RgbImage) -> Plane:
    """A depth network that takes every picture for a floor."""
    rows = np.linspace(0.2, 1, len(picture), dtype=np.float32)[:, None]
    return np.repeat(rows, picture.shape[1], axis=1)


@pytest.fixture
def weights(tmp_path: Path) -> WeightsFolder:
    """A folder of weights without a depth model of its own."""
    folder = WeightsFolder(tmp_path)
    manifest = Manifest(source="-", made_by="-", made_at="-", depth="embedded", files={})
    folder.write_manifest(manifest)
    return folder


@pytest.fixture
def moge_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    write_moge_package(tmp_path / "packages")
    monkeypatch.syspath_prepend(tmp_path / "packages")
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "moge"]:
        del sys.modules[name]


def loaded(weights: WeightsFolder, notes: Notes) -> DepthEstimator:
    return load_depth(weights, (CPU, CPU), nearer_below, notes.say)


def metres_of(folder: Path, picture: torch.Tensor) -> FirstDepth:
    metric = load_metric_depth(folder, CPU)
    assert metric is not None
    return metric(picture)


def test_without_a_metric_model_the_log_says_what_lengths_mean(weights):
    notes = Notes()
    assert not isinstance(loaded(weights, notes), MetricallyScaled)
    (said,) = notes.messages
    assert said.startswith(
        "no metric depth model is installed: the subject of every photograph"
    )


def test_depth_anything_v2_in_metres_is_used_where_it_lies(weights):
    write_small_depth_anything(
        weights.metric_depth, depth_estimation_type="metric", max_depth=20
    )
    notes = Notes()
    model = loaded(weights, notes)
    assert notes.messages == []
    network = load_depth_anything_v2(weights.metric_depth, kind="metric")
    metres = DepthAnythingV2(network, CPU)(PICTURE)
    assert 0 < float(metres.min()) < float(metres.max()) < 20
    first = model.first(PICTURE)
    disparity = 1 / first.depth
    scale = float((disparity / metres).sum() / (disparity**2).sum())
    assert scale == pytest.approx(1.0, rel=1e-3), "least squares of disparity leave nothing"


def test_the_farthest_depth_a_network_knows_is_not_believed(tmp_path):
    write_small_depth_anything(tmp_path, depth_estimation_type="metric", max_depth=20)
    network = load_depth_anything_v2(tmp_path, kind="metric")
    assert network.head.conv3.bias is not None
    network.head.conv3.bias.fill_(50.0)
    network.save_pretrained(tmp_path)
    assert not bool(metres_of(tmp_path, PICTURE).valid.any())


def test_a_relative_network_cannot_tell_metres(tmp_path):
    write_small_depth_anything(tmp_path)
    with pytest.raises(WeightsUnusable, match="relative depth where metric is needed"):
        load_metric_depth(tmp_path, CPU)


@pytest.mark.usefixtures("moge_installed")
@pytest.mark.parametrize(("sizes", "factor"), [({}, 1.0), ({"neck": {}}, 10.0)])
def test_moge_is_used_in_the_version_that_its_file_names(tmp_path, sizes, factor):
    write_moge_file(tmp_path / "metric", scale=2.0, **sizes)
    told = metres_of(tmp_path / "metric", PICTURE)
    colours = PICTURE * 0.5 + 0.5
    expected = 2.0 * factor * (1 + colours.mean(dim=0))
    torch.testing.assert_close(told.depth[told.valid], expected[told.valid])
    assert torch.equal(told.valid, colours[0] < 0.9)


@pytest.mark.usefixtures("moge_installed")
def test_a_photograph_is_measured_by_moge(weights):
    write_moge_file(weights.metric_depth, scale=3.0)
    first = loaded(weights, Notes()).first(PICTURE)
    assert 2 < float(first.depth.median()) < 7


@pytest.mark.skipif(find_spec("moge") is not None, reason="the package is there")
def test_without_its_package_moge_is_named(tmp_path):
    write_moge_file(tmp_path / "metric", scale=3.0)
    with pytest.raises(EngineNotReady, match="MoGe cannot be used"):
        load_metric_depth(tmp_path / "metric", CPU)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint"])
def test_a_damaged_file_of_moge_is_named(tmp_path, content):
    (tmp_path / "model.pt").write_bytes(content)
    with pytest.raises(WeightsUnusable, match=r"depth/metric/model\.pt is not a file of MoGe"):
        load_metric_depth(tmp_path, CPU)


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(WeightsUnusable, match=r"neither config\.json nor model\.pt"):
        load_metric_depth(tmp_path, CPU)
