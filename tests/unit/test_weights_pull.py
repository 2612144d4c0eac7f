"""Fetching the public weights: the real client against a server on this machine."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="fetching weights needs the lyra2 extra")

from lyra_zoom.engines.lyra2.installed import WeightsFolder
from lyra_zoom.engines.lyra2.sizes import SIZES_FILE
from lyra_zoom.errors import AddressUnreachable, WeightsUnusable
from lyra_zoom.pipeline.progress import ProgressReport, ProgressUpdate
from lyra_zoom.weights.check import check
from lyra_zoom.weights.hub import Hub
from lyra_zoom.weights.parts import (
    DEPTH_REPOSITORIES,
    TOKENIZER_REPOSITORY,
    WEIGHTS_REPOSITORY,
)
from lyra_zoom.weights.pull import COMMITS_NOTE, DOWNLOADS, Wish, pull
from tests.model_hub import ModelHub, model_hub
from tests.published import write_anything_v2, write_published

MIB = 2**20
VAE = "checkpoints/vae/vae.pth"
REPOSITORY, TOKENIZER = WEIGHTS_REPOSITORY.name, TOKENIZER_REPOSITORY.name
DEPTH = DEPTH_REPOSITORIES["dav2-small"].name


@pytest.fixture(scope="module")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Small ones of the same names, with files that nobody asks for."""
    place = tmp_path_factory.mktemp("repositories")
    weights, tokenizer = write_published(place / "weights"), place / "tokenizer"
    shutil.move(weights / "tokenizer", tokenizer)
    (weights / "README.md").write_text("# Lyra 2.0")
    (weights / "checkpoints/unneeded.bin").write_bytes(b"1234")
    depth = place / "depth"
    write_anything_v2(depth)
    shutil.move(weights / SIZES_FILE, place / SIZES_FILE)
    return {REPOSITORY: weights, TOKENIZER: tokenizer, DEPTH: depth}


@pytest.fixture
def hub(repositories: dict[str, Path]) -> Iterator[ModelHub]:
    with model_hub(ModelHub(dict(repositories))) as served:
        yield served


@pytest.fixture
def folder(repositories: dict[str, Path], tmp_path: Path) -> WeightsFolder:
    """An empty folder, which knows how small the networks are."""
    downloads = tmp_path / "weights" / DOWNLOADS
    downloads.mkdir(parents=True)
    shutil.copy(repositories[REPOSITORY].parent / SIZES_FILE, downloads)
    return WeightsFolder(tmp_path / "weights")


def fetch(hub: ModelHub, folder: WeightsFolder, wish: Wish | None = None) -> list[str]:
    """Pull, and give what was said meanwhile."""
    said: list[str] = []

    def note(update: ProgressUpdate) -> None:
        said.extend([update.message] if update.message else [])

    pull(wish or Wish(depth="embedded"), folder, Hub(hub.url), ProgressReport(note))
    return said


def test_what_was_fetched_is_whole_weights(hub, folder):
    fetch(hub, folder)
    assert check(folder, ProgressReport()).problems == ()


def test_the_commit_is_written_down(hub, folder):
    fetch(hub, folder)
    manifest = folder.manifest()
    assert manifest is not None
    assert (manifest.source, manifest.revision) == (REPOSITORY, hub.commit)
    assert manifest.others == {TOKENIZER: hub.commit}


def test_the_size_is_told_before_the_first_byte(hub, folder):
    first, *_ = fetch(hub, folder)
    assert " MB in 10 files, nvidia/Lyra-2.0 at c0ffee00c0ff" in first


def test_only_the_files_that_are_needed_are_fetched(hub, folder):
    fetch(hub, folder)
    assert "checkpoints/vae/vae.pth" in hub.sent
    assert not {"README.md", "checkpoints/unneeded.bin"} & set(hub.sent)


def test_downloads_are_gone_afterwards_unless_they_shall_stay(hub, folder):
    fetch(hub, folder, Wish(depth="embedded", keep_downloads=True))
    assert (folder.path / DOWNLOADS / VAE).is_file()
    fetch(hub, folder)
    assert not (folder.path / DOWNLOADS).exists()


def test_a_depth_model_comes_from_its_own_repository(hub, folder):
    fetch(hub, folder, Wish(depth="dav2-small"))
    published = hub.file(DEPTH, "model.safetensors").read_bytes()
    assert (folder.depth / "model.safetensors").read_bytes() == published
    assert folder.manifest().others[DEPTH] == hub.commit


