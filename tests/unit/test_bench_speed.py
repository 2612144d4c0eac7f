"""The speed figures: what is measured, against which mark, beside which floor."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from lyra_zoom.bench.floors import encoding_floor_s, memory_floor_s
from lyra_zoom.bench.job import JobTimes
from lyra_zoom.bench.memory import PeakMemory
from lyra_zoom.bench.photograph import DRAWN_SIZE, drawn_photograph
from lyra_zoom.bench.report import as_json, as_table
from lyra_zoom.bench.speed import GIB, Figure, Job, SpeedReport, figures_of, machine
from lyra_zoom.contract.zoom import Resolution
from lyra_zoom.geometry.image import Size
from tests.films import write_film

MEGABYTE = 2**20
STAGES = {"decode": 0.1, "compile": 0.0, "depth": 0.3, "layers": 0.5, "frames": 3.24}


def job(resolution=Resolution.P480, num_frames=81, wall_s=4.2, peak_gib=0.7) -> Job:
    times = JobTimes(wall_s=wall_s, cpu_s=7.0, stages_s=STAGES, peak_bytes=int(peak_gib * GIB))
    return Job(
        resolution=resolution,
        num_frames=num_frames,
        times=times,
        encoding_floor_s=0.5,
        memory_floor_s=0.08,
    )


JOBS = (job(), job(num_frames=161, wall_s=7.7), job(Resolution.P720, wall_s=12.0))
REPORT = SpeedReport(machine="a machine", jobs=JOBS, figures=tuple(figures_of(JOBS)))


class TestFigures:
    @pytest.mark.parametrize(
        ("value", "verdict"), [(2.9, "aim"), (3.0, "aim"), (4.0, "must"), (5.2, "missed")]
    )
    def test_a_verdict_is_the_best_mark_reached(self, value, verdict):
        figure = Figure(what="x", value=value, unit="s", must=5.1, aim=3.0)
        assert figure.verdict == verdict

    def test_every_video_is_a_figure_beside_both_floors(self):
        names = [floor.name for floor in REPORT.figures[0].floors]
        assert names == ["encoding alone", "one memory pass per frame"]

    def test_the_marks_of_longer_videos_grow_with_their_frames(self):
        assert REPORT.figures[1].must == pytest.approx(5.1 * 161 / 81)

    def test_depth_and_layers_are_all_that_happens_once_after_decoding(self):
        assert JOBS[0].scene_s == pytest.approx(0.8)

    def test_a_frame_costs_its_drawing_and_encoding(self):
        assert JOBS[0].ms_per_frame == pytest.approx(40)

    def test_memory_is_judged_at_720p(self):
        assert REPORT.figures[-1].what.startswith("peak memory, 720p")
        assert REPORT.figures[-1].value == pytest.approx(0.7, abs=1e-6)


class TestReport:
    def test_the_table_says_which_figure_was_missed(self):
        (line,) = (line for line in as_table(REPORT).splitlines() if "MISSED" in line)
        assert line.startswith("81 frames 720p")

    def test_the_json_is_plain_json_with_a_verdict_per_figure(self):
        report = json.loads(json.dumps(as_json(REPORT)))
        assert [figure["verdict"] for figure in report["figures"]] == [
            "must", "must", "missed", "aim", "must",
        ]  # fmt: skip

    def test_the_machine_is_named(self):
        assert "cores" in machine()


class TestMemory:
    def test_memory_of_children_counts(self):
        hold = "x = bytearray(60 << 20); import time; time.sleep(0.5)"
        parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hold!r}])"
        process = subprocess.Popen([sys.executable, "-c", parent])
        with PeakMemory(process.pid) as memory:
            process.wait()
        assert 60 * MEGABYTE < memory.peak_bytes < 200 * MEGABYTE

    def test_a_process_that_is_gone_has_no_memory(self):
        process = subprocess.Popen([sys.executable, "-c", "pass"])
        process.wait()
        with PeakMemory(process.pid) as memory:
            pass
        assert memory.peak_bytes == 0


class TestFloors:
    @pytest.fixture
    def film(self, tmp_path):
        target = tmp_path / "film.mp4"
        noise = np.random.default_rng(0).integers(0, 255, (64, 96, 3), np.uint8)
        return write_film(target, [np.roll(noise, shift, axis=1) for shift in range(8)])

    def test_the_encoding_floor_of_a_longer_video_is_scaled_up(self, film):
        assert encoding_floor_s(film, 800) > 20 * encoding_floor_s(film, 8)

    def test_a_memory_pass_is_far_below_real_time(self):
        assert 0 < memory_floor_s(Size(832, 480), 81) < 2


def test_the_drawn_photograph_is_the_same_every_time():
    once, twice = drawn_photograph(), drawn_photograph()
    assert Size.of(once) == DRAWN_SIZE
    assert np.array_equal(once, twice)
