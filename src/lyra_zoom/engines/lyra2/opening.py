"""What every leg of a photograph begins with: the photograph itself, shown for 97 frames.

The autoencoder sees those frames before any other. Both legs of a video begin alike, so what it
remembers of them, gigabytes of it, waits in main memory until the last leg has begun.
Source: Lyra 2.0 specification, 5.1.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from lyra_zoom.engines.engine import Progress
from lyra_zoom.engines.lyra2.config import FRAMES_PER_LATENT
from lyra_zoom.engines.lyra2.latents import Autoencoder, StreamDecoder, StreamEncoder
from lyra_zoom.engines.lyra2.projection import CPU

STILL_LATENTS = 25  # of the photograph, shown for so long before the leg begins


@dataclass(frozen=True, slots=True, kw_only=True)
class Streams:
    """The autoencoder after the still frames, and the latents it has made of them."""

    latents: Float[Tensor, "C 25 h w"]
    encoder: StreamEncoder
    decoder: StreamDecoder

    def fork(self) -> Streams:
        """Streams of their own that go on from here."""
        return Streams(
            latents=self.latents, encoder=self.encoder.fork(), decoder=self.decoder.fork()
        )

    def rest_on(self, device: torch.device) -> None:
        """Keep what the streams remember there until their next piece."""
        self.encoder.rest_on(device)
        self.decoder.rest_on(device)


class Opening:
    """The still frames of one photograph, encoded and decoded once for `legs` legs.

    A leg more, as after an error, sees them anew.
    """

    def __init__(self, legs: int = 2) -> None:
        self._to_come = legs
        self._kept: tuple[Autoencoder, Streams] | None = None

    def streams(
        self, vae: Autoencoder, image: Float[Tensor, "3 H W"], progress: Progress
    ) -> Streams:
        """Streams for a new leg; always given the same image, which lies where it works."""
        kept, self._kept = self._kept, None
        self._to_come -= 1
        if kept is not None and kept[0] is vae:
            streams = kept[1]
        else:
            streams = _shown(vae, image, progress)
        if self._to_come > 0:
            waiting = streams.fork()
            waiting.rest_on(CPU)
            self._kept = vae, waiting
        return streams


def _shown(vae: Autoencoder, image: Tensor, progress: Progress) -> Streams:
    encoder, decoder = vae.open_encoder(), vae.open_decoder()
    still = image[:, None].expand(-1, FRAMES_PER_LATENT, -1, -1)
    latents = list[Tensor]()
    for place in range(STILL_LATENTS):
        progress.advance(0.9 * place / STILL_LATENTS)
        latents.append(encoder.encode(still if latents else image[:, None]).to(image.device))
        decoder.decode(latents[-1])
    return Streams(latents=torch.cat(latents, dim=1), encoder=encoder, decoder=decoder)
