"""Whether Lyra 2.0 can run here, and on what; imports torch only once all else is there."""

from __future__ import annotations

from pathlib import Path

from lyra_zoom.engines.lyra2.allocator import let_segments_grow
from lyra_zoom.engines.lyra2.installed import why_not_usable
from lyra_zoom.settings import Settings

DEVICES, GPU_FILES = Path("/dev"), ("nvidia[0-9]*", "dxg")
"""Where Linux shows GPUs; the second is all of them under Windows."""


def why_not_here(settings: Settings) -> str | None:
    """One sentence on why Lyra 2.0 cannot run here, or None; fit for a client's eyes."""
    let_segments_grow()
    reason = why_not_usable(settings)
    if reason is not None:
        folder = str(settings.lyra2_folder)
        told = reason.replace(f" in {folder}", "").replace(f"{folder}/", "")
        return told + _and_no_gpu(settings)
    reason = why_no_kernel(settings.lyra2_attention)
    if reason is not None or settings.lyra2_device == "cpu":
        return reason
    return _why_no_gpu(settings.lyra2_gpus_per_video)


def what_it_runs_on(settings: Settings) -> str:
    """The name of the device, where Lyra 2.0 can run."""
    if settings.lyra2_device == "cpu":
        return "the CPU, as LYRA_ZOOM_LYRA2_DEVICE asks for"
    import torch

    others = settings.lyra2_gpus_per_video - 1
    return torch.cuda.get_device_name() + (f" and {others} more" if others else "")


def why_no_kernel(name: str) -> str | None:
    """One sentence on why the attention kernel of that name cannot be used; imports torch."""
    from lyra_zoom.engines.lyra2.attention import AttentionKernel, why_not_installed

    return why_not_installed(AttentionKernel(name))


def _and_no_gpu(settings: Settings) -> str:
    """Told with another reason, so that nobody mends that one in vain; asks no driver."""
    seen = any(any(DEVICES.glob(pattern)) for pattern in GPU_FILES)
    if settings.lyra2_device == "cpu" or seen:
        return ""
    return "; no NVIDIA GPU is seen here, either"


def _why_no_gpu(wanted: int) -> str | None:
    import torch

    if torch.cuda.is_available():
        seen = torch.cuda.device_count()
        if seen >= wanted:
            return None
        return f"{wanted} GPUs shall make a video together, and torch sees {seen}"
    if torch.version.cuda is None:
        return "the installed torch was built without CUDA"
    return "there is no GPU that torch can use"
