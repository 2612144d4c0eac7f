"""A network from the tensors of a file: exactly its own, by name and shape, or one sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import TypeAlias, TypeVar

from torch import Tensor, nn

from lyra_zoom.errors import WeightsUnusable

Shapes: TypeAlias = Mapping[str, Sequence[int]]

Network = TypeVar("Network", bound=nn.Module)

ANY = -1
"""A side that may have any length."""


def filled(network: Network, state: Mapping[str, Tensor], words: str) -> Network:
    """The network with these tensors, which are not copied; nothing of it is trained.

    Raises `WeightsUnusable` for a tensor too many, too few or of another shape; `words` is what
    a person calls the network.
    """
    compare(shapes_of(state), shapes_of(network.state_dict()), words)
    network.load_state_dict(dict(state), strict=True, assign=True)
    network.train(False)
    network.requires_grad_(False)
    return network


def shapes_of(state: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    """The shape of each tensor."""
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


def compare(found: Shapes, expected: Shapes, words: str) -> None:
    """Raise `WeightsUnusable` unless exactly the expected tensors are there."""
    missing = sorted(expected.keys() - found.keys())
    refuse((some_of(missing, "missing"), *_misfits(found, expected)), words)


def compare_part(found: Shapes, expected: Shapes, words: str) -> None:
    """Raise `WeightsUnusable` for a tensor that is none of those expected; some may lack."""
    refuse(_misfits(found, expected), words)


def some_of(names: Sequence[str], what: str) -> str:
    """The first few of them, and how many there are."""
    if not names:
        return ""
    shown = ", ".join(islice(names, 3))
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{shown}{more}: {what}"


def refuse(wrong: Sequence[str], words: str) -> None:
    """Raise `WeightsUnusable` if anything is wrong with a network."""
    if any(wrong):
        raise WeightsUnusable(f"{words} does not fit: {'; '.join(filter(None, wrong))}")


def _misfits(found: Shapes, expected: Shapes) -> tuple[str, str]:
    extra = sorted(found.keys() - expected.keys())
    other = sorted(
        f"{name} is {_cross(found[name])} instead of {_cross(expected[name])}"
        for name in expected.keys() & found.keys()
        if not _fits(found[name], expected[name])
    )
    return some_of(extra, "not part of this network"), some_of(other, "of another shape")


def _fits(shape: Sequence[int], expected: Sequence[int]) -> bool:
    return len(shape) == len(expected) and all(
        wanted in (ANY, side) for side, wanted in zip(shape, expected, strict=True)
    )


def _cross(shape: Sequence[int]) -> str:
    return "x".join("any" if side == ANY else str(side) for side in shape) or "a single number"
