"""Which engine makes a video, and what is said about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lyra_zoom.contract.zoom import EngineName
from lyra_zoom.engines.choose import ENGINES, choose_engine
from lyra_zoom.engines.embedded.depth import WEIGHTS
from lyra_zoom.errors import EngineNotReady
from tests.fakes import Notes


def test_auto_takes_the_embedded_engine_and_says_why():
    notes = Notes()
    assert choose_engine("auto", None, notes.say).name == "embedded"
    assert notes.messages == [
        "engine: embedded, because this version does not include the lyra2 engine"
    ]


def test_an_engine_asked_for_by_name_needs_no_words():
    notes = Notes()
    assert choose_engine("embedded", None, notes.say).name == "embedded"
    assert notes.messages == []


def test_an_engine_that_cannot_run_says_why_in_one_sentence():
    with pytest.raises(EngineNotReady, match="lyra2 cannot run here: this version"):
        choose_engine("lyra2", None, Notes().say)


def test_a_depth_network_that_is_not_there_is_told_before_any_work(tmp_path: Path):
    with pytest.raises(EngineNotReady, match="there is no depth network"):
        choose_engine("embedded", tmp_path / "missing.onnx", Notes().say)


def test_a_depth_network_that_cannot_be_read_is_told_before_any_work(tmp_path: Path):
    half = tmp_path / "half.onnx"
    half.write_bytes(WEIGHTS.read_bytes()[: WEIGHTS.stat().st_size // 2])
    with pytest.raises(EngineNotReady, match=r"half\.onnx is not a network"):
        choose_engine("embedded", half, Notes().say)


def test_every_engine_of_the_contract_is_known():
    assert {name.value for name in EngineName} == {"auto", *ENGINES}
