"""What becomes of published checkpoints: the same numbers under our names, or nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

pytest.importorskip("torch", reason="converting weights needs the lyra2 extra")

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer

from lyra_zoom.bench.lyra2_networks import TINY
from lyra_zoom.engines.lyra2.installed import WeightsFolder
from lyra_zoom.engines.lyra2.latents import build_vae
from lyra_zoom.engines.lyra2.prompt import build_text_encoder
from lyra_zoom.engines.lyra2.sizes import SIZES_FILE
from lyra_zoom.engines.lyra2.stored import StoredTensors
from lyra_zoom.engines.lyra2.transformer import Lyra2Transformer
from lyra_zoom.engines.lyra2.vision import build_image_encoder
from lyra_zoom.errors import Cancelled, WeightsUnusable
from lyra_zoom.pipeline.progress import ProgressReport, ProgressUpdate
from lyra_zoom.weights.check import check
from lyra_zoom.weights.convert import convert
from lyra_zoom.weights.tasks import Order
from lyra_zoom.weights.whole_files import stored
from tests.published import (
    NEGATIVE,
    numbers,
    rewritten,
    transformer_shapes,
    write_anything_v2,
    write_published,
    write_tensors,
)

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


class TestDepthModel:
    """Depth Anything 3 as published, as Lyra trained it further, and the others."""

    PUBLISHED: ClassVar = {
        "model.head.weight": torch.zeros(2),
        "model.head.bias": torch.zeros(1),
    }

    @pytest.fixture
    def da3(self, order, tmp_path) -> Order:
        write_tensors(tmp_path / "base/model.safetensors", self.PUBLISHED)
        return replace(order, depth="da3", depth_model=tmp_path / "base")

    def trained(self, order: Order, tensors: dict[str, torch.Tensor]) -> None:
        recon = order.checkpoints / "recon/model.pt"
        recon.parent.mkdir()
        torch.save({"model": tensors, "step": 3}, recon)

    def test_what_was_trained_further_takes_the_place_of_the_published(self, da3, folder):
        self.trained(da3, {"model.head.weight": torch.ones(2)})
        convert(da3, folder, silent())
        loaded = StoredTensors(folder.depth)
        assert loaded["model.head.weight"].tolist() == [1.0, 1.0]
        assert loaded["model.head.bias"].tolist() == [0.0]
        assert check(folder, silent()).problems == ()

    def test_a_tensor_of_another_name_stops_the_conversion(self, da3, folder):
        self.trained(da3, {"model.head.weight": torch.ones(2), "model.tail": torch.ones(2)})
        with pytest.raises(WeightsUnusable, match=r"model\.tail: not part of this network"):
            convert(da3, folder, silent())

    def test_a_tensor_of_another_shape_stops_the_conversion(self, da3, folder):
        self.trained(da3, {"model.head.weight": torch.ones(3)})
        with pytest.raises(WeightsUnusable, match=r"model\.head\.weight is 3 instead of 2"):
            convert(da3, folder, silent())

    def test_what_makes_splats_is_left_out(self, da3, folder):
        splats = {"model.da3.gs_head.weight": torch.ones(3)}
        self.trained(da3, {"model.head.weight": torch.ones(2), **splats})
        assert {*splats} <= {*convert(da3, folder, silent()).left_out}
        assert not {*splats} & {*StoredTensors(folder.depth)}

    def test_another_published_model_is_noticed_by_the_check(self, da3, folder):
        self.trained(da3, {"model.head.weight": torch.ones(2)})
        write_tensors(da3.depth_model / "model.safetensors", self.PUBLISHED)
        convert(da3, folder, silent())
        rewritten(folder, folder.depth / "model.safetensors", {"model.other": torch.ones(2)})
        (problem,) = check(folder, silent()).problems
        assert problem.endswith("model.head.weight: not part of this network")

    @pytest.mark.parametrize("choice", ["da3", "dav2-small"])
    def test_without_its_files_it_is_refused_before_any_work(self, order, folder, choice):
        self.trained(order, {"model.head.weight": torch.ones(2)})
        with pytest.raises(WeightsUnusable, match=r"--depth-model DIR says where it is"):
            convert(replace(order, depth=choice), folder, silent())
        assert not folder.path.exists()

    def test_depth_anything_v2_is_taken_as_it_is(self, order, folder, tmp_path):
        write_anything_v2(tmp_path / "small")
        convert(
            replace(order, depth="dav2-small", depth_model=tmp_path / "small"), folder, silent()
        )
        assert sorted(file.name for file in folder.depth.iterdir()) == [
            "config.json",
            "model.safetensors",
        ]
        assert check(folder, silent()).problems == ()

    def test_depth_anything_v2_with_a_hole_is_refused(self, order, folder, tmp_path):
        write_anything_v2(tmp_path / "small")
        file = tmp_path / "small/model.safetensors"
        tensors = load_file(file)
        del tensors["head.conv1.weight"]
        write_tensors(file, tensors)
        with pytest.raises(WeightsUnusable, match=r"head\.conv1\.weight: missing"):
            convert(
                replace(order, depth="dav2-small", depth_model=tmp_path / "small"),
                folder,
                silent(),
            )

    def test_files_beside_those_of_a_chosen_model_are_not_taken(self, order, folder, tmp_path):
        write_anything_v2(tmp_path / "small")
        (tmp_path / "small/zzz.safetensors").write_bytes(b"1234")
        convert(
            replace(order, depth="dav2-small", depth_model=tmp_path / "small"), folder, silent()
        )
        assert not (folder.depth / "zzz.safetensors").exists()


class TestLoras:
    """What of a LoRA changes nothing is told; the one for four steps must be used whole."""

    def added(self, order: Order, name: str, more: dict[str, torch.Tensor]) -> None:
        file = order.checkpoints / f"lora/{name}.safetensors"
        write_tensors(file, {**load_file(file), **more})

    def test_how_many_layers_each_changes_is_told(self, order, folder):
        said = told(order, folder)
        assert "LoRA dmd_distillation: changes 2 layers" in said
        assert "LoRA realism_boost: changes 2 layers" in said

    def test_what_fits_no_layer_is_named(self, order, folder):
        self.added(order, "realism_boost", {"clip.layer.weight": torch.ones(2)})
        line = "LoRA realism_boost: 1 tensors that fit no layer, not used: clip.layer.weight"
        assert line in told(order, folder)
        assert line in check(folder, silent()).notes
        assert "realism_boost: clip.layer.weight" in folder.manifest().left_out

    def test_a_layer_that_this_network_lacks_is_named_as_in_the_file(self, order, folder):
        name = "net.blocks.7.self_attn.q"
        more = {f"{name}.lora_A.weight": torch.ones(2, 24),
                f"{name}.lora_B.weight": torch.ones(24, 2)}  # fmt: skip
        self.added(order, "detail_enhancer", more)
        (line,) = (line for line in told(order, folder) if "fit no layer" in line)
        assert line.endswith(f"{name}.lora_A.weight, {name}.lora_B.weight")

    def test_differences_are_counted_and_weighed(self, order, folder):
        large = torch.linspace(0, 1, 24)
        self.added(order, "realism_boost", {
            "diffusion_model.blocks.0.norm3.diff": large,
            "diffusion_model.blocks.0.norm3.diff_b": large / 1000,
            "diffusion_model.blocks.0.self_attn.q.diff_b": large.clone(),
        })  # fmt: skip
        said = told(order, folder)
        assert "LoRA realism_boost: changes 2 layers, 1 biases of 0.0 MiB" in said
        assert "LoRA realism_boost: 1 differences too small to count" in said
        assert (
            "LoRA realism_boost: 1 differences of 0.0 MiB, not applied: "
            "diffusion_model.blocks.0.norm3.diff"
        ) in said

    @pytest.mark.parametrize("name", ["net.other.lora_A.weight", "net.blocks.0.norm3.diff"])
    def test_the_one_for_four_steps_must_be_used_whole(self, order, folder, name):
        self.added(order, "dmd_distillation", {name: torch.linspace(0, 1, 24)})
        with pytest.raises(WeightsUnusable, match=rf"{name}: of no layer that we know"):
            convert(order, folder, silent())
        assert not folder.path.exists()

    def test_somebody_may_say_that_the_rest_is_not_needed(self, order, folder):
        self.added(order, "dmd_distillation", {"net.other[0]": torch.ones(2)})
        convert(replace(order, leave_out=("net.other*",)), folder, silent())
        assert check(folder, silent()).problems == ()


class TestTokenizer:
    def test_a_missing_one_says_what_to_do(self, order, folder):
        (order.tokenizer / "tokenizer.json").unlink()
        with pytest.raises(WeightsUnusable, match=r"hf download google/umt5-xxl .*--tokenizer"):
            convert(order, folder, silent())

    def test_that_of_another_model_is_refused(self, order, folder):
        tokenizer = Tokenizer.from_file(str(order.tokenizer / "tokenizer.json"))
        tokenizer.add_tokens(["many", "more"])
        tokenizer.save(str(order.tokenizer / "tokenizer.json"))
        with pytest.raises(WeightsUnusable, match=r"not UMT5's: it knows 10 tokens"):
            convert(order, folder, silent())

    def test_one_that_ends_texts_otherwise_is_refused(self, order, folder):
        file = order.tokenizer / "tokenizer.json"
        file.write_text(file.read_text().replace("</s>", "<eos>"))
        with pytest.raises(WeightsUnusable, match=r"not UMT5's: </s> is not 1"):
            convert(order, folder, silent())

    def test_rubbish_is_refused(self, order, folder):
        (order.tokenizer / "tokenizer.json").write_text("{}")
        with pytest.raises(WeightsUnusable, match=r"tokenizer\.json cannot be read"):
            convert(order, folder, silent())


def test_a_mask_beside_the_negative_prompt_is_left_out(order, folder):
    file = order.checkpoints / NEGATIVE
    torch.save({**torch.load(file), "t5_text_mask": torch.ones(1, 512)}, file)
    assert "t5_text_mask" in convert(order, folder, silent()).left_out
    assert list(load_file(folder.negative_prompt)) == ["prompt_embeds"]


def test_a_negative_prompt_without_its_tensor_is_refused(order, folder):
    torch.save({"t5_text_mask": torch.ones(1, 512)}, order.checkpoints / NEGATIVE)
    with pytest.raises(WeightsUnusable, match=r"the negative prompt does not fit: .*missing"):
        convert(order, folder, silent())


def told(order: Order, folder: WeightsFolder) -> list[str]:
    """What a conversion says meanwhile."""
    said: list[str] = []

    def note(update: ProgressUpdate) -> None:
        said.extend([update.message] if update.message else [])

    convert(order, folder, ProgressReport(note))
    return said


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
