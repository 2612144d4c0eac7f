"""One timed job in a process of its own, so that its memory and its warmth are its own.

Run as `python -m lyra_zoom.bench.job SPEC`: a `JobSpec` as JSON in, a `JobTimes` as JSON out.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from lyra_zoom.bench.memory import PeakMemory
from lyra_zoom.contract.zoom import Resolution, ZoomInput
from lyra_zoom.engines.embedded.engine import EmbeddedEngine
from lyra_zoom.errors import JobFailed
from lyra_zoom.pipeline.progress import ProgressReport, total_times
from lyra_zoom.pipeline.shot import Shot, plan_shot
from lyra_zoom.pipeline.zoom import make_zoom

SEED = 7
WARM_UP_FRAMES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """A video to make and where: the endpoint's defaults but for size and length."""

    image: str
    target: str
    resolution: Resolution
    num_frames: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTimes:
    """What one job took after a warm-up in the same process."""

    wall_s: float
    cpu_s: float
    stages_s: dict[str, float]
    peak_bytes: int = 0  # of the whole process tree; filled in by who watched from outside


def measure_job(spec: JobSpec) -> JobTimes:
    """Run the job in a fresh process and watch its memory."""
    command = [sys.executable, "-m", "lyra_zoom.bench.job", json.dumps(asdict(spec))]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        with PeakMemory(child.pid) as memory:
            written, complaint = child.communicate()
    finally:
        child.kill()
    if child.returncode != 0:
        last_line = (complaint.strip().splitlines() or ["no message"])[-1]
        raise JobFailed(f"the measured job failed: {last_line}")
    return replace(JobTimes(**json.loads(written)), peak_bytes=memory.peak_bytes)


def run_job(spec: JobSpec) -> JobTimes:
    """Make the video twice, a few frames to warm up and then in full, and time the second."""
    engine = EmbeddedEngine()
    shot = _shot_of(spec)
    target = Path(spec.target)
    legs = tuple(replace(leg, num_frames=WARM_UP_FRAMES) for leg in shot.legs)
    make_zoom(replace(shot, legs=legs), engine, target, ProgressReport())

    progress = ProgressReport()
    wall, cpu = time.perf_counter(), time.process_time()
    make_zoom(shot, engine, target, progress)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return JobTimes(wall_s=wall, cpu_s=cpu, stages_s=total_times(progress.stage_times))


def _shot_of(spec: JobSpec) -> Shot:
    request = ZoomInput.model_validate(
        {
            "image_url": "bench",
            "prompt": "bench",
            "resolution": spec.resolution,
            "num_frames": spec.num_frames,
        }
    )
    return plan_shot(request, Path(spec.image).read_bytes(), SEED)


if __name__ == "__main__":
    spec = JobSpec(**json.loads(sys.argv[1]))
    sys.stdout.write(json.dumps(asdict(run_job(spec))))
