"""Whole legs with the reference's small networks give the reference's latents and frames."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the lyra2 engine needs PyTorch")

from torch import Tensor  # noqa: E402

from lyra_zoom.engines.lyra2.states import Expected, load_state  # noqa: E402
from tests.fakes import Notes  # noqa: E402
from tests.golden.lyra2_legs import Leg  # noqa: E402
from tests.golden.lyra2_recipes import FOLDER  # noqa: E402
from tests.reference import reference  # noqa: E402

RETREAT, ORBIT = "ar_unipc_zoomout_161", "ar_dmd_orbit_81"
LEGS = [RETREAT, ORBIT]
TOLERANCE = 1e-3
HALF_TOLERANCE = 2e-3  # of arrays that were kept in float16
KEYFRAMES = range(8, 81, 8)


@dataclass(frozen=True)
class Run:
    """A leg, drawn without interruption."""

    leg: Leg
    video: Tensor  # (F, 3, H, W), the photograph first
    states: list[bytes]


@cache
def run(name: str) -> Run:
    leg = Leg.of(FOLDER / f"{name}.npz")
    rollout, frames, states = leg.rollout(), [leg.tensor("image")[None]], []
    for _ in range(leg.chunks):
        frames.append(rollout.next_chunk(Notes()))
        states.append(rollout.state())
    return Run(leg, torch.cat(frames), states)


def latents_of(run: Run, chunk: int) -> Tensor:
    frames = () if chunk + 1 == run.leg.chunks else KEYFRAMES
    expected = Expected(
        chunk=chunk,
        cameras=len(run.leg.path),
        latents_shape=(16, 20, 8, 12),
        depth_frames=tuple(frame + 80 * chunk for frame in frames),
        depth_shape=(64, 96),
    )
    return load_state(run.states[chunk], expected).latents


@pytest.mark.slow
@pytest.mark.parametrize(("name", "chunk"), [(RETREAT, 0), (RETREAT, 1), (ORBIT, 0)])
def test_latents_are_those_of_the_reference(name, chunk):
    expected = run(name).leg.tensor(f"chunk{chunk}|gen_latents")
    torch.testing.assert_close(latents_of(run(name), chunk), expected, rtol=0, atol=TOLERANCE)


@pytest.mark.slow
@pytest.mark.parametrize("name", LEGS)
def test_frames_are_those_of_the_reference(name):
    video, leg = run(name).video, run(name).leg
    means = leg.tensor("video_mean_per_frame")
    torch.testing.assert_close(video.mean((1, 2, 3)), means, rtol=0, atol=TOLERANCE)
    torch.testing.assert_close(video[-1], leg.tensor("video_last"), rtol=0, atol=TOLERANCE)


@pytest.mark.slow
@pytest.mark.parametrize("name", LEGS)
def test_every_kept_frame_is_that_of_the_reference(name):
    whole, video = Leg.of(reference(f"golden/{name}.npz")), run(name).video
    some = video[::4].transpose(0, 1)
    torch.testing.assert_close(some, whole.tensor("video_every4"), rtol=0, atol=HALF_TOLERANCE)
    first = whole.tensor("video_frame1")
    torch.testing.assert_close(video[1], first, rtol=0, atol=TOLERANCE)


@pytest.mark.slow
def test_the_depth_model_is_asked_for_what_the_reference_asks_for():
    leg = run(RETREAT).leg
    (frames,), (w2c,) = leg.depth.frames, leg.depth.w2c
    pixels = ((frames[:, :, ::8, ::8] + 1) * 127.5).round().permute(0, 2, 3, 1)
    assert len(frames) == leg.arrays["da3call0|n"]
    differences = np.abs(pixels.numpy() - leg.arrays["da3call0|px_stride8"])
    assert differences.max() <= 1
    assert differences.mean() < 1e-3, "a frame is rounded to bytes at its last bit"
    np.testing.assert_allclose(w2c.numpy(), leg.arrays["da3call0|ext"], atol=1e-6)


@pytest.mark.slow
def test_another_process_goes_on_with_the_same_pixels():
    whole = run(RETREAT)
    resumed = whole.leg.rollout()
    resumed.replay(whole.states[:1], Notes())
    assert torch.equal(resumed.next_chunk(Notes()), whole.video[81:])
    assert resumed.state() == whole.states[1]
