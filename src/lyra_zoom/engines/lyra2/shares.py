"""What the parts of a video cost, against each other: for progress bars and nothing else.

Counted in forward passes of the transformer at 480p. Guessed from arithmetic and from what the
authors say of one H100, where a pass takes 5.5 s; not measured by us.
"""

from __future__ import annotations

from dataclasses import dataclass

from lyra_zoom.engines.engine import Costs, Sampling
from lyra_zoom.engines.lyra2.config import CHUNK_FRAMES
from lyra_zoom.engines.lyra2.schedule import DISTILLED_TIMESTEPS

PHOTOGRAPH, PROMPT = 0.5, 0.3
LOOK_BACK, DECODE, DEPTH = 0.9, 1.0, 0.5
"""Of one chunk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkShares:
    """Which part of a chunk's time its stages take; they add up to 1."""

    look_back: float
    denoise: float
    decode: float
    depth: float


def chunk_shares(sampling: Sampling) -> ChunkShares:
    """The more steps, the less is everything else."""
    whole = _chunk(sampling)
    return ChunkShares(
        look_back=LOOK_BACK / whole,
        denoise=_passes(sampling) / whole,
        decode=DECODE / whole,
        depth=DEPTH / whole,
    )


def costs_before(sampling: Sampling) -> Costs:
    """What comes before the frames, in drawn frames."""
    frame = _chunk(sampling) / CHUNK_FRAMES
    return Costs(prepare=PHOTOGRAPH / frame, set_up=PROMPT / frame)


def _chunk(sampling: Sampling) -> float:
    return LOOK_BACK + _passes(sampling) + DECODE + DEPTH


def _passes(sampling: Sampling) -> int:
    """With guidance, every step asks the network twice."""
    return len(DISTILLED_TIMESTEPS) if sampling.use_dmd else 2 * sampling.num_inference_steps
