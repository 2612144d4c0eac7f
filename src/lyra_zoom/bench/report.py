"""Figures as a table for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from pydantic import JsonValue

from lyra_zoom.bench.server import ServerReport
from lyra_zoom.bench.speed import GIB, Figure, Job, SpeedReport

VERDICTS = {"aim": "reaches the aim", "must": "good enough", "missed": "MISSED"}
"""What the marks mean in words."""


def as_table(report: SpeedReport) -> str:
    """The figures beside their marks and floors, then each job's stages."""
    jobs: list[tuple[str, ...]] = [("job", "cpu", "ms/frame", "peak", "stages")]
    jobs += [_job_row(job) for job in report.jobs]
    return "\n\n".join([report.machine, _figures(report.figures), _aligned(jobs)])


def server_table(report: ServerReport) -> str:
    """The figures of the service beside their marks and floors."""
    return "\n\n".join([report.machine, _figures(report.figures)])


def server_json(report: ServerReport) -> dict[str, JsonValue]:
    """The whole report and the verdict on each figure."""
    return {"machine": report.machine, "figures": _with_verdicts(report.figures)}


def as_json(report: SpeedReport) -> dict[str, JsonValue]:
    """The whole report; seconds, bytes and the verdict on each figure."""
    return {
        "machine": report.machine,
        "figures": _with_verdicts(report.figures),
        "jobs": [
            {**asdict(job), "scene_s": job.scene_s, "ms_per_frame": job.ms_per_frame}
            for job in report.jobs
        ],
    }


def _with_verdicts(figures: Iterable[Figure]) -> list[JsonValue]:
    return [{**asdict(figure), "verdict": figure.verdict} for figure in figures]


def _figures(figures: Iterable[Figure]) -> str:
    head = ("figure", "value", "must", "aim", "", "floors, same run")
    return _aligned([head, *(_figure_row(figure) for figure in figures)])


def _figure_row(figure: Figure) -> tuple[str, ...]:
    floors = ", ".join(
        f"{floor.name} {floor.value:.2f} {figure.unit}" for floor in figure.floors
    )
    return (
        figure.what,
        f"{figure.value:.2f} {figure.unit}",
        f"{figure.must:.1f}",
        f"{figure.aim:.1f}",
        VERDICTS[figure.verdict],
        floors,
    )


def _job_row(job: Job) -> tuple[str, ...]:
    stages = ", ".join(
        f"{name} {seconds:.2f} s" for name, seconds in job.times.stages_s.items()
    )
    return (
        f"{job.num_frames} frames {job.resolution}",
        f"{job.times.cpu_s:.2f} s",
        f"{job.ms_per_frame:.1f}",
        f"{job.times.peak_bytes / GIB:.2f} GiB",
        stages,
    )


def _aligned(rows: list[tuple[str, ...]]) -> str:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return "\n".join(_line(row, widths) for row in rows)


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
    return "  ".join(cells).rstrip()
