"""Which GPUs the workers of this machine share out among themselves; asks no driver."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lyra_zoom.engines.lyra2.installed import why_not_usable
from lyra_zoom.settings import Settings

CHOSEN = "CUDA_VISIBLE_DEVICES"
"""CUDA's own variable: the GPUs a process sees, in the order in which it counts them."""

DEVICES = Path("/dev")


def gpus_for_workers(
    settings: Settings, environment: Mapping[str, str], devices: Path = DEVICES
) -> tuple[str, ...]:
    """What each worker shall see, by the names CUDA knows; nothing where lyra2 cannot run.

    That is one GPU, or as many as make a video together. Those that are left over do nothing.
    """
    if settings.lyra2_device != "cuda" or why_not_usable(settings) is not None:
        return ()
    chosen = environment.get(CHOSEN)
    if chosen is not None:
        names = _until_the_first_unknown(chosen)
    else:
        names = tuple(str(n) for n in range(len(list(devices.glob("nvidia[0-9]*")))))
    together = settings.lyra2_gpus_per_video
    teams = range(0, len(names) - together + 1, together)
    return tuple(",".join(names[first : first + together]) for first in teams)


def _until_the_first_unknown(chosen: str) -> tuple[str, ...]:
    """As CUDA reads it: a name that is none, such as -1, ends the list."""
    names: list[str] = []
    for name in chosen.split(","):
        if not name.strip() or name.strip().startswith("-"):
            break
        names.append(name.strip())
    return tuple(names)
