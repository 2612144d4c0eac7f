"""`lyra-zoom weights`, as a person types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the weights command needs the lyra2 extra")

from lyra_zoom.cli.main import main
from lyra_zoom.engines.lyra2.installed import LICENCE
from tests.published import write_published


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_published(tmp_path_factory.mktemp("published"))


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of one's own."""
    monkeypatch.setenv("LYRA_ZOOM_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("LYRA_ZOOM_LYRA2_LICENCE", raising=False)
    return tmp_path / "data"


def test_the_licence_is_shown_and_nothing_fetched_unless_it_is_accepted(capsys, data):
    assert main(["weights", "pull", "lyra2"]) == 1
    said = capsys.readouterr().err
    assert LICENCE in said
    assert "could not read" in said
    assert said.splitlines()[-1].endswith("--accept-licence accepts it without a question")
    assert not (data / "weights").exists()


def test_a_conversion_asks_for_the_licence_too(capsys, data, published):
    assert main(["weights", "convert", "lyra2", str(published)]) == 1
    assert not (data / "weights").exists()


def test_who_accepted_is_written_down(capsys, data, published):
    assert main(["weights", "convert", "lyra2", str(published), "--accept-licence"]) == 0
    record = json.loads((data / "weights/lyra2/licence.json").read_text())
    assert record["licence"] == LICENCE
    assert record["accepted_at"].startswith("20")


def test_a_variable_accepts_the_licence(capsys, published, data, monkeypatch):
    monkeypatch.setenv("LYRA_ZOOM_LYRA2_LICENCE", "accepted")
    assert main(["weights", "convert", "lyra2", str(published)]) == 0
    assert not (data / "weights/lyra2/licence.json").exists()


def test_converted_weights_pass_the_check(capsys, published):
    main(["weights", "convert", "lyra2", str(published), "--accept-licence"])
    capsys.readouterr()
    assert main(["weights", "check", "lyra2"]) == 0
    said = capsys.readouterr().out
    assert "the licence was accepted" in said
    assert said.splitlines()[-1] == "ok  every file and every tensor is there, and nothing else"


def test_spoilt_weights_fail_the_check(capsys, data, published):
    main(["weights", "convert", "lyra2", str(published), "--accept-licence"])
    (data / "weights/lyra2/vae/model.safetensors").write_bytes(b"")
    assert main(["weights", "check", "lyra2"]) == 1
    said = capsys.readouterr()
    assert "!!  vae/model.safetensors has 0 bytes instead of" in said.out
    assert "cannot be used" in said.err.splitlines()[-1]


def test_a_folder_that_is_not_there_is_bad_input(capsys):
    options = ["weights", "convert", "lyra2", "/nowhere", "--accept-licence"]
    assert main(options) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "lyra-zoom: FOLDER: /nowhere is not a folder"
    )


def test_the_option_with_a_wrong_folder_is_named(capsys, published):
    options = ["weights", "convert", "lyra2", str(published), "--accept-licence"]
    assert main([*options, "--tokenizer", "/nowhere"]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "lyra-zoom: --tokenizer: /nowhere is not a folder"
    )


def test_the_embedded_network_needs_no_depth_model(capsys, published):
    options = ["weights", "convert", "lyra2", str(published), "--accept-licence"]
    assert main([*options, "--depth-model", str(published)]) == 2
    assert "is only for --depth da3 and --depth dav2-small" in capsys.readouterr().err


def test_a_depth_model_that_was_not_given_says_what_to_do(capsys, published):
    options = ["weights", "convert", "lyra2", str(published), "--accept-licence"]
    assert main([*options, "--depth", "dav2-small"]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        "lyra-zoom: the depth model dav2-small needs config.json and model.safetensors: hf "
        "download depth-anything/Depth-Anything-V2-Small-hf fetches it, and --depth-model DIR "
        "says where it is; --depth embedded needs none"
    )


def test_where_checkpoints_are_from_is_written_down(capsys, published):
    options = ["weights", "convert", "lyra2", str(published), "--accept-licence"]
    assert main([*options, "--revision", "c0ffee"]) == 0
    said = capsys.readouterr()
    assert "LoRA dmd_distillation: changes 2 layers" in said.err
    assert "left out: log_scale, textual.token_embedding.weight, visual.head" in said.out
    main(["weights", "check", "lyra2"])
    assert f"from {published} at c0ffee" in capsys.readouterr().out


def test_another_engine_has_no_weights(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["weights", "pull", "embedded"])
