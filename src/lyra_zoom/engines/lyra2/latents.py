"""Pixels to latents and back, frame by frame: the Wan 2.1 autoencoder, streamed.

The convolutions are causal in time, so a video may come and go in pieces: what one stream has
seen lives in that stream, not in the network. diffusers offers only whole videos and clamps
what it decodes; the rollout needs pieces, and feeds unclamped frames back. So this calls
diffusers' encoder and decoder with caches of its own. That part is semi-private there:
`test_lyra2_latents.py` says when an upgrade changes it.
Source: Lyra 2.0 specification, section 9.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan, WanCausalConv3d
from jaxtyping import Float
from torch import Tensor, nn

from lyra_zoom.engines.lyra2.config import FRAMES_PER_LATENT
from lyra_zoom.engines.lyra2.filling import filled

Cache = list[Tensor | str | None]
"""One entry per causal convolution; diffusers marks a first pass with a word."""


class Autoencoder:
    """The autoencoder with normalised latents; frames are within [-1, 1], about."""

    def __init__(self, vae: AutoencoderKLWan) -> None:
        self.vae = vae

    @property
    def device(self) -> torch.device:
        """Where the network lies now."""
        return next(self.vae.parameters()).device

    def to(self, device: torch.device | str) -> None:
        """Move the network; open streams follow at their next piece."""
        nn.Module.to(self.vae, device)

    def open_encoder(self) -> StreamEncoder:
        """A new video to encode, piece by piece."""
        return StreamEncoder(self.vae)

    def open_decoder(self) -> StreamDecoder:
        """A new video to decode, piece by piece."""
        return StreamDecoder(self.vae)

    def encode(self, video: Float[Tensor, "3 F H W"]) -> Float[Tensor, "C f h w"]:
        """Latents of a whole video of 1 + 4k frames: 1 + k of them, float32."""
        return self.open_encoder().encode(video)

    def encode_image(self, frame: Float[Tensor, "3 H W"]) -> Float[Tensor, "C 1 h w"]:
        """The latent of one picture alone, as the first frame of a video has it."""
        return self.encode(frame[:, None])

    def decode(self, latents: Float[Tensor, "C f h w"]) -> Float[Tensor, "3 F H W"]:
        """The video of 1 + k latents: 1 + 4k frames, float32, not clamped."""
        return self.open_decoder().decode(latents)


class StreamEncoder:
    """A video on its way into latents: one frame first, then windows of four."""

    def __init__(self, vae: AutoencoderKLWan) -> None:
        self._vae = vae
        self._statistics = _statistics(vae)
        self._cache = _empty_cache(vae.encoder)
        self._begun = False

    @torch.no_grad()
    def encode(self, frames: Float[Tensor, "3 F H W"]) -> Float[Tensor, "C f h w"]:
        """Latents of the next frames: 1 + 4k the first time, 4k afterwards; float32."""
        return torch.cat([self._encode_window(window) for window in self._windows(frames)], 1)

    def fork(self) -> StreamEncoder:
        """A stream of its own that goes on from here."""
        other = StreamEncoder(self._vae)
        other._cache, other._begun = list(self._cache), self._begun  # entries never change
        return other

    def rest_on(self, device: torch.device) -> None:
        """Keep what the stream remembers there until its next piece; that may be gigabytes."""
        self._cache = _moved(self._cache, device)

    def _windows(self, frames: Tensor) -> Iterator[Tensor]:
        head = 0 if self._begun else 1
        count = frames.shape[1]
        if count < max(head, 1) or (count - head) % FRAMES_PER_LATENT:
            raise ValueError(f"{count} frames do not fill windows of {FRAMES_PER_LATENT}")
        self._begun = True
        if head:
            yield frames[:, :1]
        for start in range(head, count, FRAMES_PER_LATENT):
            yield frames[:, start : start + FRAMES_PER_LATENT]

    def _encode_window(self, window: Tensor) -> Tensor:
        conv = self._vae.quant_conv.weight
        self._cache = _moved(self._cache, conv.device)
        hidden = self._vae.encoder(
            window[None].to(conv), feat_cache=self._cache, feat_idx=[0]
        )  # fmt: skip
        mean, inverse_std = (each.to(conv.device) for each in self._statistics)
        mode = self._vae.quant_conv(hidden)[0, : len(mean)].float()  # the rest is a variance
        return (mode - mean) * inverse_std


class StreamDecoder:
    """Latents on their way into a video: the first gives one frame, each later one four."""

    def __init__(self, vae: AutoencoderKLWan) -> None:
        self._vae = vae
        self._statistics = _statistics(vae)
        self._cache = _empty_cache(vae.decoder)
        self._begun = False

    @torch.no_grad()
    def decode(self, latents: Float[Tensor, "C f h w"]) -> Float[Tensor, "3 F H W"]:
        """The frames of the next latents, float32, not clamped."""
        return torch.cat([self._decode_one(latents[:, i]) for i in range(latents.shape[1])], 1)

    def fork(self) -> StreamDecoder:
        """A stream of its own that goes on from here."""
        other = StreamDecoder(self._vae)
        other._cache, other._begun = list(self._cache), self._begun  # entries never change
        return other

    def rest_on(self, device: torch.device) -> None:
        """Keep what the stream remembers there until its next piece; that may be gigabytes."""
        self._cache = _moved(self._cache, device)

    def _decode_one(self, latent: Tensor) -> Tensor:
        conv = self._vae.post_quant_conv.weight
        mean, inverse_std = (each.to(conv.device) for each in self._statistics)
        self._cache = _moved(self._cache, conv.device)
        latents = latent[:, None].to(conv.device, torch.float32) / inverse_std + mean
        frames = self._vae.decoder(
            self._vae.post_quant_conv(latents[None].to(conv.dtype)),
            feat_cache=self._cache,
            feat_idx=[0],
            first_chunk=not self._begun,
        )
        self._begun = True
        return frames[0].float()


def empty_vae(*, base_dim: int = 96) -> AutoencoderKLWan:
    """The network with names and shapes but without numbers."""
    with torch.device("meta"):
        return AutoencoderKLWan(base_dim=base_dim)


def build_vae(state: Mapping[str, Tensor], *, base_dim: int = 96) -> AutoencoderKLWan:
    """The network with these tensors, named as in diffusers (`vae_keys` renames Wan's)."""
    return filled(empty_vae(base_dim=base_dim), state, "the autoencoder")


def _empty_cache(half: nn.Module) -> Cache:
    return [None for module in half.modules() if isinstance(module, WanCausalConv3d)]


def _moved(cache: Cache, device: torch.device) -> Cache:
    return [entry.to(device) if isinstance(entry, Tensor) else entry for entry in cache]


def _statistics(vae: AutoencoderKLWan) -> tuple[Tensor, Tensor]:
    """Mean and inverse standard deviation of each latent channel, (C, 1, 1, 1).

    The inverse, because the reference multiplies by it: the last bit then is the same. To make
    them anew for each latent would have the host wait for the GPU each time.
    """
    device = vae.quant_conv.weight.device
    mean, std = (
        torch.tensor(vae.config[name], device=device)[:, None, None, None]
        for name in ("latents_mean", "latents_std")
    )
    return mean, 1.0 / std
