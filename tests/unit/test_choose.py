"""Which engine makes a video, and what is said about it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lyra_zoom.contract.zoom import EngineName
from lyra_zoom.engines.choose import ENGINES, choose_engine
from lyra_zoom.engines.embedded.depth import WEIGHTS
from lyra_zoom.errors import EngineNotReady
from lyra_zoom.settings import Settings
from tests.fakes import Notes


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A data folder without weights."""
    return Settings(data=tmp_path)


def test_auto_takes_the_embedded_engine_where_there_are_no_weights(settings: Settings):
    pytest.importorskip("torch", reason="without it the reason is another one")
    notes = Notes()
    assert choose_engine("auto", settings, notes.say).name == "embedded"
    (sentence,) = notes.messages
    assert sentence.startswith(
        "engine: embedded, because there are no weights; lyra-zoom weights"
    )


def test_auto_says_in_one_sentence_why_it_is_not_lyra2(settings: Settings):
    notes = Notes()
    choose_engine("auto", settings, notes.say)
    (sentence,) = notes.messages
    assert sentence.startswith("engine: embedded, because ")
    assert str(settings.data) not in sentence, "clients read it"


@pytest.mark.skipif(any(Path("/dev").glob("nvidia[0-9]*")), reason="there is a GPU")
def test_a_missing_gpu_is_told_beside_missing_weights(settings: Settings):
    notes = Notes()
    choose_engine("auto", settings, notes.say)
    assert notes.messages[0].endswith("; no NVIDIA GPU is seen here, either")


def test_an_engine_asked_for_by_name_needs_no_words(settings: Settings):
    notes = Notes()
    assert choose_engine("embedded", settings, notes.say).name == "embedded"
    assert notes.messages == []


def test_an_engine_that_cannot_run_says_why_in_one_sentence(settings: Settings):
    with pytest.raises(EngineNotReady, match="lyra2 cannot run here: ") as caught:
        choose_engine("lyra2", settings, Notes().say)
    assert str(settings.data) not in str(caught.value)


def test_a_depth_network_that_is_not_there_is_told_before_any_work(tmp_path: Path):
    settings = Settings(data=tmp_path, depth_model=tmp_path / "missing.onnx")
    with pytest.raises(EngineNotReady, match="there is no depth network"):
        choose_engine("embedded", settings, Notes().say)


def test_a_depth_network_that_cannot_be_read_is_told_before_any_work(tmp_path: Path):
    half = tmp_path / "half.onnx"
    half.write_bytes(WEIGHTS.read_bytes()[: WEIGHTS.stat().st_size // 2])
    settings = Settings(data=tmp_path, depth_model=half)
    with pytest.raises(EngineNotReady, match=r"half\.onnx is not a network"):
        choose_engine("embedded", settings, Notes().say)


def test_every_engine_of_the_contract_is_known():
    assert {name.value for name in EngineName} == {"auto", *ENGINES}


@pytest.mark.parametrize(
    "module",
    ["lyra_zoom.server.app", "lyra_zoom.worker.work", "lyra_zoom.worker.supervisor",
     "lyra_zoom.engines.choose"],
)  # fmt: skip
def test_nobody_loads_torch_before_an_engine_is_chosen(module: str):
    script = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_embedded_engine_never_loads_torch(tmp_path: Path):
    script = (
        "import sys; from pathlib import Path;"
        "from lyra_zoom.engines.choose import choose_engine;"
        "from lyra_zoom.settings import Settings;"
        "choose_engine('auto', Settings(data=Path(sys.argv[1])), print);"
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True)
