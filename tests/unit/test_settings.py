"""What an operator decides by environment variables."""

from __future__ import annotations

from pathlib import Path

from lyra_zoom.settings import Settings


def test_everything_has_a_default():
    settings = Settings.from_environment({})
    assert settings.data.name == "lyra-zoom"
    assert settings.depth_model is None


def test_a_variable_decides():
    settings = Settings.from_environment(
        {"LYRA_ZOOM_DATA": "/data/zoom", "LYRA_ZOOM_DEPTH_MODEL": "/models/depth.onnx"}
    )
    assert settings.data == Path("/data/zoom")
    assert settings.depth_model == Path("/models/depth.onnx")


def test_an_empty_variable_is_an_absent_one():
    assert Settings.from_environment({"LYRA_ZOOM_DATA": "", "LYRA_ZOOM_DEPTH_MODEL": ""}) == (
        Settings.from_environment({})
    )
