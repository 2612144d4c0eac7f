"""How fast this machine makes videos, beside the floors that were measured in the same run."""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from lyra_zoom.bench.floors import encoding_floor_s, memory_floor_s
from lyra_zoom.bench.job import JobSpec, JobTimes, measure_job
from lyra_zoom.bench.photograph import bench_photograph
from lyra_zoom.contract.zoom import Resolution
from lyra_zoom.pipeline.shot import SIZES

CHUNK_FRAMES = 81
LENGTHS = (81, 161, 481)
GIB = 2**30

WHOLE_JOB_S = {Resolution.P480: (5.1, 3.0), Resolution.P720: (11.0, 6.0)}
"""Seconds for 81 frames, photograph to MP4: must (for 480p that is real time) and aim."""

SCENE_S = (1.5, 0.8)
"""Depth and layers at 480p: must and aim."""

PEAK_GIB = (1.0, 0.6)
"""Memory of the whole process tree at 720p: must and aim."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """What the machine alone needs for a part of the work."""

    name: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured number, what it must be at most, what it aims at, and its floors."""

    what: str
    value: float
    unit: str
    must: float
    aim: float
    floors: tuple[Floor, ...] = ()

    @property
    def verdict(self) -> str:
        """`aim`, `must` or `missed`: the best of the two marks that the value reaches."""
        if self.value <= self.aim:
            return "aim"
        return "must" if self.value <= self.must else "missed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One video that was made for the figures."""

    resolution: Resolution
    num_frames: int
    times: JobTimes
    encoding_floor_s: float
    memory_floor_s: float

    @property
    def ms_per_frame(self) -> float:
        """Wall time of drawing and encoding, per frame."""
        return 1000 * self.times.stages_s["frames"] / self.num_frames

    @property
    def scene_s(self) -> float:
        """Depth and layers: all that happens once, between the photograph and the frames."""
        stages = self.times.stages_s
        return sum(
            seconds for name, seconds in stages.items() if name not in ("decode", "frames")
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedReport:
    """All figures of one run on one machine."""

    machine: str
    jobs: tuple[Job, ...]
    figures: tuple[Figure, ...]


def measure_speed(*, quick: bool, say: Callable[[str], None]) -> SpeedReport:
    """Make videos of both sizes and three lengths (`quick`: one) and time them."""
    lengths = LENGTHS[:1] if quick else LENGTHS
    here = machine()
    with tempfile.TemporaryDirectory(prefix="lyra-zoom-bench-") as folder:
        photograph = bench_photograph(Path(folder))
        jobs = []
        for resolution in Resolution:
            for num_frames in lengths:
                say(f"{num_frames} frames at {resolution}")
                jobs.append(_measured(photograph, Path(folder), resolution, num_frames))
    return SpeedReport(machine=here, jobs=tuple(jobs), figures=tuple(figures_of(jobs)))


def figures_of(jobs: Iterable[Job]) -> list[Figure]:
    """The rows that have a mark to reach, from the jobs that were run."""
    jobs = list(jobs)
    shortest = {job.resolution: job for job in jobs if job.num_frames == CHUNK_FRAMES}
    small, large = shortest[Resolution.P480], shortest[Resolution.P720]
    scene = Figure(
        what="depth and layers, 480p",
        value=small.scene_s,
        unit="s",
        must=SCENE_S[0],
        aim=SCENE_S[1],
    )
    memory = Figure(
        what="peak memory, 720p, whole process tree",
        value=large.times.peak_bytes / GIB,
        unit="GiB",
        must=PEAK_GIB[0],
        aim=PEAK_GIB[1],
    )
    return [*(_whole_job(job) for job in jobs), scene, memory]


def machine() -> str:
    """The processor, its cores and the system, and how busy it is before we begin."""
    python = platform.python_version()
    busy = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{_processor()}, {os.cpu_count()} cores, {platform.system()}, Python {python}{busy}"


def _measured(photograph: Path, folder: Path, resolution: Resolution, num_frames: int) -> Job:
    film = folder / f"{resolution}-{num_frames}.mp4"
    spec = JobSpec(
        image=str(photograph), target=str(film), resolution=resolution, num_frames=num_frames
    )
    return Job(
        resolution=resolution,
        num_frames=num_frames,
        times=measure_job(spec),
        encoding_floor_s=encoding_floor_s(film, num_frames),
        memory_floor_s=memory_floor_s(SIZES[resolution], num_frames),
    )


def _whole_job(job: Job) -> Figure:
    """Photograph to MP4; marks for longer videos grow with the frames, as the cost should."""
    chunks = job.num_frames / CHUNK_FRAMES
    must, aim = WHOLE_JOB_S[job.resolution]
    return Figure(
        what=f"{job.num_frames} frames {job.resolution}, photograph to MP4, warm",
        value=job.times.wall_s,
        unit="s",
        must=must * chunks,
        aim=aim * chunks,
        floors=(
            Floor(name="encoding alone", value=job.encoding_floor_s),
            Floor(name="one memory pass per frame", value=job.memory_floor_s),
        ),
    )


def _processor() -> str:
    """The processor's own name where Linux tells it."""
    facts = Path("/proc/cpuinfo")
    if facts.exists():
        for line in facts.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
