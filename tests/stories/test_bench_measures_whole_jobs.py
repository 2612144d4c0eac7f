"""`bench` makes a real video in a process of its own and says what it took."""

from __future__ import annotations

import pytest

from lyra_zoom.bench.floors import encoding_floor_s
from lyra_zoom.bench.job import JobSpec, measure_job
from lyra_zoom.bench.photograph import bench_photograph
from lyra_zoom.bench.speed import GIB
from lyra_zoom.contract.zoom import Resolution
from lyra_zoom.errors import JobFailed
from lyra_zoom.pipeline.metadata import inspect_film


def spec_of(image: str, target: str) -> JobSpec:
    return JobSpec(image=image, target=target, resolution=Resolution.P480, num_frames=81)


@pytest.mark.slow
def test_a_measured_job_is_a_real_video(tmp_path):
    film = tmp_path / "film.mp4"
    times = measure_job(spec_of(str(bench_photograph(tmp_path)), str(film)))
    assert inspect_film(film).num_frames == 81
    assert times.wall_s >= sum(times.stages_s.values()) * 0.95
    assert 0 < encoding_floor_s(film, 81) < times.wall_s
    assert 0.1 * GIB < times.peak_bytes < 4 * GIB


@pytest.mark.slow
def test_a_job_that_fails_says_why(tmp_path):
    with pytest.raises(JobFailed, match=r"nowhere\.jpg"):
        measure_job(spec_of(str(tmp_path / "nowhere.jpg"), str(tmp_path / "film.mp4")))
