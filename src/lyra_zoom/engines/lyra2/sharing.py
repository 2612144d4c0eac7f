"""How the tokens of one forward pass are shared between processes: by default, not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from lyra_zoom.engines.lyra2.attention import Attend


class TokenSharing(Protocol):
    """What the network needs when it works on a part of the tokens, `(B, T, ...)`."""

    def split(self, tokens: Tensor) -> Tensor:
        """This process's part of all tokens; all parts are equal, the last may be filled up."""

    def join(self, tokens: Tensor, num_tokens: int) -> Tensor:
        """All tokens, the same in every process, from every process's part."""

    def attend(self, query: Tensor, key: Tensor, value: Tensor, num_tokens: int) -> Tensor:
        """What this process's tokens `(B, T, heads, head_dim)` gather from all tokens."""


@dataclass(frozen=True, slots=True)
class Alone:
    """One process has all tokens."""

    kernel: Attend

    def split(self, tokens: Tensor) -> Tensor:
        """All tokens."""
        return tokens

    def join(self, tokens: Tensor, num_tokens: int) -> Tensor:
        """The tokens as they are."""
        del num_tokens
        return tokens

    def attend(self, query: Tensor, key: Tensor, value: Tensor, num_tokens: int) -> Tensor:
        """Attention among all tokens."""
        del num_tokens
        return self.kernel(query, key, value)
