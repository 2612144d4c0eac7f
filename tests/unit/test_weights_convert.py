"""What becomes of published checkpoints: the same numbers under our names, or nothing."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="converting weights needs the lyra2 extra")

import torch
from safetensors.torch import load_file, save_file

from lyra_zoom.engines.lyra2.installed import WeightsFolder
from lyra_zoom.engines.lyra2.latents import build_vae
from lyra_zoom.engines.lyra2.prompt import build_text_encoder
from lyra_zoom.engines.lyra2.sizes import SIZES_FILE
from lyra_zoom.engines.lyra2.stored import StoredTensors
from lyra_zoom.engines.lyra2.transformer import Lyra2Transformer
from lyra_zoom.engines.lyra2.vision import build_image_encoder
from lyra_zoom.errors import Cancelled, OutputRejected, WeightsUnusable
from lyra_zoom.pipeline.progress import ProgressReport, ProgressUpdate
from lyra_zoom.weights.convert import convert
from lyra_zoom.weights.tasks import Order
from lyra_zoom.weights.whole_files import need_room, stored
from tests.published import TINY, numbers, transformer_shapes, write_published, write_shards

SHARDS = "checkpoints/model/model"


@pytest.fixture(scope="module")
def published_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_published(tmp_path_factory.mktemp("published"))


@pytest.fixture(scope="module")
def converted(published_once: Path, tmp_path_factory: pytest.TempPathFactory) -> WeightsFolder:
    """The weights that the folder becomes; only looked at."""
    folder = WeightsFolder(tmp_path_factory.mktemp("weights"))
    tokenizer = published_once / "tokenizer"
    convert(Order(published=published_once, tokenizer=tokenizer), folder, silent())
    return folder


@pytest.fixture
def published(published_once: Path, tmp_path: Path) -> Path:
    """A folder as it is downloaded; each test may spoil its own."""
    return Path(shutil.copytree(published_once, tmp_path / "published"))


@pytest.fixture
def order(published: Path) -> Order:
    return Order(published=published, tokenizer=published / "tokenizer")


@pytest.fixture
def folder(tmp_path: Path) -> WeightsFolder:
    return WeightsFolder(tmp_path / "weights")


def silent() -> ProgressReport:
    return ProgressReport()


def cancelled_when(reached: Callable[[ProgressUpdate], bool]) -> ProgressReport:
    """A report that somebody cancels at some point."""

    def look(update: ProgressUpdate) -> None:
        if reached(update):
            report.cancel()

    report = ProgressReport(look)
    return report


def halfway_through_the_transformer(update: ProgressUpdate) -> bool:
    return update.stage == "converting the transformer"


class TestNumbers:
    def test_the_transformer_loads_with_nothing_missing(self, converted):
        state = load_file(converted.transformer / "model.safetensors")
        Lyra2Transformer(TINY.transformer).load_state_dict(state, strict=True)

    def test_the_transformer_is_the_published_one_in_sixteen_bits(self, converted):
        state = load_file(converted.transformer / "model.safetensors")
        published = numbers(transformer_shapes(TINY.transformer))["net.blocks.1.ffn.0.weight"]
        assert state["blocks.1.feed_forward.up.weight"].dtype is torch.bfloat16
        torch.testing.assert_close(
            state["blocks.1.feed_forward.up.weight"], published.bfloat16(), rtol=0, atol=0
        )

    def test_the_autoencoder_loads_with_nothing_missing(self, converted):
        build_vae(load_file(converted.vae), base_dim=TINY.vae_base_dim)

    def test_the_text_encoder_loads_with_nothing_missing(self, converted):
        build_text_encoder(load_file(converted.text_encoder / "model.safetensors"), TINY.text)

    def test_the_image_encoder_loads_with_nothing_missing(self, converted):
        build_image_encoder(load_file(converted.image_encoder), TINY.image)

    def test_the_negative_prompt_is_the_published_tensor(self, converted, published_once):
        file = published_once / "checkpoints/text_encoder/negative_prompt.pt"
        torch.testing.assert_close(
            load_file(converted.negative_prompt)["prompt_embeds"],
            torch.load(file, weights_only=True)["t5_text_embeddings"],
        )

    def test_loras_stay_the_files_they_were(self, converted, published_once):
        for name in ("realism_boost", "detail_enhancer", "dmd_distillation"):
            published = published_once / f"checkpoints/lora/{name}.safetensors"
            assert converted.lora(name).read_bytes() == published.read_bytes()

    def test_files_of_several_sizes_share_out_one_network(self, order, folder):
        convert(replace(order, file_bytes=200_000), folder, silent())
        files = sorted(folder.transformer.iterdir())
        assert len(files) > 3
        state = {name: tensor for file in files for name, tensor in load_file(file).items()}
        Lyra2Transformer(TINY.transformer).load_state_dict(state, strict=True)

    def test_the_folder_of_the_checkpoints_itself_will_do(self, order, folder):
        shutil.copy(order.published / SIZES_FILE, order.checkpoints)
        convert(replace(order, published=order.checkpoints), folder, silent())
        assert folder.manifest() is not None


def test_a_depth_model_trained_further_takes_the_place_of_the_published_one(
    order, folder, tmp_path
):
    base, recon = tmp_path / "base", order.checkpoints / "recon/model.pt"
    base.mkdir()
    recon.parent.mkdir()
    published = {"model.head.weight": torch.zeros(2), "model.head.bias": torch.zeros(1)}
    save_file(published, base / "model.safetensors")
    torch.save({"model": {"model.head.weight": torch.ones(2)}, "step": 3}, recon)
    convert(replace(order, depth="da3", depth_model=base), folder, silent())
    loaded = StoredTensors(folder.depth)
    assert loaded["model.head.weight"].tolist() == [1.0, 1.0]
    assert loaded["model.head.bias"].tolist() == [0.0]


class TestList:
    def test_every_file_is_listed_with_its_hash(self, order, folder):
        manifest = convert(order, folder, silent())
        assert folder.manifest() == manifest
        on_disk = {
            str(file.relative_to(folder.path)): stored(file)
            for file in folder.path.rglob("*")
            if file.is_file() and file != folder.manifest_file
        }
        assert dict(manifest.files) == on_disk

    def test_what_was_left_out_is_listed(self, order, folder):
        assert "textual.token_embedding.weight" in convert(order, folder, silent()).left_out

    def test_files_of_an_earlier_conversion_are_gone(self, order, folder):
        convert(replace(order, file_bytes=200_000), folder, silent())
        convert(order, folder, silent())
        assert [file.name for file in folder.transformer.iterdir()] == ["model.safetensors"]


class TestInterrupted:
    def test_nothing_passes_for_whole(self, order, folder):
        with pytest.raises(Cancelled):
            convert(order, folder, cancelled_when(halfway_through_the_transformer))
        assert folder.manifest() is None
        assert folder.vae.is_file()
        assert not list(folder.transformer.glob("*"))

    def test_the_next_conversion_goes_on_there(self, order, folder):
        with pytest.raises(Cancelled):
            convert(order, folder, cancelled_when(halfway_through_the_transformer))
        before = folder.vae.stat().st_ino
        convert(order, folder, silent())
        assert folder.vae.stat().st_ino == before
        assert folder.manifest() is not None

    def test_a_checkpoint_that_changed_meanwhile_is_converted_anew(self, order, folder):
        with pytest.raises(Cancelled):
            convert(order, folder, cancelled_when(halfway_through_the_transformer))
        before = folder.vae.stat().st_ino
        file = order.checkpoints / "vae/vae.pth"
        torch.save(torch.load(file, weights_only=True), file)
        convert(order, folder, silent())
        assert folder.vae.stat().st_ino != before

    def test_weights_are_not_whole_while_others_are_made_from_them(self, order, folder):
        convert(order, folder, silent())
        with pytest.raises(Cancelled):
            convert(
                replace(order, file_bytes=200_000),
                folder,
                cancelled_when(halfway_through_the_transformer),
            )
        assert folder.manifest() is None


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
