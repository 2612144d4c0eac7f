"""`lyra-zoom doctor`: what this machine can run and what is missing, in plain words."""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import shutil
import tempfile
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import av
import psutil
from PIL import features

from lyra_zoom.bench.photograph import bench_photograph
from lyra_zoom.cli.doctor_lyra2 import lyra2_findings, memory_table
from lyra_zoom.cli.findings import Finding
from lyra_zoom.contract.zoom import ZoomInput
from lyra_zoom.engines.choose import choose_engine
from lyra_zoom.errors import EngineNotReady
from lyra_zoom.pipeline.progress import ProgressReport
from lyra_zoom.pipeline.shot import plan_shot
from lyra_zoom.pipeline.zoom import make_zoom
from lyra_zoom.settings import Settings

NEEDED_MEMORY_GIB = 1.0
"""Peak of the whole process at 720p."""

NEEDED_DISK_MIB = 100

TRIAL_FRAMES = 12
"""Frames drawn to tell how fast this machine is; the first few are slower."""


def run(arguments: argparse.Namespace) -> None:
    """Print every finding, then whether videos can be made here."""
    settings = Settings.from_environment(os.environ)
    vital, optional = vital_findings(settings), optional_findings(settings)
    for finding in (*vital, *optional):
        mark = "ok  " if finding.well else "!!  " if finding in vital else "--  "
        print(f"{mark}{finding.what}" + (f": {finding.advice}" if finding.advice else ""))
    print("\n".join(memory_table()))
    missing = [finding for finding in vital if not finding.well]
    if missing:
        raise EngineNotReady(f"videos cannot be made here yet: {missing[0].advice}")
    if not _compiled_code().well:
        print("videos can be made here")
    else:
        seconds = expected_seconds(settings)
        print(f"videos can be made here: 81 frames at 480p in about {seconds:.1f} s")


def vital_findings(settings: Settings) -> tuple[Finding, ...]:
    """What a video cannot do without."""
    return (
        Finding(
            True, f"lyra-zoom {version('lyra-zoom')} on Python {platform.python_version()}"
        ),
        Finding(True, f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}"),
        _memory(),
        _disk(settings.data),
        _encoder(),
        _embedded_engine(settings),
    )


def expected_seconds(settings: Settings) -> float:
    """Seconds for a video of the defaults, from a trial of a few frames."""
    request = ZoomInput(image_url="trial", prompt="trial")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shot = plan_shot(request, bench_photograph(folder).read_bytes(), seed=0)
        trial = replace(shot, legs=(replace(shot.legs[0], num_frames=TRIAL_FRAMES),))
        engine = choose_engine("embedded", settings, lambda message: None)
        progress = ProgressReport()
        make_zoom(trial, engine, folder / "trial.mp4", progress)
    return sum(
        lap.seconds * (shot.num_frames / TRIAL_FRAMES if lap.stage == "frames" else 1)
        for lap in progress.stage_times
    )


def optional_findings(settings: Settings) -> tuple[Finding, ...]:
    """What makes more possible, but is not needed."""
    avif = bool(features.check("avif"))
    heic = importlib.util.find_spec("pillow_heif") is not None
    return (
        _compiled_code(),
        Finding(
            heic,
            f"HEIC photographs {'can' if heic else 'cannot'} be read",
            "" if heic else "pip install pillow-heif adds them",
        ),
        Finding(avif, f"AVIF photographs {'can' if avif else 'cannot'} be read"),
        *lyra2_findings(settings),
    )


def _memory() -> Finding:
    free_gib = psutil.virtual_memory().available / 2**30
    well = free_gib >= NEEDED_MEMORY_GIB
    advice = "" if well else f"a 720p video needs {NEEDED_MEMORY_GIB:g} GiB; close something"
    return Finding(well, f"{free_gib:.1f} GiB of memory free", advice)


def _disk(data: Path) -> Finding:
    """Free space where this program keeps things, or would once it makes the folder."""
    existing = next(folder for folder in (data, *data.absolute().parents) if folder.is_dir())
    free_mib = shutil.disk_usage(existing).free / 2**20
    well = free_mib >= NEEDED_DISK_MIB
    advice = "" if well else f"at least {NEEDED_DISK_MIB} MiB are needed; set LYRA_ZOOM_DATA"
    return Finding(well, f"{free_mib / 1024:.1f} GiB of disk free in {data}", advice)


def _encoder() -> Finding:
    try:
        av.Codec("libx264", "w")
    except ValueError:
        return Finding(False, "no H.264 encoder", "install PyAV from its wheel: pip install av")
    return Finding(True, "H.264 encoder (libx264)")


def _embedded_engine(settings: Settings) -> Finding:
    try:
        choose_engine("embedded", settings, lambda message: None)
    except EngineNotReady as error:
        return Finding(False, "embedded engine", str(error))
    network = settings.depth_model or "the bundled depth network"
    return Finding(True, f"embedded engine, with {network}")


def _compiled_code() -> Finding:
    """Whether an earlier video has left compiled code where numba keeps it."""
    from lyra_zoom.engines.embedded import raster_kernels

    kernel = next(value for value in vars(raster_kernels).values() if hasattr(value, "stats"))
    well = any(Path(kernel.stats.cache_path).glob("raster_kernels.*.nbi"))
    advice = "" if well else "the first video compiles it once, in about half a minute"
    return Finding(well, f"compiled drawing code {'is' if well else 'is not'} ready", advice)
