"""Small stand-ins for the lyra2 engine's networks; import only where torch is known to be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from lyra_zoom.engines.lyra2.latents import Autoencoder, build_vae
from lyra_zoom.engines.lyra2.vae_keys import from_wan

GOLDEN = Path(__file__).parent / "golden/lyra2"
"""Numbers of the reference implementation, small enough to keep here."""


def golden(name: str) -> dict[str, np.ndarray]:
    """The arrays of one file of reference numbers."""
    with np.load(GOLDEN / f"{name}.npz") as arrays:
        return dict(arrays)


def tiny_autoencoder() -> Autoencoder:
    """The Wan autoencoder an eighth as wide or less, with the weights of the reference run."""
    state = load_file(GOLDEN / "vae_tiny_weights_bf16.safetensors")
    return Autoencoder(
        build_vae(from_wan({k: t.float() for k, t in state.items()}), base_dim=8)
    )


class ConstantImageEncoder:
    """Sees the same thing in every picture, as the reference run does."""

    def __init__(self) -> None:
        values = np.random.RandomState(77).standard_normal((1, 257, 1280)) * 0.5
        self.embeds = torch.from_numpy(values.astype(np.float32))

    def __call__(self, frame: torch.Tensor) -> torch.Tensor:
        return self.embeds
