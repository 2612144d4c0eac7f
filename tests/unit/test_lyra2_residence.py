"""Where networks lie, and in what they are computed with there."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the lyra2 engine needs torch")

from lyra_zoom.engines.lyra2.residence import as_computed_with, device_of  # noqa: E402
from lyra_zoom.engines.lyra2.vision import SIXTEEN_BITS  # noqa: E402

STORED = {"weight": torch.tensor([1.001]), "positions": torch.arange(3)}


def test_a_gpu_is_named_as_the_tensors_on_it_name_it():
    assert device_of("cuda") == torch.device("cuda", 0) != torch.device("cuda")
    assert device_of("cpu") == torch.empty(0).device


def test_on_a_gpu_clip_has_the_sixteen_bits_of_the_reference():
    state = as_computed_with(STORED, device_of("cuda"), SIXTEEN_BITS)
    assert state["weight"].dtype == torch.float16
    assert state["positions"].dtype == torch.int64


def test_on_a_cpu_weights_stay_as_they_are_stored():
    state = as_computed_with(STORED, device_of("cpu"), SIXTEEN_BITS)
    assert all(state[name] is STORED[name] for name in STORED)
