"""One forward pass on several devices (Ulysses, arXiv 2309.14509).

Each process has a part of the tokens. For self-attention the parts are exchanged, so that each
process has all tokens of a part of the heads, and exchanged back. All processes are given the
same inputs, and all end with the same velocity. Who calls it in all of them: `crew.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn import functional

from lyra_zoom.engines.lyra2.attention import Attend, attend
from lyra_zoom.engines.lyra2.transformer import Lyra2Transformer


def share_tokens(
    transformer: Lyra2Transformer, group: dist.ProcessGroup, kernel: Attend = attend
) -> None:
    """Let the processes of the group share each forward pass from now on.

    Chunks and prompts are prepared anew. Raises `ValueError` if the heads cannot be shared.
    """
    processes = dist.get_world_size(group)
    if transformer.config.num_heads % processes:
        heads = transformer.config.num_heads
        raise ValueError(f"{heads} heads cannot be shared by {processes} processes")
    transformer.use_attention(kernel, Ulysses(group, kernel))


@dataclass(frozen=True, slots=True)
class Ulysses:
    """Tokens shared by the processes of a group; zeros fill up the last parts."""

    group: dist.ProcessGroup
    kernel: Attend

    def split(self, tokens: Tensor) -> Tensor:
        """This process's part of `(B, T, ...)`."""
        processes = dist.get_world_size(self.group)
        parts = _filled(tokens, -(-tokens.shape[1] // processes) * processes)
        return parts.chunk(processes, dim=1)[dist.get_rank(self.group)].contiguous()

    def join(self, tokens: Tensor, num_tokens: int) -> Tensor:
        """All tokens, without what filled them up."""
        processes = dist.get_world_size(self.group)
        parts = tokens.new_empty(processes * len(tokens), *tokens.shape[1:])
        dist.all_gather_single(parts, tokens.contiguous(), group=self.group)
        by_process = parts.reshape(processes, *tokens.shape)
        return by_process.movedim(0, 1).flatten(1, 2)[:, :num_tokens]

    def attend(self, query: Tensor, key: Tensor, value: Tensor, num_tokens: int) -> Tensor:
        """Attention of this process's tokens to all, computed for a part of the heads."""
        stacked = self._heads_for_tokens(torch.stack([query, key, value]))
        gathered = self.kernel(*stacked[:, :, :num_tokens])
        return self._tokens_for_heads(_filled(gathered, stacked.shape[2]))

    def _heads_for_tokens(self, parts: Tensor) -> Tensor:
        """From `(3, B, T / n, heads, D)` to `(3, B, T, heads / n, D)`."""
        processes = dist.get_world_size(self.group)
        by_heads = torch.stack(parts.chunk(processes, dim=3))
        return self._exchange(by_heads).movedim(0, 2).flatten(2, 3)

    def _tokens_for_heads(self, part: Tensor) -> Tensor:
        """From `(B, T, heads / n, D)` to `(B, T / n, heads, D)`."""
        processes = dist.get_world_size(self.group)
        by_tokens = torch.stack(part.chunk(processes, dim=1))
        return self._exchange(by_tokens).movedim(0, 2).flatten(2, 3)

    def _exchange(self, parts: Tensor) -> Tensor:
        """Part i of `(n, ...)` goes to process i; what comes from it takes its place."""
        received = torch.empty_like(parts)
        dist.all_to_all_single(received, parts.contiguous(), group=self.group)
        return received


def _filled(tokens: Tensor, length: int) -> Tensor:
    missing = length - tokens.shape[1]
    after = [0, 0] * (tokens.dim() - 2) + [0, missing]
    return functional.pad(tokens, after) if missing else tokens
