"""A leg is drawn chunk by chunk, can be cancelled, and goes on in another process."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

torch = pytest.importorskip("torch", reason="the lyra2 engine needs PyTorch")

from safetensors.torch import load, save  # noqa: E402

from lyra_zoom.engines.lyra2.states import Expected, load_state, save_state  # noqa: E402
from lyra_zoom.errors import Cancelled, StateUnusable  # noqa: E402
from lyra_zoom.geometry.image import Size  # noqa: E402
from tests.fakes import Notes  # noqa: E402
from tests.lyra2_rollouts import forward_path, small_rollout, state_of  # noqa: E402

LEAVES = Expected(
    chunk=0,
    cameras=161,
    latents_shape=(16, 20, 4, 6),
    depth_frames=range(8, 81, 8),
    depth_shape=(32, 48),
)


class Impatient(Notes):
    """Cancels when the stage `stage` has come so far."""

    def __init__(self, stage: str, fraction: float) -> None:
        super().__init__()
        self.cancels_at = (stage, fraction)
        self.stage = ""

    def begin(self, stage: str, share: float) -> None:
        self.stage = stage

    def advance(self, fraction: float) -> None:
        if (self.stage, fraction) >= self.cancels_at and self.stage == self.cancels_at[0]:
            raise Cancelled("enough")


class Shares(Notes):
    """Remembers what share of the work each stage claims."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[float] = []

    def begin(self, stage: str, share: float) -> None:
        self.told.append(share)


class Drawn:
    """Both chunks of a leg, drawn by one process, and what it left behind after each."""

    def __init__(self, *, use_dmd: bool) -> None:
        self.notes = Notes()
        rollout = small_rollout(forward_path(161), use_dmd=use_dmd)
        self.first = rollout.next_chunk(self.notes)
        self.states = [rollout.state()]
        self.second = rollout.next_chunk(Notes())
        self.states.append(rollout.state())


drawn = cache(Drawn)


@pytest.mark.slow
@pytest.mark.parametrize("use_dmd", [True, False])
def test_a_chunk_drawn_after_a_replay_has_the_same_bits(use_dmd):
    whole = drawn(use_dmd=use_dmd)
    resumed = small_rollout(forward_path(161), use_dmd=use_dmd)
    resumed.replay(whole.states[:1], Notes())
    assert torch.equal(resumed.next_chunk(Notes()), whole.second)
    assert resumed.state() == whole.states[1]


@pytest.mark.slow
def test_a_leg_goes_on_though_the_depth_model_never_repeats_itself():
    whole = drawn(use_dmd=True)
    resumed = small_rollout(forward_path(161, step=-0.02), depth=3.0)
    resumed.replay(whole.states[:1], Notes())
    assert torch.equal(resumed.next_chunk(Notes()), whole.second)


@pytest.mark.slow
@pytest.mark.parametrize("damaged", [0, 1])
def test_a_chunk_whose_state_is_damaged_is_computed_again(damaged):
    whole, notes = drawn(use_dmd=True), Notes()
    states = [*whole.states[:damaged], b"damaged"]
    resumed = small_rollout(forward_path(161))
    resumed.replay(states, notes)
    assert notes.messages == [
        f"the state of chunk {damaged} cannot be read; that chunk is computed again"
    ]
    assert resumed.state() == whole.states[damaged]


@pytest.mark.slow
def test_what_is_computed_again_does_not_count_as_progress():
    shares = Shares()
    small_rollout(forward_path(81)).replay([b"damaged"], shares)
    assert set(shares.told) == {0.0}


@pytest.mark.slow
def test_a_picture_of_an_odd_number_of_tokens_is_drawn():
    size = Size(80, 48)  # 3 rows and 5 columns of tokens; 720p has 45 rows
    frames = small_rollout(forward_path(81, size)).next_chunk(Notes())
    assert frames.shape == (80, 3, 48, 80)
    assert torch.isfinite(frames).all()


@pytest.mark.slow
def test_another_seed_gives_another_film():
    other = small_rollout(forward_path(81), seed=6)
    assert not torch.equal(drawn(use_dmd=True).first, other.next_chunk(Notes()))


@pytest.mark.slow
def test_a_leg_has_no_more_chunks_than_its_path():
    rollout = small_rollout(forward_path(81))
    rollout.replay([save_state(state_of(0, last=True))], Notes())
    with pytest.raises(ValueError, match="the leg is over"):
        rollout.next_chunk(Notes())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "fraction"), [("look back", 0.1), ("denoise", 0.25), ("frames", 0.5)]
)
def test_a_chunk_can_be_cancelled_in_the_middle(stage, fraction):
    rollout = small_rollout(forward_path(81))
    with pytest.raises(Cancelled):
        rollout.next_chunk(Impatient(stage, fraction))


@pytest.mark.slow
def test_a_chunk_reports_each_of_its_stages_once():
    notes = drawn(use_dmd=True).notes
    assert notes.stages == ["look back", "denoise", "frames", "depth"]


def test_a_state_holds_what_was_put_into_it():
    state = state_of(0)
    loaded = load_state(save_state(state), LEAVES)
    assert torch.equal(loaded.latents, state.latents)
    assert list(loaded.depths) == list(range(8, 81, 8))
    assert torch.equal(loaded.depths[80], state.depths[80])
    assert loaded.beginning is not None
    assert state.beginning is not None
    assert torch.equal(loaded.beginning.depth, state.beginning.depth)
    assert torch.equal(loaded.beginning.cameras.K, state.beginning.cameras.K)
    assert torch.equal(loaded.beginning.cameras.w2c, state.beginning.cameras.w2c)


def test_a_state_is_little_more_than_its_numbers():
    numbers = 16 * 20 * 4 * 6 + 11 * 32 * 48 + 161 * (16 + 9)
    assert len(save_state(state_of(0))) < 4 * numbers + 1000


def _without(name):
    tensors = load(save_state(state_of(0)))
    del tensors[name]
    return save(tensors)


def _with(name, tensor):
    return save({**load(save_state(state_of(0))), name: tensor})


NONSENSE = {
    "nothing": lambda: b"",
    "text": lambda: b"{} not a state at all",
    "cut off": lambda: save_state(state_of(0))[:-100],
    "no latents": lambda: _without("latents"),
    "something more": lambda: _with("more", torch.zeros(1)),
    "latents of another size": lambda: _with("latents", torch.zeros(16, 20, 8, 12)),
    "latents of another type": lambda: _with("latents", torch.zeros(16, 20, 4, 6).half()),
    "latents that are not numbers": lambda: _with(
        "latents", torch.full((16, 20, 4, 6), torch.nan)
    ),
    "another chunk": lambda: save_state(replace(state_of(0), chunk=1)),
    "another version": lambda: _with("version_and_chunk", torch.tensor([99, 0])),
    "depth of other frames": lambda: _with("depth_frames", torch.arange(10)),
    "no beginning": lambda: save_state(replace(state_of(0), beginning=None)),
    "cameras of another leg": lambda: _with("w2c", torch.eye(4).repeat(81, 1, 1)),
    "a last chunk": lambda: save_state(state_of(0, last=True)),
}


@pytest.mark.parametrize("kind", NONSENSE)
def test_nonsense_is_no_state(kind):
    with pytest.raises(StateUnusable):
        load_state(NONSENSE[kind](), LEAVES)
