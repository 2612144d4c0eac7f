"""One worker for each GPU, where the lyra2 engine can run."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lyra_zoom.engines.lyra2.installed import Manifest, WeightsFolder, why_packages_are_missing
from lyra_zoom.settings import Settings
from lyra_zoom.worker.gpus import gpus_for_workers
from lyra_zoom.worker.supervisor import Serving, Supervisor


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """As if the weights were there: nobody reads them before a worker does."""
    if why_packages_are_missing() is not None:
        pytest.skip("needs torch and what belongs to it")
    settings = Settings(data=tmp_path, lyra2_licence="accepted")
    settings.lyra2_folder.mkdir(parents=True)
    WeightsFolder(settings.lyra2_folder).write_manifest(
        Manifest(source="x", made_by="x", made_at="x", depth="embedded", files={})
    )
    return settings


@pytest.fixture
def devices(tmp_path: Path) -> Path:
    """What Linux shows of two GPUs."""
    folder = tmp_path / "dev"
    folder.mkdir()
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "null"):
        (folder / name).touch()
    return folder


def test_every_gpu_gets_a_worker(settings: Settings, devices: Path):
    assert gpus_for_workers(settings, {}, devices) == ("0", "1")


@pytest.mark.parametrize(
    ("chosen", "gpus"),
    [("3", ("3",)), ("2,0", ("2", "0")), ("GPU-8f, GPU-1a", ("GPU-8f", "GPU-1a")), ("", ()),
     ("-1", ()), ("1,-1,0", ("1",))],
)  # fmt: skip
def test_only_the_gpus_that_cuda_would_see_are_shared_out(
    settings: Settings, devices: Path, chosen: str, gpus: tuple[str, ...]
):
    assert gpus_for_workers(settings, {"CUDA_VISIBLE_DEVICES": chosen}, devices) == gpus


def test_gpus_that_make_a_video_together_get_one_worker(settings: Settings, devices: Path):
    settings = replace(settings, lyra2_gpus_per_video=2)
    chosen = {"CUDA_VISIBLE_DEVICES": "0,1,2,3,4"}
    assert gpus_for_workers(settings, {}, devices) == ("0,1",)
    assert gpus_for_workers(settings, chosen, devices) == ("0,1", "2,3")


def test_without_weights_no_gpu_is_shared_out(tmp_path: Path, devices: Path):
    assert gpus_for_workers(Settings(data=tmp_path / "empty"), {}, devices) == ()


def test_on_the_cpu_no_gpu_is_shared_out(settings: Settings, devices: Path):
    assert gpus_for_workers(replace(settings, lyra2_device="cpu"), {}, devices) == ()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as listener:
        yield listener


def seen_by_workers(listener: socket.socket, settings: Settings, gpus: tuple[str, ...]):
    serving = Serving(settings=settings, listener=listener, workers=3, gpus=gpus)
    return [child.environment for child in Supervisor(serving, None)._children]  # type: ignore[arg-type]  # nothing is logged


def test_every_worker_sees_one_gpu_alone(listener: socket.socket, tmp_path: Path):
    seen = seen_by_workers(listener, Settings(data=tmp_path), ("4", "6"))
    assert seen == [{}, *({"CUDA_VISIBLE_DEVICES": gpu} for gpu in ("4", "6", "4"))]


def test_without_gpus_nothing_is_hidden(listener: socket.socket, tmp_path: Path):
    assert seen_by_workers(listener, Settings(data=tmp_path), ()) == [{}] * 4
