"""How the lyra2 engine lives with the memory of a GPU: three modes, and which one fits.

`auto` takes the first that fits: `full`, `lean`, `lean` with the blocks in eight bits, then
`stream`. All but eight bits compute the same numbers. Arithmetic only, no torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lyra_zoom.engines.lyra2.budget import GIB, Budget, Mode, Precision, budget_of
from lyra_zoom.errors import EngineNotReady
from lyra_zoom.geometry.image import Size

MODE_WORDS = {
    Mode.FULL: "everything stays on the GPU (80 GB cards)",
    Mode.LEAN: "the blocks stay, everything else comes when it is needed (48 GB cards)",
    Mode.STREAM: "blocks come two ahead of their use, again for every step (24 GB cards)",
}
"""What each mode does, for people."""

AUTO = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPlan:
    """What was decided for a GPU and a size of video, and the bytes it was decided on."""

    mode: Mode
    precision: Precision
    keeps_bias: bool  # each block's bias of queries and keys, from step to step
    budget: Budget

    def __str__(self) -> str:
        need, host = self.budget.device_bytes / GIB, self.budget.host_bytes / GIB
        told = f"memory mode {self.mode}, weights in {self.precision}, {need:.1f} GiB"
        return told + (f" and {host:.0f} GiB of main memory" if host else "")


def plan_memory(
    free_bytes: int,
    size: Size,
    *,
    mode: str = AUTO,
    precision: str = AUTO,
    eight_bits: Precision = Precision.INT8,
) -> MemoryPlan:
    """The plan for videos of this size on a GPU with so many bytes free.

    `mode` and `precision` are the operator's wish or `auto`; `eight_bits` is what `auto` may
    use on this GPU. Raises `EngineNotReady`, which says how much is missing.
    """
    budgets = [
        budget_of(size, each_mode, each_precision)
        for each_mode, each_precision in _candidates(mode, precision, eight_bits)
    ]
    for budget in budgets:
        if budget.device_bytes <= free_bytes:
            return _with_bias(budget, free_bytes, size)
    raise EngineNotReady(_what_is_missing(budgets, free_bytes, size, mode))


def _candidates(
    mode: str, precision: str, eight_bits: Precision
) -> Iterator[tuple[Mode, Precision]]:
    """What may be tried, the best first."""
    for each in Mode if mode == AUTO else (Mode(mode),):
        if precision != AUTO:
            yield each, Precision(precision)
            continue
        yield each, Precision.BF16
        if each is Mode.LEAN:
            yield each, eight_bits


def _with_bias(budget: Budget, free_bytes: int, size: Size) -> MemoryPlan:
    """Keep the bias of all blocks if it fits besides; only who has room for all does."""
    larger = budget_of(size, budget.mode, budget.precision, keeps_bias=True)
    keeps = budget.mode is Mode.FULL and larger.device_bytes <= free_bytes
    return MemoryPlan(
        mode=budget.mode,
        precision=budget.precision,
        keeps_bias=keeps,
        budget=larger if keeps else budget,
    )


def _what_is_missing(budgets: list[Budget], free_bytes: int, size: Size, mode: str) -> str:
    least = min(budgets, key=lambda budget: budget.device_bytes)
    need, free = least.device_bytes / GIB, free_bytes / GIB
    wish = "even the memory mode" if mode == AUTO else "the memory mode"
    return (
        f"{wish} {least.mode} needs {need:.1f} GiB of the GPU for {size.width}x{size.height} "
        f"({least.widest}), {free:.1f} GiB are free and {need - free:.1f} GiB are missing"
    )
