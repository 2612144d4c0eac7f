"""The one sentence on why the lyra2 engine's weights cannot be used here."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from lyra_zoom.engines.lyra2.installed import (
    NEEDED_PACKAGES,
    Manifest,
    StoredFile,
    WeightsFolder,
    why_not_usable,
    why_packages_are_missing,
)
from lyra_zoom.settings import Settings

ALL_INSTALLED = all(find_spec(name) for name in NEEDED_PACKAGES)
needs_packages = pytest.mark.skipif(
    not ALL_INSTALLED, reason="the lyra2 extra is not installed"
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path)


@pytest.fixture
def whole(settings: Settings) -> WeightsFolder:
    """A folder with one small file, its list, and an accepted licence."""
    folder = WeightsFolder(settings.lyra2_folder)
    folder.vae.parent.mkdir(parents=True)
    folder.vae.write_bytes(b"12345678")
    folder.licence_file.write_text("{}")
    folder.write_manifest(
        Manifest(
            source="a folder",
            made_by="lyra-zoom 0",
            made_at="2026-11-22T20:00:00+00:00",
            depth="embedded",
            files={"vae/model.safetensors": StoredFile(bytes=8, sha256="0" * 64)},
        )
    )
    return folder


def test_the_folder_is_in_the_data_folder_unless_it_is_named(tmp_path: Path):
    environment = {"LYRA_ZOOM_DATA": str(tmp_path)}
    assert Settings.from_environment(environment).lyra2_folder == tmp_path / "weights/lyra2"
    environment["LYRA_ZOOM_LYRA2_WEIGHTS"] = "/models/lyra2"
    assert Settings.from_environment(environment).lyra2_folder == Path("/models/lyra2")


@pytest.mark.skipif(ALL_INSTALLED, reason="the lyra2 extra is installed")
def test_without_torch_the_extra_is_named(settings: Settings):
    reason = why_not_usable(settings)
    assert reason is not None
    assert "pip install 'lyra-zoom[lyra2]'" in reason


@needs_packages
class TestWithThePackages:
    def test_nothing_is_said_of_whole_weights(self, settings: Settings, whole: WeightsFolder):
        assert why_not_usable(settings) is None

    def test_without_weights_the_command_is_named(self, settings: Settings):
        reason = why_not_usable(settings)
        assert reason is not None
        assert reason.endswith("lyra-zoom weights pull lyra2 fetches them")

    def test_a_licence_nobody_accepted_is_the_reason(
        self, settings: Settings, whole: WeightsFolder
    ):
        whole.licence_file.unlink()
        assert "licence of its weights was not accepted" in (why_not_usable(settings) or "")

    def test_the_licence_may_be_accepted_by_a_variable(self, whole: WeightsFolder):
        whole.licence_file.unlink()
        accepted = Settings(lyra2_weights=whole.path, lyra2_licence="accepted")
        assert why_not_usable(accepted) is None

    def test_a_folder_without_its_list_is_not_complete(
        self, settings: Settings, whole: WeightsFolder
    ):
        whole.manifest_file.unlink()
        assert "are not complete" in (why_not_usable(settings) or "")

    def test_a_missing_file_is_named(self, settings: Settings, whole: WeightsFolder):
        whole.vae.unlink()
        assert "vae/model.safetensors is missing" in (why_not_usable(settings) or "")

    def test_a_file_cut_short_is_named(self, settings: Settings, whole: WeightsFolder):
        whole.vae.write_bytes(b"1234")
        assert "vae/model.safetensors in" in (why_not_usable(settings) or "")

    def test_a_list_that_cannot_be_read_is_told(self, settings: Settings, whole: WeightsFolder):
        whole.manifest_file.write_text(json.dumps({"files": "none"}))
        assert "lyra2.json cannot be read" in (why_not_usable(settings) or "")

    def test_every_reason_is_one_sentence(self, settings: Settings):
        reason = why_not_usable(settings)
        assert reason is not None
        assert ". " not in reason
        assert "\n" not in reason


def test_a_missing_package_is_told_before_anything_else(settings: Settings):
    assert why_packages_are_missing() is None or why_not_usable(settings) == (
        why_packages_are_missing()
    )
