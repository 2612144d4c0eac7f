"""What the stages of a video count for in its progress."""

from __future__ import annotations

from dataclasses import astuple

import pytest

pytest.importorskip("torch", reason="the lyra2 engine needs PyTorch")

from lyra_zoom.contract.zoom import ZoomInput
from lyra_zoom.engines.engine import Sampling
from lyra_zoom.engines.lyra2.shares import chunk_shares, costs_before
from lyra_zoom.pipeline.chunks import plan_chunks, prepare_share
from lyra_zoom.pipeline.shot import plan_shot

DISTILLED = Sampling(prompt="", seed=0)
GUIDED = Sampling(prompt="", seed=0, use_dmd=False)
FEW_STEPS = Sampling(prompt="", seed=0, use_dmd=False, num_inference_steps=4)


@pytest.mark.parametrize("sampling", [DISTILLED, GUIDED, FEW_STEPS])
def test_the_stages_of_a_chunk_add_up(sampling):
    assert sum(astuple(chunk_shares(sampling))) == pytest.approx(1)


def test_the_more_steps_the_more_of_the_time_is_denoising():
    shares = [chunk_shares(sampling).denoise for sampling in (DISTILLED, FEW_STEPS, GUIDED)]
    assert shares == sorted(shares)
    assert shares[0] > 0.5
    assert shares[-1] > 0.95


@pytest.mark.parametrize(("sampling", "most"), [(DISTILLED, 0.15), (GUIDED, 0.02)])
def test_nearly_all_of_a_video_is_in_its_chunks(sampling, most):
    shot = plan_shot(ZoomInput(image_url="x", prompt=""), b"", seed=0)
    costs = costs_before(sampling)
    set_ups = sum(chunk.set_up_share for chunk in plan_chunks(shot, costs))
    assert prepare_share(shot, costs) + set_ups < most
