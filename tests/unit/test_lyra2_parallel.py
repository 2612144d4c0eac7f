"""A forward pass shared by processes gives what one process gives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the lyra2 engine needs PyTorch")

import torch

from lyra_zoom.engines.lyra2.window import WINDOW
from tests.golden.lyra2_recipes import dit_case
from tests.lyra2_processes import PROCESSES, random_network, share, velocity

ROUNDING = 5e-6

TEAMS = [(2, (4, 4)), (4, (2, 4)), (8, (2, 4))]  # processes, and the size of the latents


@dataclass(frozen=True)
class Shared:
    """So many processes have shared passes, and left what they got in the folder."""

    processes: int
    size: tuple[int, int]
    folder: Path


@pytest.fixture(scope="module", params=TEAMS, ids=["two", "four", "eight"])
def shared(request, tmp_path_factory) -> Shared:
    """What so many processes, sharing the passes of a case of that size, end with."""
    processes, size = request.param
    folder = tmp_path_factory.mktemp("shared")
    started = [
        PROCESSES.Process(target=share, args=(rank, processes, size, folder))
        for rank in range(processes)
    ]
    for process in started:
        process.start()
    for process in started:
        process.join()
    assert [process.exitcode for process in started] == [0] * processes
    return Shared(processes, size, folder)


@pytest.mark.slow
def test_processes_that_share_a_pass_agree_with_one_alone(shared):
    num_tokens = sum(segment.tokens(*shared.size) for segment in WINDOW)
    assert num_tokens % shared.processes, "no part had to be filled up"
    alone = velocity(random_network(), dit_case(1, *shared.size))
    for rank in range(shared.processes):
        for result in torch.load(shared.folder / f"{rank}.pt"):
            torch.testing.assert_close(result, alone, rtol=0, atol=ROUNDING)


@pytest.mark.slow
def test_heads_that_cannot_be_shared_are_refused(shared):
    said = (shared.folder / "1.txt").read_text()
    assert said == f"3 heads cannot be shared by {shared.processes} processes"
