"""Nothing that was acknowledged is lost, whatever is killed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.kills import run


@pytest.mark.slow
def test_fifty_kills_lose_nothing(tmp_path: Path):
    report = run(kills=50, seed=1, folder=tmp_path, gap_s=3)
    print(report)
    assert report.acknowledged >= 20
    assert set(report.answers) <= {200, 503}, "done, or given up after four workers died"
    assert report.answers[200] > 0.8 * report.acknowledged
