"""Weights are judged by every file and every tensor; what is wrong is named."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="checking weights needs the lyra2 extra")

import torch
from safetensors.torch import load_file, save_file

from lyra_zoom.engines.lyra2.installed import WeightsFolder
from lyra_zoom.engines.lyra2.sizes import Sizes
from lyra_zoom.errors import WeightsUnusable
from lyra_zoom.pipeline.progress import ProgressReport
from lyra_zoom.weights.check import check
from lyra_zoom.weights.convert import convert
from lyra_zoom.weights.networks import NETWORKS
from lyra_zoom.weights.plan import compare
from lyra_zoom.weights.sources import Described
from lyra_zoom.weights.tasks import Order
from lyra_zoom.weights.whole_files import stored
from tests.published import image_shapes, text_shapes, transformer_shapes, write_published

PUBLIC = Sizes()
PUBLISHED = {
    "transformer": transformer_shapes(PUBLIC.transformer),
    "text_encoder": text_shapes(PUBLIC.text),
    "image_encoder": image_shapes(PUBLIC.image),
}


@pytest.fixture(scope="module")
def weights_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("whole")
    published = write_published(place / "published")
    folder = WeightsFolder(place / "weights")
    convert(
        Order(published=published, tokenizer=published / "tokenizer"), folder, ProgressReport()
    )
    return folder.path


@pytest.fixture
def folder(weights_once: Path, tmp_path: Path) -> WeightsFolder:
    """Whole weights, which each test may spoil."""
    return WeightsFolder(Path(shutil.copytree(weights_once, tmp_path / "weights")))


def problems(folder: WeightsFolder) -> str:
    """Everything that is wrong."""
    return "\n".join(check(folder, ProgressReport()).problems)


def rewritten(folder: WeightsFolder, file: Path, tensors: dict[str, torch.Tensor]) -> None:
    """Put other tensors in a file, and its new hash in the list: only the tensors are wrong."""
    save_file(tensors, file)
    manifest = folder.manifest()
    assert manifest is not None
    name = str(file.relative_to(folder.path))
    text = folder.manifest_file.read_text()
    old, new = manifest.files[name], stored(file)
    text = text.replace(old.sha256, new.sha256).replace(
        f'"bytes": {old.bytes},', f'"bytes": {new.bytes},'
    )
    folder.manifest_file.write_text(text)


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


def test_a_folder_without_its_list_holds_no_weights(folder):
    folder.manifest_file.unlink()
    with pytest.raises(WeightsUnusable, match="holds no whole weights"):
        check(folder, ProgressReport())


class TestPublicSizes:
    """At 17 billion parameters, without memory for one of them."""

    @pytest.mark.parametrize("name", PUBLISHED)
    def test_every_published_tensor_has_its_place(self, name):
        network = next(network for network in NETWORKS if network.part.name == name)
        found = {}
        for published, shape in PUBLISHED[name].items():
            if not published.startswith(("textual.", "log_scale", "visual.head")):
                empty = torch.empty(shape, device="meta")
                for ours, tensor in network.rename({published: empty}).items():
                    found[ours] = Described(tuple(tensor.shape), tensor.dtype)
        assert network.expected is not None
        compare(found, network.expected(PUBLIC), network.part.words)

    def test_the_transformer_has_17_billion_parameters(self):
        count = sum(math.prod(shape) for shape in PUBLISHED["transformer"].values())
        assert count == pytest.approx(17.03e9, rel=1e-3)
