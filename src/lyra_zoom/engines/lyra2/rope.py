"""Rotary positions: each pair of features of a query or key turns with its token's position."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from lyra_zoom.engines.lyra2.attention import in_heads
from lyra_zoom.engines.lyra2.window import WINDOW, token_positions

THETA = 10_000.0


class Rope(NamedTuple):
    """Cosine and sine of every token's angles, `(L, 1, head_dim / 2)`, float32."""

    cos: Tensor
    sin: Tensor


def axis_features(head_dim: int) -> tuple[int, int, int]:
    """How a head's features are shared between time, rows and columns (Wan 2.1)."""
    side = 2 * (head_dim // 6)
    return (head_dim - 2 * side, side, side)


def window_angles(head_dim: int, h: int, w: int) -> Tensor:
    """Angles of all tokens of the window in radians, `(L, head_dim / 2)`, float64, on the CPU.

    A coarse token has the mean angle of what it covers: the angle at its mean position.
    """
    frequencies = [
        THETA ** -(torch.arange(0, features, 2, dtype=torch.float64) / features)
        for features in axis_features(head_dim)
    ]
    segments = []
    for segment in WINDOW:
        positions = [
            torch.tensor(axis, dtype=torch.float64) for axis in token_positions(segment, h, w)
        ]
        places = torch.cartesian_prod(*positions).unbind(-1)
        segments.append(
            torch.cat([torch.outer(p, f) for p, f in zip(places, frequencies, strict=True)], 1)
        )
    return torch.cat(segments)


def window_rope(head_dim: int, h: int, w: int, device: torch.device) -> Rope:
    """Cosine and sine for all tokens of the window."""
    angles = window_angles(head_dim, h, w)[:, None]
    return Rope(angles.cos().float().to(device), angles.sin().float().to(device))


def rotate(features: Tensor, rope: Rope) -> Tensor:
    """Turn neighbouring pairs of features `(B, L, heads, head_dim)` by the tokens' angles."""
    first, second = in_heads(features, 2).unbind(-1)
    turned = (first * rope.cos - second * rope.sin, first * rope.sin + second * rope.cos)
    return torch.stack(turned, dim=-1).flatten(-2)
