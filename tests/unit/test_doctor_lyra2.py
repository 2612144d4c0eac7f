"""What doctor says of the engine that needs a GPU."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from lyra_zoom.cli.doctor_lyra2 import VARIANTS, Gpu, fit, lyra2_findings, memory_table
from lyra_zoom.contract.zoom import Resolution
from lyra_zoom.engines.lyra2.budget import GIB, Mode, Precision, budget_of
from lyra_zoom.pipeline.shot import SIZES
from lyra_zoom.settings import Settings

needs_torch = pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")


def advice(settings: Settings) -> dict[str, str]:
    return {finding.what: finding.advice for finding in lyra2_findings(settings)}


@pytest.mark.skipif(find_spec("torch") is not None, reason="torch is installed")
def test_a_missing_package_is_the_first_thing_to_add(tmp_path):
    assert "pip install" in advice(Settings(data=tmp_path))["lyra2 engine"]


@needs_torch
def test_missing_weights_are_one_sentence(tmp_path):
    told = advice(Settings(data=tmp_path))["lyra2 weights"]
    assert told.startswith("there are no weights in ")


@needs_torch
def test_a_kernel_that_is_not_installed_is_one_sentence(tmp_path):
    if find_spec("sageattention") is not None:
        pytest.skip("this machine has it")
    told = advice(Settings(data=tmp_path, lyra2_attention="sage"))["lyra2 attention"]
    assert "sageattention" in told


def test_a_licence_that_nobody_accepted_is_one_sentence(tmp_path):
    told = advice(Settings(data=tmp_path))["lyra2 licence"]
    assert told.startswith("the licence of its weights was not accepted")


def test_an_accepted_licence_is_well(tmp_path):
    findings = lyra2_findings(Settings(data=tmp_path, lyra2_licence="accepted"))
    (licence,) = [finding for finding in findings if "licence" in finding.what]
    assert licence.well


@needs_torch
def test_a_missing_gpu_is_one_sentence(tmp_path):
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    assert advice(Settings(data=tmp_path))["GPU for lyra2"].startswith("torch can use none")


@pytest.mark.parametrize("eight_bits", [Precision.FP8, Precision.INT8])
def test_eight_bits_are_those_that_the_engine_would_take(tmp_path, eight_bits):
    gpu = Gpu(free_bytes=31 * GIB, eight_bits=eight_bits)
    finding = fit(Settings(data=tmp_path), gpu, Resolution.P480)
    assert f"memory mode lean, weights in {eight_bits}" in f"{finding.what} {finding.advice}"


def test_main_memory_is_told_beside_that_of_the_gpu(tmp_path):
    gpu = Gpu(free_bytes=31 * GIB, eight_bits=Precision.FP8)
    finding = fit(Settings(data=tmp_path), gpu, Resolution.P480)
    assert "GiB of main memory" in f"{finding.what} {finding.advice}"


def test_nothing_missing_for_lyra2_is_vital(tmp_path):
    assert not any(finding.well for finding in lyra2_findings(Settings(data=tmp_path)))


def test_the_table_shows_what_each_mode_needs():
    lines = list(memory_table())
    for mode, precision in VARIANTS:
        need = budget_of(SIZES[Resolution.P480], mode, precision).device_bytes / GIB
        assert any(str(mode) in line and f"{need:.1f}" in line for line in lines)
    assert all(any(line.startswith(f"    {mode}: ") for line in lines) for mode in Mode)
