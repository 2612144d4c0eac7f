"""What the network is told about a chunk is what the reference tells its own."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the lyra2 engine needs PyTorch")

from lyra_zoom.engines.lyra2.conditions import Conditions  # noqa: E402
from lyra_zoom.engines.lyra2.window import HISTORY_FRAMES  # noqa: E402
from tests.fakes import Notes  # noqa: E402
from tests.golden.lyra2_legs import Leg  # noqa: E402
from tests.golden.lyra2_recipes import FOLDER  # noqa: E402
from tests.reference import reference  # noqa: E402

RETREAT, ORBIT = "ar_unipc_zoomout_161", "ar_dmd_orbit_81"
TOLERANCE = 1e-3
HALF_TOLERANCE = 2e-3  # of arrays that were kept in float16


@cache
def all_conditions(name: str) -> list[Conditions]:
    """The conditions of every chunk of a leg, each after the reference's own chunks."""
    leg = Leg.of(FOLDER / f"{name}.npz")
    rollout, told = leg.rollout(), list[Conditions]()
    for chunk in range(leg.chunks):
        told.append(rollout.look_back(Notes()))
        rollout.replay([leg.state(chunk)], Notes())
    return told


def conditions(name: str, chunk: int) -> Conditions:
    return all_conditions(name)[chunk]


def assert_same(found, arrays, name, tolerance):
    np.testing.assert_allclose(found.numpy(), arrays[name], rtol=0, atol=tolerance)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "chunk"), [(ORBIT, 0), (RETREAT, 1)])
def test_history_and_warps_are_those_of_the_reference(name, chunk):
    arrays, told = Leg.of(FOLDER / f"{name}.npz").arrays, conditions(name, chunk)
    latents = torch.cat([told.history_latents, told.warped_latents], dim=2)[0]
    assert_same(latents, arrays, f"chunk{chunk}|cond_latents16", TOLERANCE)


@pytest.mark.slow
def test_rays_are_those_of_the_reference():
    arrays, told = Leg.of(FOLDER / f"{RETREAT}.npz").arrays, conditions(RETREAT, 1)
    name = "chunk1|cond_plucker_sample_f0_f3_f24_f25_f44"
    assert_same(told.rays[0, :, [0, 3, 24, 25, 44]], arrays, name, HALF_TOLERANCE)


@pytest.mark.slow
def test_correspondence_is_that_of_the_reference():
    arrays, told = Leg.of(FOLDER / f"{RETREAT}.npz").arrays, conditions(RETREAT, 1)
    maps = told.correspondence[0]
    assert_same(maps[:, [1, 5]], arrays, "chunk1|buffer_hist_f1_f5", HALF_TOLERANCE)
    new = maps[:, [25, 34, 44]]
    assert_same(new, arrays, "chunk1|buffer_gen_f0_f9_f19", HALF_TOLERANCE)
    sums = arrays["chunk1|buffer_hist_abs_sum_per_frame"]
    np.testing.assert_allclose(maps.abs().sum((0, 2, 3)).numpy(), sums, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "chunk"), [(ORBIT, 0), (RETREAT, 0), (RETREAT, 1)])
def test_all_that_was_kept_of_the_reference_is_the_same(name, chunk):
    arrays = Leg.of(reference(f"golden/{name}.npz")).arrays
    told, prefix = conditions(name, chunk), f"chunk{chunk}|"
    history, new = told.history_latents[0], told.correspondence[0, :, [25, 34, 44]]
    kept = arrays[f"{prefix}cond_latents16"]
    assert_same(history, arrays, f"{prefix}window_latents_hist", TOLERANCE)
    np.testing.assert_allclose(history.numpy(), kept[:, :HISTORY_FRAMES], atol=TOLERANCE)
    np.testing.assert_allclose(
        told.warped_latents[0].numpy(), kept[:, HISTORY_FRAMES:], atol=TOLERANCE
    )
    rays = told.rays[0, :, [0, 3, 24, 25, 44]]
    assert_same(rays, arrays, f"{prefix}cond_plucker_sample_f0_f3_f24_f25_f44", HALF_TOLERANCE)
    assert_same(new, arrays, f"{prefix}buffer_gen_f0_f9_f19", HALF_TOLERANCE)
