"""The streamed autoencoder: equal to the reference, whole or in pieces."""

from __future__ import annotations

import inspect

import pytest

pytest.importorskip("torch", reason="the lyra2 engine needs PyTorch")

import torch
from diffusers.models.autoencoders import autoencoder_kl_wan as wan

from lyra_zoom.engines.lyra2.latents import Autoencoder
from lyra_zoom.engines.lyra2.vae_keys import to_diffusers
from tests.fakes_lyra2 import golden, tiny_autoencoder

ELSEWHERE = torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu", 0)
"""Another device, or, where there is none, another name of the same one."""


def assert_same(actual: torch.Tensor, expected: torch.Tensor, tolerance: float = 2e-6) -> None:
    torch.testing.assert_close(actual, expected, rtol=0, atol=tolerance)


@pytest.fixture(scope="module")
def reference():
    return {name: torch.from_numpy(array) for name, array in golden("vae_tiny").items()}


@pytest.fixture(scope="module")
def autoencoder() -> Autoencoder:
    return tiny_autoencoder()


def test_a_video_has_the_latents_of_the_reference(autoencoder, reference):
    assert_same(autoencoder.encode(reference["video"]), reference["latent"])


def test_a_picture_alone_has_the_latent_of_the_reference(autoencoder, reference):
    latent = autoencoder.encode_image(reference["video"][:, 0])
    assert_same(latent, reference["latent_first_frame_only"].reshape(latent.shape))


def test_latents_become_the_frames_of_the_reference(autoencoder, reference):
    assert_same(autoencoder.decode(reference["latent"]), reference["decoded"], 5e-6)


def test_decoded_frames_are_not_clamped(autoencoder, reference):
    assert autoencoder.decode(3 * reference["latent"]).abs().max() > 1


def test_a_video_encoded_in_pieces_has_the_same_latents(autoencoder, reference):
    video, stream = reference["video"], autoencoder.open_encoder()
    pieces = [stream.encode(video[:, a:b]) for a, b in ((0, 1), (1, 5), (5, 9))]
    assert_same(torch.cat(pieces, 1), autoencoder.encode(video), 0)


def test_latents_decoded_in_pieces_give_the_same_frames(autoencoder, reference):
    latents, stream = reference["latent"], autoencoder.open_decoder()
    pieces = [stream.decode(latents[:, a:b]) for a, b in ((0, 2), (2, 3))]
    assert [piece.shape[1] for piece in pieces] == [5, 4]
    assert_same(torch.cat(pieces, 1), autoencoder.decode(latents), 0)


def test_two_videos_side_by_side_know_nothing_of_each_other(autoencoder, reference):
    one, other = reference["video"], reference["video"].flip(1)
    streams = [autoencoder.open_encoder(), autoencoder.open_encoder()]
    parts: list[list[torch.Tensor]] = [[], []]
    for a, b in ((0, 1), (1, 5), (5, 9)):
        for stream, video, latents in zip(streams, (one, other), parts, strict=True):
            latents.append(stream.encode(video[:, a:b]))
    for video, latents in zip((one, other), parts, strict=True):
        assert_same(torch.cat(latents, 1), autoencoder.encode(video), 0)


def test_a_stream_that_rested_elsewhere_goes_on_as_before(autoencoder, reference):
    encoder, decoder = autoencoder.open_encoder(), autoencoder.open_decoder()
    latents, frames = [], []
    for a, b in ((0, 1), (1, 5), (5, 9)):
        latents.append(encoder.encode(reference["video"][:, a:b]))
        frames.append(decoder.decode(latents[-1]))
        for stream in (encoder, decoder):
            stream.rest_on(ELSEWHERE)
    assert_same(torch.cat(latents, 1), reference["latent"])
    assert_same(torch.cat(frames, 1), reference["decoded"], 1e-5)


@pytest.mark.parametrize(("first", "then"), [(2, None), (0, None), (1, 3), (5, 0)])
def test_frames_that_fill_no_latent_are_refused(autoencoder, reference, first, then):
    stream, video = autoencoder.open_encoder(), reference["video"]
    if then is None:
        with pytest.raises(ValueError, match="do not fill"):
            stream.encode(video[:, :first])
    else:
        stream.encode(video[:, :first])
        with pytest.raises(ValueError, match="do not fill"):
            stream.encode(video[:, :then])


def test_a_refused_piece_leaves_the_stream_as_it_was(autoencoder, reference):
    stream, video = autoencoder.open_encoder(), reference["video"]
    with pytest.raises(ValueError, match="do not fill"):
        stream.encode(video[:, :2])
    assert_same(stream.encode(video), reference["latent"])


def test_half_precision_weights_still_give_float32_latents(reference):
    autoencoder = tiny_autoencoder()
    torch.nn.Module.to(autoencoder.vae, torch.bfloat16)
    latents = autoencoder.encode(reference["video"])
    assert latents.dtype == torch.float32
    assert (latents - reference["latent"]).abs().mean() < 0.02
    assert autoencoder.decode(latents).dtype == torch.float32


def test_names_of_another_model_are_refused():
    for name in ("blocks.0.attn.q.weight", "encoder.attic.0.weight", "decoder"):
        with pytest.raises(KeyError):
            to_diffusers(name)


class TestWhatIsUsedOfDiffusers:
    """Private parts: when one of these fails after an upgrade, read `latents.py` again."""

    def test_both_halves_take_a_cache_that_is_ours(self):
        for half in (wan.WanEncoder3d, wan.WanDecoder3d):
            assert {"feat_cache", "feat_idx"} <= set(inspect.signature(half.forward).parameters)
        assert "first_chunk" in inspect.signature(wan.WanDecoder3d.forward).parameters

    def test_a_cache_has_one_entry_per_causal_convolution(self, autoencoder):
        vae = autoencoder.vae
        for name, half in (("encoder", vae.encoder), ("decoder", vae.decoder)):
            convolutions = [m for m in half.modules() if isinstance(m, wan.WanCausalConv3d)]
            assert len(convolutions) == vae._cached_conv_counts[name]

    def test_the_network_keeps_no_state_of_a_stream(self, autoencoder, reference):
        before = set(vars(autoencoder.vae))
        autoencoder.open_encoder().encode(reference["video"])
        autoencoder.open_decoder().decode(reference["latent"])
        assert set(vars(autoencoder.vae)) == before

    def test_the_latents_are_those_of_its_public_interface(self, autoencoder, reference):
        vae = autoencoder.vae
        mean, std = (
            torch.tensor(vae.config[name])[:, None, None, None]
            for name in ("latents_mean", "latents_std")
        )
        with torch.no_grad():
            latents = (vae.encode(reference["video"][None]).latent_dist.mean[0] - mean) / std
            frames = vae.decode((latents * std + mean)[None]).sample[0]
        torch.testing.assert_close(autoencoder.encode(reference["video"]), latents)
        torch.testing.assert_close(autoencoder.decode(latents).clamp(-1, 1), frames)

    def test_the_public_sizes_are_the_defaults(self):
        with torch.device("meta"):
            config = wan.AutoencoderKLWan().config
        assert (config.base_dim, config.z_dim, config.is_residual) == (96, 16, False)
        assert list(config.temperal_downsample) == [False, True, True]
        assert config.latents_mean[0] == -0.7571
        assert config.latents_std[-1] == 1.9160
