"""How torch is told to give out the memory of a GPU."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from lyra_zoom.engines.lyra2.allocator import CHOSEN, let_segments_grow

ASK = """
import os, sys
from pathlib import Path
from lyra_zoom.engines.lyra2.readiness import why_not_here
from lyra_zoom.settings import Settings
assert why_not_here(Settings(data=Path(sys.argv[1])))
print(os.environ["PYTORCH_CUDA_ALLOC_CONF"], "torch" in sys.modules)
"""


def test_whoever_asks_for_the_engine_has_said_it_before_torch_is_there(tmp_path):
    environment = {name: value for name, value in os.environ.items() if name not in CHOSEN}
    told = subprocess.run(
        [sys.executable, "-c", ASK, str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.split() == ["expandable_segments:True", "False"]


@pytest.mark.parametrize("name", CHOSEN)
def test_what_the_operator_chose_stays(name):
    environment = {name: "max_split_size_mb:128"}
    let_segments_grow(environment)
    assert environment == {name: "max_split_size_mb:128"}
