"""The table of what the lyra2 engine needs, computed by the module that decides by it."""

from __future__ import annotations

from lyra_zoom.cli.doctor_lyra2 import VARIANTS
from lyra_zoom.engines.lyra2.budget import GIB, Precision, budget_of, total
from lyra_zoom.pipeline.shot import SIZES

SIZE_NAMES = tuple(SIZES)


def memory_modes_table() -> str:
    """GiB of the GPU and of main memory, by mode and size."""
    heads = [f"{name}: GPU | host" for name in SIZE_NAMES]
    rows = [f"| mode | {' | '.join(heads)} |", f"| --- |{' --- |' * 2 * len(SIZE_NAMES)}"]
    for mode, precision in VARIANTS:
        name = str(mode) if precision is Precision.BF16 else f"{mode}, eight bits"
        cells = []
        for size_name in SIZE_NAMES:
            budget = budget_of(SIZES[size_name], mode, precision)
            cells += [f"{budget.device_bytes / GIB:.1f}", f"{budget.host_bytes / GIB:.0f}"]
        rows.append(f"| `{name}` | {' | '.join(cells)} |")
    return "\n".join(rows)


def memory_parts_table() -> str:
    """What stays on the GPU in `full`, and what each phase of a chunk adds, in GiB."""
    budgets = [budget_of(SIZES[name], VARIANTS[0][0]) for name in SIZE_NAMES]
    rows = [
        f"| part | {' | '.join(SIZE_NAMES)} | |",
        f"| --- |{' --- |' * len(SIZE_NAMES)} --- |",
    ]
    for parts in zip(*(budget.stays for budget in budgets), strict=True):
        cells = " | ".join(f"{part.nbytes / GIB:.2f}" for part in parts)
        rows.append(f"| {parts[0].name} | {cells} | {parts[0].why} |")
    for phase in budgets[0].phases:
        cells = " | ".join(f"{total(budget.phases[phase]) / GIB:.2f}" for budget in budgets)
        holds = ", ".join(part.name for part in budgets[0].phases[phase])
        rows.append(f"| *while {phase}* | {cells} | {holds} |")
    return "\n".join(rows)
