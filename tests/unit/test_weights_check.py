"""Weights are judged by every file and every tensor; what is wrong is named."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="checking weights needs the lyra2 extra")

import torch
from safetensors.torch import load_file

from lyra_zoom.engines.lyra2.filling import compare, shapes_of
from lyra_zoom.engines.lyra2.installed import WeightsFolder
from lyra_zoom.engines.lyra2.sizes import Sizes
from lyra_zoom.errors import WeightsUnusable
from lyra_zoom.pipeline.progress import ProgressReport
from lyra_zoom.weights.check import check
from lyra_zoom.weights.convert import convert
from lyra_zoom.weights.networks import NETWORKS
from lyra_zoom.weights.parts import IMAGE_ENCODER, TEXT_ENCODER, TRANSFORMER
from lyra_zoom.weights.tasks import Order
from tests.lyra2_depths import write_small_depth_anything
from tests.published import (
    image_shapes,
    rewritten,
    text_shapes,
    transformer_shapes,
    write_published,
)

PUBLIC = Sizes()
PUBLISHED = {
    "transformer": transformer_shapes(PUBLIC.transformer),
    "text_encoder": text_shapes(PUBLIC.text),
    "image_encoder": image_shapes(PUBLIC.image),
}
PARTS = {
    "transformer": TRANSFORMER,
    "text_encoder": TEXT_ENCODER,
    "image_encoder": IMAGE_ENCODER,
}


@pytest.fixture(scope="module")
def weights_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("whole")
    published = write_published(place / "published")
    folder = WeightsFolder(place / "weights")
    order = Order(
        published=published,
        tokenizer=published / "tokenizer",
        revision="c0ffee",
        others={"google/umt5-xxl": "beef"},
    )
    convert(order, folder, ProgressReport())
    return folder.path


@pytest.fixture
def folder(weights_once: Path, tmp_path: Path) -> WeightsFolder:
    """Whole weights, which each test may spoil."""
    return WeightsFolder(Path(shutil.copytree(weights_once, tmp_path / "weights")))


def problems(folder: WeightsFolder) -> str:
    """Everything that is wrong."""
    return "\n".join(check(folder, ProgressReport()).problems)


def test_whole_weights_have_no_problems(folder):
    assert problems(folder) == ""


def test_a_single_changed_byte_is_noticed(folder):
    content = bytearray(folder.vae.read_bytes())
    content[-1] ^= 1
    folder.vae.write_bytes(content)
    assert problems(folder) == (
        "vae/model.safetensors has changed since it was written: another SHA-256"
    )


def test_a_missing_file_is_named(folder):
    folder.lora("dmd_distillation").unlink()
    assert problems(folder) == "lora/dmd_distillation.safetensors is missing"


def test_a_file_that_nobody_listed_is_named(folder):
    shutil.copy(folder.vae, folder.transformer / "more.safetensors")
    assert problems(folder).startswith("transformer/more.safetensors is not in the list")


def test_a_missing_tensor_is_named(folder):
    file = folder.transformer / "model.safetensors"
    tensors = load_file(file)
    del tensors["blocks.0.self_attention.to_q.bias"]
    rewritten(folder, file, tensors)
    assert problems(folder) == (
        "the transformer does not fit: blocks.0.self_attention.to_q.bias: missing"
    )


def test_a_tensor_of_another_shape_is_named(folder):
    tensors = load_file(folder.image_encoder)
    tensors["pre_layrnorm.bias"] = tensors["pre_layrnorm.bias"][:-1].clone()
    rewritten(folder, folder.image_encoder, tensors)
    assert problems(folder) == (
        "the image encoder does not fit: pre_layrnorm.bias is 19 instead of 20: "
        "of another shape"
    )


def test_a_tokenizer_of_another_model_is_named(folder):
    file = folder.tokenizer / "tokenizer.json"
    text = file.read_text().replace("</s>", "<eos>")
    rewritten(folder, file, text)
    assert problems(folder) == "the tokenizer is not UMT5's: </s> is not 1"


def test_a_depth_model_that_is_not_there_is_named(folder):
    """As conversions of older versions left it."""
    text = folder.manifest_file.read_text().replace('"embedded"', '"dav2-small"')
    folder.manifest_file.write_text(text)
    assert problems(folder).startswith(
        "the depth model dav2-small needs config.json and model.safetensors"
    )


def test_without_a_metric_depth_model_it_is_said(folder):
    said = "metric depth model: none, so that depth keeps the unit of the depth model"
    assert said in check(folder, ProgressReport()).notes


def test_a_metric_depth_model_is_tried(folder):
    write_small_depth_anything(folder.metric_depth, depth_estimation_type="metric")
    verdict = check(folder, ProgressReport())
    assert verdict.problems == ()
    assert "metric depth model: what was put into depth/metric, which is in no list" in (
        verdict.notes
    )


def test_a_relative_model_in_the_place_of_a_metric_one_is_named(folder):
    write_small_depth_anything(folder.metric_depth)
    assert problems(folder) == "the depth model tells relative depth where metric is needed"


def test_where_the_weights_are_from_is_told(weights_once):
    notes = check(WeightsFolder(weights_once), ProgressReport()).notes
    assert "from a folder at c0ffee" in notes
    assert "from google/umt5-xxl at beef" in notes
    assert "3 published tensors that nothing needs are left out: " in "\n".join(notes)


def test_half_a_folder_says_what_to_do(folder):
    folder.manifest_file.unlink()
    with pytest.raises(WeightsUnusable, match="the lyra-zoom weights command that began them"):
        check(folder, ProgressReport())


def test_a_list_that_is_damaged_says_what_to_do(folder):
    folder.manifest_file.write_text("{")
    with pytest.raises(WeightsUnusable, match="convert the weights again"):
        check(folder, ProgressReport())


def test_a_folder_that_is_not_there_says_what_to_do(tmp_path):
    with pytest.raises(WeightsUnusable, match="lyra-zoom weights pull lyra2 fetches them"):
        check(WeightsFolder(tmp_path / "nowhere"), ProgressReport())


class TestPublicSizes:
    """At 17 billion parameters, without memory for one of them."""

    @pytest.mark.parametrize("name", PUBLISHED)
    def test_every_published_tensor_has_its_place(self, name):
        network = next(network for network in NETWORKS if network.part == PARTS[name])
        found: dict[str, tuple[int, ...]] = {}
        for published, shape in PUBLISHED[name].items():
            if not published.startswith(("textual.", "log_scale", "visual.head")):
                empty = torch.empty(shape, device="meta")
                found |= shapes_of(network.rename({published: empty}))
        assert network.expected is not None
        compare(found, network.expected(PUBLIC), network.part.words)

    def test_the_transformer_has_17_billion_parameters(self):
        count = sum(math.prod(shape) for shape in PUBLISHED["transformer"].values())
        assert count == pytest.approx(17.03e9, rel=1e-3)
