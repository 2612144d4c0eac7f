"""Which frames a chunk looks back at."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the lyra2 engine needs PyTorch")

from lyra_zoom.engines.lyra2.memory import SpatialMemory  # noqa: E402
from lyra_zoom.engines.lyra2.past import Past, new_frames  # noqa: E402


@pytest.fixture
def past():
    return Past(
        first_latent=torch.zeros(16, 1, 2, 2),
        recent_latents=torch.zeros(16, 19, 2, 2),
        keyframes={0: torch.zeros(3, 16, 16)},
        memory=SpatialMemory(),
    )


def chunk(number):
    """Frames and latents that carry their own number."""
    frames = torch.arange(80.0 * number + 1, 80.0 * number + 81)[None, :, None, None]
    latents = torch.arange(20.0 * number, 20.0 * number + 20)[None, :, None, None]
    return frames.expand(3, 80, 16, 16), latents.expand(16, 20, 2, 2)


def test_a_leg_begins_after_the_photograph_has_stood_still(past):
    assert past.recent_frames() == [0] * 19
    assert new_frames(past.newest)[:2] == [4, 8]


@pytest.mark.parametrize("chunks", [1, 2, 6])
def test_a_chunk_looks_back_at_nineteen_latents(past, chunks):
    for number in range(chunks):
        past.keep(*chunk(number))
    newest = 80 * chunks
    assert past.recent_frames() == list(range(newest - 72, newest + 1, 4))
    assert past.recent_latents[0, :, 0, 0].tolist() == [
        20 * chunks - 19 + place for place in range(19)
    ]
    assert new_frames(past.newest) == list(range(newest + 4, newest + 81, 4))


def test_every_eighth_frame_is_kept(past):
    past.keep(*chunk(0))
    assert list(past.keyframes) == list(range(0, 81, 8))
    assert [float(frame.max()) for frame in past.keyframes.values()] == list(past.keyframes)


def test_kept_frames_are_nobody_elses(past):
    frames, latents = chunk(0)
    frames = frames.clone()
    past.keep(frames, latents)
    frames.zero_()
    assert float(past.keyframes[80].max()) == 80


def test_depth_is_asked_for_ten_keyframes_without_the_photograph(past):
    past.keep(*chunk(0))
    assert past.newest_keyframes(10) == list(range(8, 81, 8))
    past.keep(*chunk(1))
    assert past.newest_keyframes(10) == list(range(88, 161, 8))
    assert past.newest_keyframes(40) == list(range(8, 161, 8))
