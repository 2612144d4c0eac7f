"""A pull that is killed goes on where it was, and ends with weights that can be used."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="fetching weights needs the lyra2 extra")

import torch

from lyra_zoom.engines.lyra2.sizes import SIZES_FILE
from lyra_zoom.weights.parts import TOKENIZER_REPOSITORY, WEIGHTS_REPOSITORY
from tests.model_hub import ModelHub, model_hub
from tests.published import write_published

MIB = 2**20
LARGE = "checkpoints/image_encoder/model.pth"
PATIENCE_S = 120.0


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[ModelHub]:
    """The public repositories, small but for one file of 24 MiB."""
    weights, tokenizer = write_published(tmp_path / "weights"), tmp_path / "tokenizer"
    shutil.move(weights / "tokenizer", tokenizer)
    tower = torch.load(weights / LARGE)
    torch.save({**tower, "textual.large": torch.rand(6 * MIB)}, weights / LARGE)
    names = (WEIGHTS_REPOSITORY.name, TOKENIZER_REPOSITORY.name)
    with model_hub(ModelHub(dict(zip(names, (weights, tokenizer), strict=True)))) as served:
        yield served


@pytest.mark.slow
def test_a_killed_pull_goes_on_where_it_was(hub: ModelHub, tmp_path: Path):
    data = tmp_path / "data"
    downloads = data / "weights/lyra2/downloads"
    downloads.mkdir(parents=True)
    shutil.copy(hub.repositories[WEIGHTS_REPOSITORY.name] / SIZES_FILE, downloads)
    environment = {**os.environ, "LYRA_ZOOM_DATA": str(data), "HF_ENDPOINT": hub.url}
    command = [sys.executable, "-m", "lyra_zoom", "weights", "pull", "lyra2"]
    command += ["--accept-licence", "--depth", "embedded"]

    hub.stalls_after[LARGE] = 23 * MIB
    first = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    _wait_for(downloads / f"{LARGE}.begun", 20 * MIB)
    first.kill()
    first.wait()
    hub.go_on.set()
    second = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False
    )

    assert second.returncode == 0, second.stderr
    assert hub.ranges == [(LARGE, f"bytes={20 * MIB}-")]
    checked = subprocess.run(
        [sys.executable, "-m", "lyra_zoom", "weights", "check", "lyra2"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def _wait_for(file: Path, size: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not (file.is_file() and file.stat().st_size >= size):
        assert time.monotonic() < deadline, f"{file.name} never came"
        time.sleep(0.1)
