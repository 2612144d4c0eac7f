"""What `doctor` finds about the lyra2 engine: packages, weights, licence, GPU, memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import psutil

from lyra_zoom.cli.findings import Finding
from lyra_zoom.contract.zoom import Resolution
from lyra_zoom.engines.lyra2.budget import GIB, Budget, Mode, Precision, budget_of
from lyra_zoom.engines.lyra2.installed import (
    why_not_accepted,
    why_not_usable,
    why_packages_are_missing,
)
from lyra_zoom.engines.lyra2.modes import MODE_WORDS, plan_memory
from lyra_zoom.engines.lyra2.readiness import why_no_kernel
from lyra_zoom.errors import EngineNotReady
from lyra_zoom.pipeline.shot import SIZES
from lyra_zoom.settings import Settings

VARIANTS = tuple(
    (mode, precision)
    for mode in Mode
    for precision in (
        (Precision.BF16, Precision.FP8) if mode is Mode.LEAN else (Precision.BF16,)
    )
)
"""The modes that the table shows; `lean` also in eight bits, as `auto` may take it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """What decides the memory mode: what is free, and the eight bits that it multiplies."""

    free_bytes: int
    eight_bits: Precision


def lyra2_findings(settings: Settings) -> tuple[Finding, ...]:
    """One line for each thing the engine needs, and one for each size of video on a GPU."""
    packages = why_packages_are_missing()
    if packages is not None:
        return (Finding(False, "lyra2 engine", packages), _licence(settings))
    return (_weights(settings), _licence(settings), *_kernel(settings), *_gpu(settings))


def memory_table() -> Iterator[str]:
    """What each memory mode needs, line by line, whatever this machine has."""
    sizes = list(SIZES)
    yield "what the lyra2 engine needs, in GiB of the GPU (and of the host), computed:"
    heads = "".join(f"{each:>14}" for each in sizes)
    yield f"    {'mode':12}{heads}"
    for mode, precision in VARIANTS:
        name = str(mode) if precision is Precision.BF16 else f"{mode}, 8 bits"
        cells = (_cell(budget_of(SIZES[each], mode, precision)) for each in sizes)
        yield f"    {name:12}" + "".join(f"{cell:>14}" for cell in cells)
    for mode in Mode:
        yield f"    {mode}: {MODE_WORDS[mode]}"


def _cell(budget: Budget) -> str:
    host = budget.host_bytes / GIB
    return f"{budget.device_bytes / GIB:.1f}" + (f" ({host:.0f})" if host else "")


def _weights(settings: Settings) -> Finding:
    reason = why_not_usable(settings)
    if reason is None or reason == why_not_accepted(settings):
        return Finding(True, f"lyra2 weights in {settings.lyra2_folder}")
    return Finding(False, "lyra2 weights", reason)


def _licence(settings: Settings) -> Finding:
    reason = why_not_accepted(settings)
    if reason is None:
        return Finding(True, "lyra2 licence accepted: internal research only")
    return Finding(False, "lyra2 licence", reason)


def _kernel(settings: Settings) -> Iterator[Finding]:
    reason = why_no_kernel(settings.lyra2_attention)
    if reason is not None:
        yield Finding(False, "lyra2 attention", reason)


def _gpu(settings: Settings) -> Iterator[Finding]:
    import torch  # as late as this: it takes seconds

    if not torch.cuda.is_available():
        reason = (
            "torch was built without CUDA" if torch.version.cuda is None else "none is seen"
        )
        yield Finding(False, "GPU for lyra2", f"torch can use none: {reason}")
        return
    from lyra_zoom.engines.lyra2.quantize import eight_bits_for
    from lyra_zoom.engines.lyra2.residence import device_of

    device = device_of("cuda")
    free_bytes, all_bytes = torch.cuda.mem_get_info(device)
    name = torch.cuda.get_device_name(device)
    yield Finding(True, f"{name}, {free_bytes / GIB:.1f} of {all_bytes / GIB:.1f} GiB free")
    gpu = Gpu(free_bytes=free_bytes, eight_bits=eight_bits_for(device))
    for resolution in Resolution:
        yield fit(settings, gpu, resolution)


def fit(settings: Settings, gpu: Gpu, resolution: Resolution) -> Finding:
    """How videos of this size fit into a GPU, as the engine would decide it."""
    try:
        plan = plan_memory(
            gpu.free_bytes,
            SIZES[resolution],
            mode=settings.lyra2_memory,
            precision=settings.lyra2_precision,
            eight_bits=gpu.eight_bits,
        )
    except EngineNotReady as error:
        return Finding(False, f"lyra2 at {resolution}", str(error))
    host_free = psutil.virtual_memory().available
    if plan.budget.host_bytes > host_free:
        advice = f"{plan}; only {host_free / GIB:.0f} GiB of that are free"
        return Finding(False, f"lyra2 at {resolution}", advice)
    return Finding(True, f"lyra2 at {resolution}: {plan}")
