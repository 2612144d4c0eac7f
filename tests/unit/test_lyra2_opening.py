"""The still frames that every leg begins with are encoded and decoded once."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the lyra2 engine needs PyTorch")

from lyra_zoom.engines.lyra2.latents import Autoencoder, StreamDecoder  # noqa: E402
from lyra_zoom.engines.lyra2.opening import Opening  # noqa: E402
from tests.fakes import Notes  # noqa: E402
from tests.fakes_lyra2 import tiny_autoencoder  # noqa: E402
from tests.golden.lyra2_recipes import rnd  # noqa: E402

IMAGE = rnd(1, (3, 16, 24), 0.3).clamp(-1, 1)
NEXT = rnd(2, (16, 2, 2, 3))
FRAMES = rnd(3, (3, 4, 16, 24), 0.3)


class Counting(Autoencoder):
    """Counts the videos it is asked to decode."""

    decoders = 0

    def open_decoder(self) -> StreamDecoder:
        self.decoders += 1
        return super().open_decoder()


@pytest.fixture
def vae() -> Counting:
    return Counting(tiny_autoencoder().vae)


def test_the_second_leg_does_not_show_them_again(vae):
    opening = Opening()
    latents = [opening.streams(vae, IMAGE, Notes()).latents for _ in range(2)]
    assert vae.decoders == 1
    assert latents[0].shape == (16, 25, 2, 3)
    assert torch.equal(*latents)


def test_each_leg_goes_on_from_them_by_itself(vae):
    opening = Opening(legs=3)
    first = opening.streams(vae, IMAGE, Notes())
    decoded, encoded = first.decoder.decode(NEXT), first.encoder.encode(FRAMES)
    second = opening.streams(vae, IMAGE, Notes())
    second.decoder.decode(NEXT[:, 1:])
    third = opening.streams(vae, IMAGE, Notes())
    assert torch.equal(third.decoder.decode(NEXT), decoded)
    assert torch.equal(third.encoder.encode(FRAMES), encoded)


def test_another_autoencoder_sees_them_for_itself(vae):
    opening, other = Opening(), Counting(vae.vae)
    opening.streams(vae, IMAGE, Notes())
    opening.streams(other, IMAGE, Notes())
    assert (vae.decoders, other.decoders) == (1, 1)


@pytest.mark.parametrize("legs", [1, 2])
def test_nothing_is_kept_once_the_last_leg_has_begun(vae, legs):
    opening = Opening(legs)
    for _ in range(legs):
        opening.streams(vae, IMAGE, Notes())
    assert vae.decoders == 1
    opening.streams(vae, IMAGE, Notes())  # nobody has them any more
    assert vae.decoders == 2
