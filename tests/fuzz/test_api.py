"""The server answers whatever its schema allows or forbids by its rules, never with a crash."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.api import ask
from tests.fuzz.standin import working
from tests.server import running_api


@pytest.mark.slow
@pytest.mark.parametrize("phases", ["examples,coverage,fuzzing", "stateful"])
def test_schemathesis_finds_nothing(tmp_path: Path, phases: str):
    with running_api(tmp_path / "data") as api, working(api):
        asked = ask(
            api,
            tmp_path,
            *("--phases", phases, "--max-examples", "25", "--seed", "1"),
            "--generation-deterministic",
        )
    assert asked.returncode == 0, asked.stdout
