"""`lyra-zoom keys`, as a person types it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lyra_zoom.cli.main import main


def test_a_new_key_comes_with_what_to_do_with_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["keys", "create", "--data", str(tmp_path)]) == 0
    said = capsys.readouterr()
    (key,) = said.out.splitlines()  # alone, for scripts
    assert ":" in key
    assert key not in said.err
    assert "FAL_KEY" in said.err
    assert "Authorization: Key" in said.err