def test_the_token_goes_to_the_hub_and_not_to_the_storage(hub, folder, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    fetch(hub, folder)
    assert hub.sent
    assert hub.tokens_at_storage == []


class TestBrokenOff:
    def test_a_connection_that_breaks_goes_on_where_it_was(self, hub, tmp_path):
        large = tmp_path / "large"
        large.mkdir()
        (large / "large.pt").write_bytes(random.Random(1).randbytes(24 * MIB))
        hub.repositories["somebody/large"] = large
        hub.breaks_after["large.pt"] = 23 * MIB
        client = Hub(hub.url)
        (file,) = client.listing("somebody/large").files
        told: list[int] = []
        client.fetch(file, tmp_path / "here.pt", told.append)
        assert hub.ranges == [("large.pt", f"bytes={20 * MIB}-")]  # written ten MiB at a time
        assert sum(told) == 24 * MIB

    @pytest.mark.slow
    def test_a_connection_that_always_breaks_is_given_up(self, hub, tmp_path):
        hub.always_breaks = True
        client = Hub(hub.url)
        file = next(file for file in client.listing(REPOSITORY).files if file.path == VAE)
        with pytest.raises(AddressUnreachable, match="could not be fetched"):
            client.fetch(file, tmp_path / "here.pth", lambda count: None)

    def test_another_process_goes_on_where_it_was(self, hub, folder):
        begun = folder.path / DOWNLOADS / f"{VAE}.begun"
        begun.parent.mkdir(parents=True)
        begun.write_bytes(hub.file(REPOSITORY, VAE).read_bytes()[:50_000])
        note = {REPOSITORY: hub.commit, TOKENIZER: hub.commit}
        (folder.path / DOWNLOADS / COMMITS_NOTE).write_text(json.dumps(note))
        fetch(hub, folder)
        assert hub.ranges == [(VAE, "bytes=50000-")]

    def test_files_of_another_commit_are_not_mixed_in(self, hub, folder):
        fetch(hub, folder, Wish(depth="embedded", keep_downloads=True))
        hub.sent.clear()
        hub.commit = "deadbeef" * 5
        fetch(hub, folder, Wish(depth="embedded", revision="main"))
        assert hub.sent[VAE] == hub.file(REPOSITORY, VAE).stat().st_size

    def test_what_is_there_is_not_fetched_again(self, hub, folder):
        fetch(hub, folder, Wish(depth="embedded", keep_downloads=True))
        hub.sent.clear()
        fetch(hub, folder)
        assert hub.sent == {}


class TestRefused:
    def test_bytes_that_do_not_match_are_refused_and_removed(self, hub, folder):
        hub.lies_about.add(VAE)
        with pytest.raises(
            WeightsUnusable, match=r"vae\.pth is not what nvidia/Lyra-2\.0 says"
        ):
            fetch(hub, folder)
        assert not list((folder.path / DOWNLOADS / VAE).parent.iterdir())
        assert folder.manifest() is None

    def test_a_small_file_that_does_not_match_is_refused(self, hub, folder):
        hub.lies_about.add("tokenizer.json")
        with pytest.raises(WeightsUnusable, match=r"tokenizer\.json is not what"):
            fetch(hub, folder)

    def test_a_gated_repository_says_what_to_do(self, hub, folder):
        hub.gated.add(REPOSITORY)
        with pytest.raises(WeightsUnusable, match="hf auth login or set HF_TOKEN"):
            fetch(hub, folder)

    def test_a_repository_that_is_not_there_is_named(self, hub, folder):
        del hub.repositories[TOKENIZER]
        with pytest.raises(AddressUnreachable, match=r"google/umt5-xxl.*404"):
            fetch(hub, folder)

    def test_a_repository_that_lacks_a_file_is_told(self, hub, folder):
        hub.repositories[REPOSITORY] = hub.repositories[TOKENIZER]
        with pytest.raises(
            WeightsUnusable, match=r"holds no checkpoints/model/model/\.metadata"
        ):
            fetch(hub, folder)

    def test_a_hub_that_cannot_be_reached_is_one_sentence(self, hub, folder):
        with pytest.raises(AddressUnreachable, match="goes on where this one stopped"):
            pull(Wish(), folder, Hub("http://127.0.0.1:9"), ProgressReport())
