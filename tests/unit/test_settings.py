"""What an operator decides by environment variables."""

from __future__ import annotations

from pathlib import Path

import pytest

from lyra_zoom.errors import SettingRejected
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


def gpus_per_video(text: str) -> int:
    environment = {"LYRA_ZOOM_LYRA2_GPUS_PER_VIDEO": text}
    return Settings.from_environment(environment).lyra2_gpus_per_video


def test_one_two_four_or_eight_gpus_make_a_video():
    assert [gpus_per_video(text) for text in ("", "1", "2", "4", "8")] == [1, 1, 2, 4, 8]


@pytest.mark.parametrize("text", ["0", "3", "16", "two"])
def test_no_other_number_of_gpus_makes_a_video(text: str):
    with pytest.raises(SettingRejected, match="GPUS_PER_VIDEO: Input should be 1, 2, 4 or 8"):
        gpus_per_video(text)
