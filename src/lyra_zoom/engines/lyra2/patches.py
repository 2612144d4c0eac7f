"""From maps over frames, rows and columns to rows of tokens, and back."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from lyra_zoom.engines.lyra2.window import NEW, PATCH, WINDOW, Grid, Segment


def patchify(maps: Tensor, patch: Grid) -> Tensor:
    """Tokens `(B, T, C * pt * ph * pw)` of maps `(B, C, F, H, W)`; edges repeat to fill up.

    Tokens run through columns fastest, features through the patch fastest, channels slowest.
    """
    maps = _fill(maps, patch)
    B, C, frames, rows, columns = maps.shape
    pt, ph, pw = patch
    split = maps.reshape(B, C, frames // pt, pt, rows // ph, ph, columns // pw, pw)
    return split.permute(0, 2, 4, 6, 1, 3, 5, 7).flatten(4).flatten(1, 3)


def unpatchify(tokens: Tensor, h: int, w: int) -> Tensor:
    """Latents `(B, C, F, h, w)` of the new tokens `(B, T, 4 * C)`, channels fastest."""
    frames, rows, columns = NEW.grid(h, w)
    split = tokens.reshape(len(tokens), frames, rows, columns, PATCH, PATCH, -1)
    return split.permute(0, 6, 1, 2, 4, 3, 5).flatten(3, 4).flatten(4, 5)


def camera_tokens(rays: Tensor) -> Tensor:
    """Rays of the whole window `(B, C, 45, h, w)` for each token, `(B, L, 4 * C)`.

    A coarse token has the mean of the full-resolution tokens that it covers.
    """
    return torch.cat([_camera_tokens(rays, segment) for segment in WINDOW], dim=1)


def correspondence_tokens(maps: Tensor, segment: Segment) -> Tensor:
    """Correspondence of one segment `(B, C, F, h, w)` for each of its tokens, `(B, T, 4 * C)`.

    Coarse frames are first made smaller; only then are 2 x 2 latents laid side by side.
    """
    smaller = _mean(maps, (1, segment.kernel, segment.kernel))
    return patchify(smaller, (1, PATCH, PATCH))


def _camera_tokens(rays: Tensor, segment: Segment) -> Tensor:
    maps = rays[:, :, segment.positions]
    tokens = patchify(maps, (1, PATCH, PATCH))
    rows, columns = maps.shape[3] // PATCH, maps.shape[4] // PATCH
    full = tokens.reshape(len(tokens), segment.frames, rows, columns, -1).movedim(-1, 1)
    return _mean(full, segment.pool).flatten(2).transpose(1, 2)


def _mean(maps: Tensor, pool: Grid) -> Tensor:
    if pool == (1, 1, 1):
        return maps
    return functional.avg_pool3d(_fill(maps, pool).float(), pool).to(maps.dtype)


def _fill(maps: Tensor, patch: Grid) -> Tensor:
    missing = [-length % size for length, size in zip(maps.shape[2:], patch, strict=True)]
    if not any(missing):
        return maps
    frames, rows, columns = missing
    return functional.pad(maps, (0, columns, 0, rows, 0, frames), mode="replicate")
