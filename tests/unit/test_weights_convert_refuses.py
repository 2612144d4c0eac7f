"""Published files that cannot be converted: each is refused in one sentence that names it."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="converting weights needs the lyra2 extra")

import torch
from safetensors.torch import save_file

from lyra_zoom.bench.lyra2_networks import TINY
from lyra_zoom.engines.lyra2.installed import WeightsFolder
from lyra_zoom.errors import OutputRejected, WeightsUnusable
from lyra_zoom.pipeline.progress import ProgressReport
from lyra_zoom.weights.convert import convert
from lyra_zoom.weights.tasks import Order
from lyra_zoom.weights.whole_files import need_room
from tests.published import (
    numbers,
    transformer_shapes,
    write_published,
    write_shards,
)

SHARDS = "checkpoints/model/model"


@pytest.fixture
def order(tmp_path: Path) -> Order:
    published = write_published(tmp_path / "published")
    return Order(published=published, tokenizer=published / "tokenizer")


@pytest.fixture
def folder(tmp_path: Path) -> WeightsFolder:
    return WeightsFolder(tmp_path / "weights")


def silent() -> ProgressReport:
    return ProgressReport()


class TestWhatDoesNotFit:
    def test_a_missing_tensor_is_named(self, order, folder):
        tensors = numbers(transformer_shapes(TINY.transformer))
        del tensors["net.blocks.1.cam_encoder.weight"]
        _replace_shards(order, tensors)
        with pytest.raises(WeightsUnusable, match=r"blocks\.1\.bias\.camera\.weight: missing"):
            convert(order, folder, silent())

    def test_a_tensor_of_another_shape_is_named(self, order, folder):
        tensors = numbers(transformer_shapes(TINY.transformer))
        tensors["net.head.modulation"] = torch.zeros(1, 3, TINY.transformer.dim)
        _replace_shards(order, tensors)
        with pytest.raises(
            WeightsUnusable, match=r"head\.modulation is 1x3x24 instead of 1x2x24"
        ):
            convert(order, folder, silent())

    def test_a_tensor_nobody_knows_is_named(self, order, folder):
        tensors = numbers(transformer_shapes(TINY.transformer))
        tensors["net.pos_embedder.seq"] = torch.zeros(3)
        _replace_shards(order, tensors)
        with pytest.raises(WeightsUnusable, match=r"net\.pos_embedder\.seq: of no network"):
            convert(order, folder, silent())

    def test_a_tensor_nobody_knows_may_be_left_out_on_request(self, order, folder):
        tensors = numbers(transformer_shapes(TINY.transformer))
        tensors["net.pos_embedder.seq"] = torch.zeros(3)
        _replace_shards(order, tensors)
        allowed = replace(order, leave_out=("net.pos_embedder.*",))
        assert "net.pos_embedder.seq" in convert(allowed, folder, silent()).left_out

    def test_a_missing_file_is_named_before_any_work(self, order, folder):
        (order.checkpoints / "lora/dmd_distillation.safetensors").unlink()
        with pytest.raises(WeightsUnusable, match="dmd_distillation"):
            convert(order, folder, silent())
        assert not folder.path.exists()

    def test_a_missing_shard_is_named(self, order, folder):
        for shard in (order.published / SHARDS).glob("*.distcp"):
            shard.unlink()
        with pytest.raises(WeightsUnusable, match="cannot be read"):
            convert(order, folder, silent())

    def test_a_shard_cut_short_is_noticed(self, order, folder):
        for shard in (order.published / SHARDS).glob("*.distcp"):
            shard.write_bytes(shard.read_bytes()[:5000])
        with pytest.raises(WeightsUnusable, match="cannot be read"):
            convert(order, folder, silent())

    @pytest.mark.parametrize(
        "content",
        [b"", b"junk\n", b"<html>404</html>", b"version https://git-lfs.github.com/spec/v1\n",
         b"PK\x03\x04 cut short"],
    )  # fmt: skip
    def test_a_checkpoint_that_is_no_file_of_tensors_is_named(self, order, folder, content):
        (order.checkpoints / "vae/vae.pth").write_bytes(content)
        with pytest.raises(WeightsUnusable, match=r"vae\.pth (cannot be read|holds more)"):
            convert(order, folder, silent())

    def test_a_lora_that_is_no_safetensors_file_is_named(self, order, folder):
        (order.checkpoints / "lora/realism_boost.safetensors").write_bytes(b"<html>404</html>")
        with pytest.raises(WeightsUnusable, match="realism_boost"):
            convert(order, folder, silent())

    def test_a_lora_of_another_network_is_named(self, order, folder):
        file = order.checkpoints / "lora/realism_boost.safetensors"
        save_file({"unet.mid.lora_A.weight": torch.zeros(2, 2)}, file)
        with pytest.raises(WeightsUnusable, match="realism_boost"):
            convert(order, folder, silent())

    def test_too_small_a_disk_is_told_before_any_work(self, tmp_path):
        with pytest.raises(OutputRejected, match=r"needs 1000001\.1 GB in .* are free"):
            need_room(tmp_path / "weights", 10**15, "the conversion")


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return open, (str(self.file), "w")


class TestPicklesThatRunCode:
    def test_a_checkpoint_that_would_is_not_opened(self, order, folder, tmp_path):
        torch.save({"x": Trap(tmp_path / "ran")}, order.checkpoints / "vae/vae.pth")
        with pytest.raises(WeightsUnusable, match=r"vae\.pth holds more than tensors"):
            convert(order, folder, silent())
        assert not (tmp_path / "ran").exists()

    def test_the_description_of_shards_that_would_is_not_opened(self, order, folder, tmp_path):
        (order.published / SHARDS / ".metadata").write_bytes(
            pickle.dumps(Trap(tmp_path / "ran"))
        )
        with pytest.raises(WeightsUnusable, match=r"it asks for .*open"):
            convert(order, folder, silent())
        assert not (tmp_path / "ran").exists()


def _replace_shards(order: Order, tensors: dict[str, torch.Tensor]) -> None:
    shutil.rmtree(order.published / SHARDS)
    write_shards(order.published / SHARDS, tensors)
